"""What we offer in a code-action menu: ask a mentor always; in a session, what a plugin would have buttons for.

Pure: the state in, actions out. Editors ask at every cursor move, so nothing here looks at a text. A client with a plugin is
offered the ask alone, and to send or drop one that was previewed; the rest would only crowd its menu.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from lsprotocol import types

from cm_lsp import commands, lsp_ext
from cm_lsp.asking import not_secrets, preview, ways_out
from cm_lsp.asking.not_secrets import Replaced
from cm_lsp.session import decisions, views
from cm_wire import printable
from cm_wire.asking import AskView, OfferView, RankedMentor
from cm_wire.ids import AskId
from cm_wire.session import MODES, Mode, SessionView

ASK_TITLE: Final = "Ask a mentor"

_TITLES: Final = {
    commands.START_METER: "Codementor: start the meter",
    commands.PAUSE: "Codementor: pause the meter",
    commands.RESUME: "Codementor: let the meter run again",
    commands.END: "Codementor: end the session",
    commands.REFUND: "Codementor: ask for the money back",
    commands.RECEIPT: "Codementor: show the receipt",
    commands.PATCH: "Codementor: show what changed",
    commands.NOTE: "Codementor: show the learning note",
}

_MODE_TITLES: Final[Mapping[Mode, str]] = {
    "live": "Codementor: let the mentor type",
    "propose": "Codementor: let the mentor only propose changes",
    "readOnly": "Codementor: let the mentor only look",
}


def ask(
    params: types.CodeActionParams, kinds: Sequence[types.CodeActionKind | str] | None
) -> list[types.CodeAction]:
    """One action for each kind that is wanted: a quick fix where there is a diagnostic, else of no special kind."""
    diagnostics = list(params.context.diagnostics)
    kind = types.CodeActionKind.QuickFix if diagnostics else types.CodeActionKind.Empty
    if kinds is not None and not any(_covers(wanted, kind) for wanted in kinds):
        if not any(_covers(wanted, types.CodeActionKind.Refactor) for wanted in kinds):
            return []
        kind = types.CodeActionKind.Refactor
    start, end = params.range.start, params.range.end
    argument = {
        "uri": params.text_document.uri,
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "diagnostics": [_plain(diagnostic) for diagnostic in diagnostics],
    }
    return [
        types.CodeAction(
            title=ASK_TITLE,
            kind=kind,
            diagnostics=diagnostics or None,
            command=types.Command(title=ASK_TITLE, command=commands.ASK, arguments=[argument]),
        )
    ]


def of_pending(
    pending: commands.Ask | None,
    mentors: Sequence[RankedMentor],
    replaced: Sequence[Replaced] = (),
) -> list[types.CodeAction]:
    """The twin of the question "send it?", for editors where that question cannot be answered.

    `mentors` are those to choose from, once the list was asked for; `replaced` is what looks like a secret, and to say that
    it is none shows the preview anew.
    """
    if pending is None:
        return []
    argument = msgspec.to_builtins(pending)
    actions = [_action("Codementor: send the ask as previewed", commands.ASK, argument)]
    actions += [
        _action(f"Codementor: ask {title}", commands.ASK, {**argument, "mentor": mentor.mentor})
        for title, mentor in preview.titles(mentors).items()
    ]
    if not pending.mentor and not mentors:
        about = {"uri": argument["uri"], "range": argument["range"]}
        actions.append(_action("Codementor: choose a mentor", commands.MENTORS, about))
    for title, one in not_secrets.titles(replaced).items():
        marks = [*(pending.not_secrets or ()), one.mark]
        anew = {**argument, "confirm": True, "notSecrets": marks}
        actions.append(_action(f"Codementor: no secret: {title}", commands.ASK, anew))
    return [*actions, _action("Codementor: do not ask", commands.CANCEL_ASK, {})]


def of_waiting(open_ask: AskId | None, nobody: AskView | None) -> list[types.CodeAction]:
    """`nobody` is how the ask stands where it found nobody: the ways out."""
    if open_ask is None:
        return []
    argument = {"askId": open_ask}
    actions = []
    if nobody is not None:
        ways = ways_out.offered(nobody)
        actions = [
            _action(f"Codementor: {title[0].lower()}{title[1:]}", command, {**argument, **more})
            for title, (command, more) in ways.items()
        ]
    return [*actions, _action("Codementor: take the ask back", commands.CANCEL_ASK, argument)]


def of_presence(*, is_mentor: bool, online: bool) -> list[types.CodeAction]:
    """A mentor without a plugin goes on the list, and leaves it, here."""
    if not is_mentor:
        return []
    if online:
        return [_action("Codementor: be offered no asks", commands.GO_OFFLINE, {})]
    return [_action("Codementor: be offered asks", commands.GO_ONLINE, {})]


def of_offers(offers: Sequence[OfferView]) -> list[types.CodeAction]:
    actions = []
    for offer in offers:
        learner = printable.line(offer.learner_name)
        argument = {"offerId": offer.offer_id}
        actions += [
            _action(f"Codementor: accept {learner}'s ask", commands.ACCEPT, argument),
            _action(f"Codementor: decline {learner}'s ask", commands.DECLINE, argument),
        ]
    return actions


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change the mentor proposes, as it stands in the learner's editor now; `title` says what it does."""

    number: int
    title: str
    where: types.Range
    text: str


