"""The learner asks: build, preview, confirm, post.

Owns the ask that is being made; what comes after it is `waiting`. Nothing is sent before the user said so, in our question, in its code-action twin
(`pending`), or in a plugin's own dialogue (`confirm: false`). Does not own the limits of what is sent (`context`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cm_lsp import commands, files_to_show
from cm_lsp.asking import context, not_secrets, preview, project, waiting
from cm_lsp.asking.context import Beside
from cm_lsp.asking.not_secrets import Redacting, Replaced
from cm_lsp.asking.waiting import NOT_NOW, SendCommand, Waiting
from cm_lsp.documents import OpenDocument, OpenDocuments
from cm_lsp.session import share_table
from cm_lsp.settings import Settings
from cm_lsp.to_editor import Editor
from cm_wire import faults, printable
from cm_wire.asking import AskContext, AskView, RankedMentor, Terms
from cm_wire.ids import AskId, PersonId
from cm_wire.to_client import AskPosted, MentorsRanked
from cm_wire.to_server import PostAsk, RankMentors

SEND: Final = "Send it"
CHOOSE: Final = "Choose a mentor"
ONE_IS_NONE: Final = "One is no secret"
NOT_SENT: Final = (
    "Codementor: nothing was sent. The code actions send what was previewed, or drop it."
)
MENTORS_IN_QUESTION_MAX: Final = 6
DRAWN_SECONDS: Final = 0.15
"""Neovim draws nothing while it asks: what was opened is on the screen by then."""

_SEND_AGAIN: Final = frozenset({"unavailable", "card-needed", "card-declined"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What asking stands on."""

    editor: Editor
    documents: OpenDocuments
    settings: Settings
    send: SendCommand
    cache_folder: Path
    roots: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Unsure:
    """An ask that got no answer: it may have arrived. Its preview, and what is known of it once it turns out to be open."""

    pending: commands.Ask | None
    asked: tuple[str, tuple[AskContext, Terms]]


