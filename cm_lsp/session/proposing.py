"""Proposals in this editor: the mentor's on their way out, and those the learner decides on.

Owns when they are told and drawn, and the verbs accept, refuse, show. Does not own what a proposal is over the text
(`sharing.draft`), nor who may propose (the server, and `views.typing`). A proposal becomes text only here, on the
learner's side, as the learner's own edit.
"""

import asyncio
import difflib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lsprotocol import types

from cm_lsp.session import kept_texts, views
from cm_lsp.session.marks import SOURCE
from cm_lsp.session.place import Place
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.sharing.edits import Replacement
from cm_lsp.sharing.positions import Position
from cm_wire import faults, printable
from cm_wire.ids import FilePath
from cm_wire.session import FileProposals, Hunk, SessionView
from cm_wire.to_server import Propose, SettleHunk

log = logging.getLogger(__name__)

SHOWN_CHARACTERS_MAX: Final = 60
TAKEN_BACK_SAID_SECONDS: Final = 10.0

_GONE: Final = (
    "wrong-state",
    "The text under this proposal has changed.",
    "Wait a moment for the newer proposal, or refuse it.",
)


@dataclass(frozen=True, slots=True)
class Located:
    """A proposal as it stands in the learner's editor now."""

    hunk: Hunk
    change: Replacement
    start: Position
    end: Position

    @property
    def title(self) -> str:
        """What it does, in one harmless line."""
        removed, text = _short(self.hunk.removed), _short(self.hunk.text)
        if not removed:
            return f"insert {text}"
        return f"replace {removed} by {text}" if text else f"delete {removed}"