def of_proposals(
    uri: str, proposals: Sequence[Proposal], review: types.WorkspaceEdit | None
) -> list[types.CodeAction]:
    """`proposals`: those that touch the place; the others are found by `show`. `review`: all of the file's, to be confirmed."""
    actions = []
    for one in proposals:
        argument = {"uri": uri, "number": one.number}
        actions += [
            _action(f"Codementor: accept: {one.title}", commands.ACCEPT_PROPOSAL, argument),
            _action(f"Codementor: refuse: {one.title}", commands.REFUSE_PROPOSAL, argument),
        ]
    if proposals:
        actions += [
            _action("Codementor: accept all proposals", commands.ACCEPT_PROPOSAL, {"uri": uri}),
            _action("Codementor: refuse all proposals", commands.REFUSE_PROPOSAL, {"uri": uri}),
            _action("Codementor: show the proposals", commands.SHOW_PROPOSALS, {"uri": uri}),
        ]
    if proposals and review is not None:
        kind = types.CodeActionKind.Empty
        title = "Codementor: review the proposals one by one"
        actions.append(types.CodeAction(title=title, kind=kind, edit=review))
    return actions


def of_waiting_changes(title: str, edit: types.WorkspaceEdit) -> types.CodeAction:
    """It carries its edit: an editor that needs it takes none from a command."""
    return types.CodeAction(title=title, kind=types.CodeActionKind.Empty, edit=edit)


def review(uri: str, version: int, proposals: Sequence[Proposal]) -> types.WorkspaceEdit:
    """All of them as one edit, each to be confirmed by its user before it is applied.

    What the user confirms is their own edit then; nobody has to be told that it was accepted.
    """
    edits = [
        types.AnnotatedTextEdit(annotation_id=str(one.number), range=one.where, new_text=one.text)
        for one in proposals
    ]
    document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(document, edits)],
        change_annotations={
            str(one.number): types.ChangeAnnotation(label=one.title, needs_confirmation=True)
            for one in proposals
        },
    )


def lenses_of_proposals(uri: str, proposals: Sequence[Proposal]) -> list[types.CodeLens]:
    """Above each proposal what can be done with it; behind the first, the whole as a diff."""
    lenses = []
    for one in proposals:
        argument = {"uri": uri, "number": one.number}
        lenses += [
            _lens(one.where, f"accept: {one.title}", commands.ACCEPT_PROPOSAL, argument),
            _lens(one.where, "refuse", commands.REFUSE_PROPOSAL, argument),
        ]
    if proposals:
        show = _lens(proposals[0].where, "show all", commands.SHOW_PROPOSALS, {"uri": uri})
        lenses.insert(2, show)
    return lenses