class Asking:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.waiting = Waiting(around.editor, around.send, around.settings.price_max.currency)
        self.pending: commands.Ask | None = None
        """An ask whose question stands open; the code action that sends it carries the same arguments."""
        self.replaced: Sequence[Replaced] = ()
        """What the pending ask does not send because it looks like a secret; for each, a code action says that it is none."""
        self.choices: Sequence[RankedMentor] = ()
        """Whom the pending ask can be sent to, once the user wanted to choose; each a code action."""
        self.asked_uri: str | None = None
        """The document of the last ask: what the learner shares first when a session opens."""
        self._asked: tuple[AskContext, Terms] | None = None
        self._is_posting = False
        self._unsure: _Unsure | None = None

    def check(self, arguments: commands.Ask) -> None:
        """Raises `faults.Refused` for what can be told before anybody is asked anything."""
        self._context(self._document(arguments.uri), arguments)
        self._terms(arguments)

    async def ask(self, arguments: commands.Ask) -> dict[str, str] | None:
        """`{askId}`, or None when the user decided otherwise."""
        document = self._document(arguments.uri)
        question = arguments.question
        if question is None and not arguments.is_confirmed:
            question = await self._around.editor.prompt(
                "What do you want to ask?", "in one sentence, or leave it empty"
            )
        arguments = msgspec.structs.replace(arguments, question=question or "")
        terms = self._terms(arguments)
        if arguments.is_confirmed:
            about, chosen = self._context(document, arguments), None
        else:
            confirmed = await self._confirm(document, arguments, terms)
            if confirmed is None:
                return None
            about, chosen = confirmed
        mentor = chosen or (None if arguments.mentor == commands.FASTEST else arguments.mentor)
        post = PostAsk(context=about, terms=terms, mentor=PersonId(mentor) if mentor else None)
        ask_id = await self._post(post, document.uri)
        await self.waiting.begin(ask_id)
        return {"askId": ask_id}

    async def mentors(self, arguments: commands.Mentors) -> list[dict[str, object]]:
        """Who would be asked, best first."""
        if arguments.uri is not None and arguments.range is not None:
            document = self._document(arguments.uri)
            asked = commands.Ask(uri=arguments.uri, range=arguments.range)
            about, terms = self._context(document, asked), self._terms(asked)
        elif self._asked is not None:
            about, terms = self._asked
        else:
            raise faults.refusal("bad-value", "mentors needs a document and a range.", field="uri")
        ranked = await self._ranked(about, terms)
        if self._is_pending() and not self._around.editor.has_plugin:
            self._offer_choices(ranked)
        return [
            {**msgspec.to_builtins(mentor), "text": preview.mentor_line(mentor)}
            for mentor in ranked
        ]

    async def cancel(self, ask_id: str | None) -> None:
        if ask_id is None and self._is_pending():
            self.forget_pending()
            return
        await self.waiting.cancel(ask_id)

    def changed(self, view: AskView) -> None:
        """The server says how the ask stands."""
        if self.waiting.changed(view) and not self._is_posting:
            self._found_open(view)

    def _found_open(self, view: AskView) -> None:
        """An ask whose answer was lost with the connection, or that was open before this editor began."""
        if self._unsure is not None:
            if self.pending is self._unsure.pending:
                self.forget_pending()
            self.asked_uri, self._asked = self._unsure.asked
            self._unsure = None
        self.waiting.found_open(view)

    def forget_pending(self) -> None:
        self.pending, self.choices, self.replaced = None, (), ()

    # Within.

    async def _post(self, post: PostAsk, uri: str) -> AskId:
        """Where it could not be sent, or the card is wanting, what was previewed can be sent by its code action still."""
        pending, replaced = self.pending, self.replaced
        self.forget_pending()
        asked = uri, (post.context, post.terms)
        self._is_posting = True
        try:
            posted = await self._around.send(post)
        except faults.Refused as refused:
            if refused.fault.code in _SEND_AGAIN and self.pending is None:
                self.pending, self.replaced = pending, replaced
            if refused.fault.code == "unavailable":
                self._unsure = _Unsure(pending, asked)
            raise
        finally:
            self._is_posting = False
        assert isinstance(posted, AskPosted)
        self.asked_uri, self._asked = asked
        self._unsure = None
        return posted.ask_id

    def _document(self, uri: str) -> OpenDocument:
        document = self._around.documents.get(uri)
        if document is None:
            raise faults.refusal(
                "bad-value",
                "uri must be a document that is open in this editor.",
                "Open it and ask again.",
                field="uri",
            )
        return document

    def _context(
        self,
        document: OpenDocument,
        arguments: commands.Ask,
        redacting: Redacting | None = None,
    ) -> AskContext:
        diagnostics = arguments.diagnostics
        if diagnostics is None:
            diagnostics = context.touching(document.diagnostics, arguments.range)
        return context.build(
            self._around.documents,
            document,
            self._around.documents.span_of(document, arguments.range),
            path=share_table.session_path(document.uri, self._around.roots),
            diagnostics=diagnostics,
            question=arguments.question or "",
            beside=Beside(
                self._around.settings.surrounding_lines,
                project.around(document.uri, self._around.roots),
            ),
            redacting=redacting or Redacting(arguments.not_secrets or ()),
        )

    def _terms(self, arguments: commands.Ask) -> Terms:
        settings = self._around.settings
        price = settings.price_max
        if arguments.max_price is not None:
            price = waiting.amount(arguments.max_price, price.currency)
        return Terms(
            cap_minutes=arguments.cap_minutes or settings.cap_minutes,
            price_max=price,
            spoken_languages=settings.spoken_languages,
        )

    async def _confirm(
        self, document: OpenDocument, arguments: commands.Ask, terms: Terms
    ) -> tuple[AskContext, str | None] | None:
        """What to send, and the mentor that was chosen; None when the user decided otherwise.

        Each "that is no secret" shows the preview anew, for what is sent has changed.
        """
        while True:
            redacting = Redacting(arguments.not_secrets or ())
            about = self._context(document, arguments, redacting)
            pending = msgspec.structs.replace(arguments, confirm="no")
            self.pending, self.choices, self.replaced = pending, (), redacting.replaced
            answer = await self._put(about, terms, [] if arguments.mentor else [CHOOSE])
            if self.pending is not pending:
                return None  # a code action sent it, or asked anew, while the question stood open
            if answer == SEND:
                return about, None
            if answer == NOT_NOW:
                self.forget_pending()
                return None
            chosen = await self._choose(about, terms) if answer == CHOOSE else None
            mark = await self._which_is_none() if answer == ONE_IS_NONE else None
            if self.pending is not pending:
                return None
            if chosen is not None:
                return about, chosen
            if mark is None:
                self._around.editor.say(NOT_SENT)
                return None
            marks = (*(arguments.not_secrets or ()), mark)
            arguments = msgspec.structs.replace(arguments, not_secrets=marks)

    async def _put(self, about: AskContext, terms: Terms, more: Sequence[str]) -> str | None:
        """Show what would be sent, and ask whether to."""
        editor = self._around.editor
        text = preview.of_ask(about, terms, self.replaced)
        uri = files_to_show.write(self._around.cache_folder, "codementor-ask.md", text)
        shown = await editor.show_document(uri)
        if shown:
            await asyncio.sleep(DRAWN_SECONDS)
        where = "" if shown or editor.has_plugin else f" You can read it all in {uri}."
        return await editor.ask(
            f"Ask a mentor about {printable.line(about.excerpt.path)}? At most "
            f"{terms.cap_minutes} min at {terms.price_max} per 15 min; nothing is charged before you say go.{where}",
            [NOT_NOW, SEND, *more, *([ONE_IS_NONE] if self.replaced else [])],
        )

    async def _which_is_none(self) -> str | None:
        """The mark of the one finding that is no secret."""
        named = not_secrets.titles(self.replaced)
        answer = await self._around.editor.ask(
            "Which of these is no secret? It is sent as it is.", [NOT_NOW, *named]
        )
        return named[answer].mark if answer in named else None

    def _is_pending(self) -> bool:
        return self.pending is not None

    async def _choose(self, about: AskContext, terms: Terms) -> str | None:
        mentors = await self._ranked(about, terms)
        if not mentors:
            raise faults.refusal(
                "nobody-now",
                "No mentor who fits is free now.",
                "Send the ask anyway: you can leave it open for whoever comes.",
            )
        self._offer_choices(mentors)
        named = preview.titles(self.choices)
        lines = "\n".join(preview.mentor_line(mentor) for mentor in named.values())
        answer = await self._around.editor.ask(f"Whom?\n{lines}", [NOT_NOW, *named])
        return named[answer].mentor if answer in named else None

    def _offer_choices(self, mentors: Sequence[RankedMentor]) -> None:
        self.choices = mentors[:MENTORS_IN_QUESTION_MAX]
        found = len(self.choices)
        said = f"{found} fit, among the code actions" if found else "no mentor who fits is free now"
        self._around.editor.say(f"Codementor: {said}.")

    async def _ranked(self, about: AskContext, terms: Terms) -> Sequence[RankedMentor]:
        ranked = await self._around.send(RankMentors(context=about, terms=terms))
        assert isinstance(ranked, MentorsRanked)
        return ranked.mentors