class Proposing:
    """`buffers` is the room's own table; `view` the state of the session as last told."""

    def __init__(
        self,
        place: Place,
        buffers: Mapping[FilePath, Buffer],
        view: Callable[[], SessionView],
        comes: Callable[[FilePath, str], None],
    ) -> None:
        """`comes` is told each text of the mentor's before it becomes the learner's."""
        self._place = place
        self._comes = comes
        self._buffers = buffers
        self._view = view
        self._open: dict[FilePath, tuple[Hunk, ...]] = {}
        self._drawn: dict[FilePath, list[types.Diagnostic]] = {}
        self._taken_back_said_at = -TAKEN_BACK_SAID_SECONDS

    def say_taken_back(self) -> None:
        """The user typed where they may only look; said now and then, not for every key."""
        now = asyncio.get_running_loop().time()
        if now - self._taken_back_said_at > TAKEN_BACK_SAID_SECONDS:
            self._taken_back_said_at = now
            self._place.editor.say(
                "Codementor: what you type here is taken back, you may only look now."
            )

    def tick(self) -> None:
        """A few times a second: tell what was typed since, draw what moved."""
        if self._view().you == "mentor":
            for path, buffer in self._buffers.items():
                if buffer.has_news_to_propose:
                    self._place.editor.later(self._tell(path, buffer))
        else:
            self._draw()

    def mode_changed(self) -> None:
        """Outside the mode of that name nothing is proposed: the mentor's editor goes back to the shared text."""
        if self._view().mode == "propose":
            return
        self._open.clear()
        self._draw()
        for path, buffer in self._buffers.items():
            lost = buffer.drop_all_proposals()
            if lost is not None:
                why = "The learner changed the mode while proposals were open."
                kept_texts.keep(self._place, path, lost, why)

    def settled(self, path: FilePath, number: int, *, accepted: bool) -> None:
        """At the mentor's: an accepted one is or will be in the shared text, a refused one goes."""
        buffer = self._buffers.get(path)
        if buffer is not None:
            buffer.drop_proposal(number)
        said = "accepted" if accepted else "refused"
        self._place.editor.say(f"Codementor: a change you proposed was {said}.")

    def heard(self, proposals: FileProposals) -> None:
        """At the learner's: all the mentor proposes for a file now."""
        if self._view().you != "learner" or self._view().mode != "propose":
            return
        is_first = not self._open.get(proposals.path)
        self._open[proposals.path] = proposals.hunks
        self._draw()
        if is_first and proposals.hunks:
            mentor = views.display_name(self._view().mentor)
            self._place.editor.say(
                f"Codementor: {mentor} proposes a change of {printable.line(proposals.path)}; "
                "accept or refuse it by a code action there."
            )

    def located(self, path: FilePath) -> Iterator[Located]:
        """The open proposals of a file that fit the text as it is now, first place first."""
        buffer = self._buffers.get(path)
        for hunk in self._open.get(path, ()) if buffer is not None else ():
            assert buffer is not None
            change = buffer.located(hunk)
            if change is not None:
                yield Located(hunk, change, *buffer.shown_at(change))

    async def accept(self, path: FilePath, number: int | None) -> int:
        """Make one proposal, or all of a file's, the learner's own edits; how many."""
        buffer = self._buffer(path)
        taken = 0
        for hunk in self._named(path, number):
            self._comes(path, hunk.text)
            if buffer.accept(hunk):
                taken += 1
                await self._settle(path, hunk, accepted=True)
        if not taken:
            raise faults.refusal(*_GONE)
        return taken

    async def refuse(self, path: FilePath, number: int | None) -> int:
        hunks = self._named(path, number)
        for hunk in hunks:
            await self._settle(path, hunk, accepted=False)
        return len(hunks)

    async def show(self, path: FilePath) -> str:
        """What the file would be with all of it, as a diff; the address of that."""
        buffer = self._buffer(path)
        before = buffer.text()
        after = before
        for one in sorted(self.located(path), key=lambda one: one.change, reverse=True):
            start, end, text = one.change
            after = after[:start] + text + after[end:]
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
        )
        text = "".join(line if line.endswith("\n") else line + "\n" for line in lines)
        uri = self._place.write_file("proposals.diff", printable.plain(text))
        await self._place.editor.show_document(uri, focus=True)
        return uri

    async def _tell(self, path: FilePath, buffer: Buffer) -> None:
        propose = Propose(session_id=self._view().session_id, path=path, hunks=buffer.proposed())
        try:
            await self._place.send(propose)
        except faults.Refused as refused:
            self._place.editor.say_wrong(f"Codementor: {refused}")

    async def _settle(self, path: FilePath, hunk: Hunk, *, accepted: bool) -> None:
        left = tuple(one for one in self._open.get(path, ()) if one.number != hunk.number)
        self._open[path] = left
        self._draw()
        settle = SettleHunk(
            session_id=self._view().session_id, path=path, number=hunk.number, accepted=accepted
        )
        await self._place.send(settle)

    def _named(self, path: FilePath, number: int | None) -> tuple[Hunk, ...]:
        hunks = self._open.get(path, ())
        named = tuple(one for one in hunks if number is None or one.number == number)
        if not named:
            raise faults.refusal("wrong-state", "There is no such proposal now.")
        return named

    def _buffer(self, path: FilePath) -> Buffer:
        buffer = self._buffers.get(path)
        if buffer is None:
            raise faults.refusal("wrong-state", "The file is not open.", "Open it first.")
        return buffer

    def _draw(self) -> None:
        for path, buffer in self._buffers.items():
            diagnostics = [self._diagnostic(one) for one in self.located(path)]
            if diagnostics == self._drawn.get(path, []) or not buffer.is_open:
                continue
            self._drawn[path] = diagnostics
            marks = self._place.marks.of(buffer.uri)
            marks.proposals = diagnostics
            with_cursors = not self._place.editor.claims.cursors
            self._place.editor.publish_diagnostics(
                buffer.uri, marks.diagnostics(with_cursors=with_cursors)
            )
            self._place.editor.refresh_marks()

    def _diagnostic(self, one: Located) -> types.Diagnostic:
        mentor = views.display_name(self._view().mentor)
        return types.Diagnostic(
            range=types.Range(types.Position(*one.start), types.Position(*one.end)),
            message=f"{mentor} proposes: {one.title}",
            severity=types.DiagnosticSeverity.Information,
            source=SOURCE,
            # For a plugin that draws it in place; others hand it back unread.
            data={"proposal": {"number": one.hunk.number, "text": printable.plain(one.hunk.text)}},
        )


def _short(text: str) -> str:
    shown = printable.line(text.strip() or text)
    cut = shown[:SHOWN_CHARACTERS_MAX]
    return f'"{cut}…"' if len(shown) > len(cut) else (f'"{shown}"' if text else "")