def _lens(where: types.Range, title: str, command: str, argument: object) -> types.CodeLens:
    top = types.Range(where.start, where.start)
    return types.CodeLens(
        range=top, command=types.Command(title=title, command=command, arguments=[argument])
    )


def of_session(view: SessionView | None, line_text: str) -> list[types.CodeAction]:
    """`line_text` is the line the cursor is in: what a user without a prompt writes chat and diagnosis in."""
    if view is None:
        return []
    named = {"sessionId": view.session_id}
    possible = views.possible_commands(view)
    actions = [
        _action(_TITLES[command], command, named) for command in possible if command in _TITLES
    ]
    said = line_text.strip().lstrip("#/-;%* ").strip()
    spoken = {
        commands.DIAGNOSE: "Codementor: send this line as the diagnosis",
        commands.CHAT: "Codementor: send this line as chat",
    }
    actions += [
        _action(title, command, {**named, "text": said})
        for command, title in spoken.items()
        if said and command in possible
    ]
    if commands.EXTEND in possible:
        title = f"Codementor: raise the cap by {decisions.EXTENSION_MINUTES} minutes"
        argument = {**named, "minutes": decisions.EXTENSION_MINUTES}
        actions.append(_action(title, commands.EXTEND, argument))
    if commands.MODE in possible:
        actions += _modes(view, named)
    if commands.RATE in possible:
        actions += [
            _action(f"Codementor: rate {stars} of 5", commands.RATE, {**named, "stars": stars})
            for stars in range(5, 0, -1)
        ]
    return actions


def of_document(
    view: SessionView | None, uri: str, here: lsp_ext.Range, *, is_shared: bool
) -> list[types.CodeAction]:
    """What a session can do with the document and the place the cursor is at."""
    if view is None:
        return []
    possible = views.possible_commands(view)
    partner = view.mentor if view.you == "learner" else view.learner
    place = {"uri": uri}
    actions: list[types.CodeAction] = []
    if commands.POINT in possible and is_shared:
        argument = {**place, "range": msgspec.to_builtins(here)}
        actions.append(_action("Codementor: point here", commands.POINT, argument))
    if commands.FOLLOW in possible:
        title = f"Codementor: go where {views.display_name(partner)} is"
        actions.append(_action(title, commands.FOLLOW, {"participant": partner.person}))
    if commands.SHARE in possible and not is_shared:
        actions.append(_action("Codementor: share this file too", commands.SHARE, place))
    if commands.UNSHARE in possible and is_shared:
        actions.append(_action("Codementor: share this file no more", commands.UNSHARE, place))
    return actions


def _modes(view: SessionView, named: Mapping[str, str]) -> list[types.CodeAction]:
    """The twin of the question which mode it is to be, and the way to any other at any moment."""
    return [
        _action(_MODE_TITLES[mode], commands.MODE, {**named, "mode": mode})
        for mode in MODES
        if mode != view.mode
    ]


def _action(title: str, command: str, argument: object) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.Empty,
        command=types.Command(title=title, command=command, arguments=[argument]),
    )


def _covers(wanted: types.CodeActionKind | str, kind: types.CodeActionKind) -> bool:
    """Kinds are hierarchies by dots; the empty one covers all."""
    name, of = str(getattr(wanted, "value", wanted)), str(kind.value)
    return not name or of == name or of.startswith(f"{name}.")


def _plain(diagnostic: types.Diagnostic) -> dict[str, object]:
    start, end = diagnostic.range.start, diagnostic.range.end
    return {
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "message": diagnostic.message,
        "severity": diagnostic.severity.value if diagnostic.severity else None,
        "source": diagnostic.source,
        "code": diagnostic.code,
    }
