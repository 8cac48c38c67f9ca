"""What we offer in a code-action menu: ask a mentor always; in a session, what a plugin would have buttons for.

Pure: the state in, actions out. Editors ask at every cursor move, so nothing here looks at a text. A client with a plugin is
offered the ask alone; the rest would only crowd its menu.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from lsprotocol import types

from cm_lsp import commands
from cm_lsp.session import views
from cm_wire import printable
from cm_wire.asking import OfferView
from cm_wire.session import SessionView

ASK_TITLE: Final = "Ask a mentor"

_TITLES: Final = {
    commands.START_METER: "Codementor: start the meter",
    commands.PAUSE: "Codementor: pause the meter",
    commands.RESUME: "Codementor: let the meter run again",
    commands.END: "Codementor: end the session",
    commands.RECEIPT: "Codementor: show the receipt",
    commands.PATCH: "Codementor: show what changed",
    commands.NOTE: "Codementor: show the learning note",
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


def of_pending(pending: commands.Ask | None) -> list[types.CodeAction]:
    """The twin of the question "send it?", for editors where that question cannot be answered."""
    if pending is None:
        return []
    return [
        _action("Codementor: send the ask as previewed", commands.ASK, msgspec.to_builtins(pending))
    ]


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
    if said and commands.DIAGNOSE in possible:
        argument = {**named, "text": said}
        actions.append(
            _action("Codementor: send this line as the diagnosis", commands.DIAGNOSE, argument)
        )
    if said and commands.CHAT in possible:
        argument = {**named, "text": said}
        actions.append(_action("Codementor: send this line as chat", commands.CHAT, argument))
    if commands.MODE in possible:
        actions += _modes(view, named)
    if commands.RATE in possible:
        actions += [
            _action(f"Codementor: rate {stars} of 5", commands.RATE, {**named, "stars": stars})
            for stars in range(5, 0, -1)
        ]
    return actions


def _modes(view: SessionView, named: Mapping[str, str]) -> list[types.CodeAction]:
    if view.mode == "live":
        argument = {**named, "mode": "readOnly"}
        return [_action("Codementor: let the mentor only look", commands.MODE, argument)]
    argument = {**named, "mode": "live"}
    return [_action("Codementor: let the mentor type", commands.MODE, argument)]


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
