"""Our commands: their names, the one object each takes, and how a wrong argument is refused.

Pure. Does not own what a command does (`from_editor`). An argument that is left out means what the session or the
settings say; one that is there and wrong is refused by name, never replaced.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cm_lsp import lsp_ext
from cm_wire import faults, limits, session

ASK: Final = "codementor.ask"
CANCEL_ASK: Final = "codementor.cancelAsk"
KEEP_ASK: Final = "codementor.keepAsk"
RAISE_LIMIT: Final = "codementor.raiseLimit"
MENTORS: Final = "codementor.mentors"
GO_ONLINE: Final = "codementor.goOnline"
GO_OFFLINE: Final = "codementor.goOffline"
ACCEPT: Final = "codementor.accept"
DECLINE: Final = "codementor.decline"
DIAGNOSE: Final = "codementor.diagnose"
START_METER: Final = "codementor.startMeter"
PAUSE: Final = "codementor.pause"
RESUME: Final = "codementor.resume"
EXTEND: Final = "codementor.extend"
SHARE: Final = "codementor.share"
UNSHARE: Final = "codementor.unshare"
MODE: Final = "codementor.mode"
LOOK_UPS: Final = "codementor.lookUps"
UNDO_MENTOR: Final = "codementor.undoMentor"
UNDO: Final = "codementor.undo"
REDO: Final = "codementor.redo"
ACCEPT_PROPOSAL: Final = "codementor.acceptProposal"
REFUSE_PROPOSAL: Final = "codementor.refuseProposal"
SHOW_PROPOSALS: Final = "codementor.showProposals"
POINT: Final = "codementor.point"
CHAT: Final = "codementor.chat"
FOLLOW: Final = "codementor.follow"
END: Final = "codementor.end"
RATE: Final = "codementor.rate"
REFUND: Final = "codementor.refund"
RECEIPT: Final = "codementor.receipt"
PATCH: Final = "codementor.patch"
NOTE: Final = "codementor.note"
SIGN_IN: Final = "codementor.signIn"
SIGN_OUT: Final = "codementor.signOut"
STATUS: Final = "codementor.status"
CARD: Final = "codementor.card"
PAYOUTS: Final = "codementor.payouts"

FASTEST: Final = "fastest"
NOT_SECRETS_MAX: Final = 20

_Minutes = Annotated[int, Meta(ge=1, le=limits.CAP_MINUTES_MAX)]
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Uri = Annotated[str, Meta(min_length=1, max_length=4_096)]


class _Arguments(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Nothing(_Arguments, frozen=True):
    pass


class Ask(_Arguments, frozen=True):
    """`diagnostics` are LSP's, as the code action was given them; `mentor` is an id, or "fastest".

    `not_secrets` are the marks of findings that are sent as they are; the code actions beside a preview carry them.
    `confirm` is asked for unless it is false or "no": lsp-mode hands a false of ours back as null.
    """

    uri: _Uri
    range: lsp_ext.Range
    question: Annotated[str, Meta(max_length=limits.QUESTION_CHARACTERS_MAX)] | None = None
    cap_minutes: _Minutes | None = None
    max_price: Annotated[str, Meta(max_length=16)] | None = None
    mentor: _Id | None = None
    diagnostics: tuple[lsp_ext.ReportedDiagnostic, ...] | None = None
    confirm: bool | Literal["no"] = True
    not_secrets: (
        Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=NOT_SECRETS_MAX)]
        | None
    ) = None

    @property
    def is_confirmed(self) -> bool:
        return self.confirm in {False, "no"}


class CancelAsk(_Arguments, frozen=True):
    ask_id: _Id | None = None


class KeepAsk(_Arguments, frozen=True):
    """For an ask that found nobody: rings whoever comes, or with `tellOnly` nobody until it is said again without."""

    ask_id: _Id | None = None
    tell_only: bool = False


class RaiseLimit(_Arguments, frozen=True):
    """Without `maxPrice`, to the least that somebody who fits costs."""

    ask_id: _Id | None = None
    max_price: Annotated[str, Meta(max_length=16)] | None = None


class Mentors(_Arguments, frozen=True):
    ask_id: _Id | None = None
    uri: _Uri | None = None
    range: lsp_ext.Range | None = None


class OfferNamed(_Arguments, frozen=True):
    offer_id: _Id
    reason: Annotated[str, Meta(max_length=limits.REASON_CHARACTERS_MAX)] = ""


class SessionNamed(_Arguments, frozen=True):
    session_id: _Id | None = None


class Diagnose(_Arguments, frozen=True):
    text: Annotated[str, Meta(min_length=1, max_length=limits.DIAGNOSIS_CHARACTERS_MAX)]
    minutes: _Minutes = 15
    session_id: _Id | None = None


class Extend(_Arguments, frozen=True):
    minutes: _Minutes
    session_id: _Id | None = None


class FileNamed(_Arguments, frozen=True):
    uri: _Uri


class Mode(_Arguments, frozen=True):
    mode: session.Mode
    session_id: _Id | None = None


class LookUps(_Arguments, frozen=True):
    allow: bool
    session_id: _Id | None = None


class UndoMentor(_Arguments, frozen=True):
    session_id: _Id | None = None
    all: bool = False


class ProposalNamed(_Arguments, frozen=True):
    """`number` is the proposal's in its file; none means all of the file's."""

    uri: _Uri
    number: Annotated[int, Meta(ge=1)] | None = None


class Point(_Arguments, frozen=True):
    uri: _Uri
    range: lsp_ext.Range
    note: Annotated[str, Meta(max_length=limits.NOTE_CHARACTERS_MAX)] = ""


class Chat(_Arguments, frozen=True):
    text: Annotated[str, Meta(min_length=1, max_length=limits.CHAT_CHARACTERS_MAX)]
    session_id: _Id | None = None


class Follow(_Arguments, frozen=True):
    participant: _Id | None = None


class Rate(_Arguments, frozen=True):
    stars: Annotated[int, Meta(ge=1, le=5)]
    session_id: _Id | None = None
    solved: bool | None = None
    comment: Annotated[str, Meta(max_length=limits.COMMENT_CHARACTERS_MAX)] = ""


class Refund(_Arguments, frozen=True):
    session_id: _Id | None = None
    reason: Annotated[str, Meta(max_length=limits.REASON_CHARACTERS_MAX)] = ""


Arguments = (
    Nothing
    | Ask
    | CancelAsk
    | KeepAsk
    | RaiseLimit
    | Mentors
    | OfferNamed
    | SessionNamed
    | Diagnose
    | Extend
    | FileNamed
    | Mode
    | LookUps
    | UndoMentor
    | ProposalNamed
    | Point
    | Chat
    | Follow
    | Rate
    | Refund
)

SHAPES: Final[Mapping[str, type[Arguments]]] = {
    SIGN_IN: Nothing,
    SIGN_OUT: Nothing,
    STATUS: Nothing,
    CARD: Nothing,
    PAYOUTS: Nothing,
    ASK: Ask,
    CANCEL_ASK: CancelAsk,
    KEEP_ASK: KeepAsk,
    RAISE_LIMIT: RaiseLimit,
    MENTORS: Mentors,
    GO_ONLINE: Nothing,
    GO_OFFLINE: Nothing,
    ACCEPT: OfferNamed,
    DECLINE: OfferNamed,
    DIAGNOSE: Diagnose,
    START_METER: SessionNamed,
    PAUSE: SessionNamed,
    RESUME: SessionNamed,
    EXTEND: Extend,
    SHARE: FileNamed,
    UNSHARE: FileNamed,
    MODE: Mode,
    LOOK_UPS: LookUps,
    UNDO_MENTOR: UndoMentor,
    UNDO: FileNamed,
    REDO: FileNamed,
    ACCEPT_PROPOSAL: ProposalNamed,
    REFUSE_PROPOSAL: ProposalNamed,
    SHOW_PROPOSALS: FileNamed,
    POINT: Point,
    CHAT: Chat,
    FOLLOW: Follow,
    END: SessionNamed,
    RATE: Rate,
    REFUND: Refund,
    RECEIPT: SessionNamed,
    PATCH: SessionNamed,
    NOTE: SessionNamed,
}

_WANTED: Final[Mapping[str, str]] = {
    "capMinutes": f"a whole number 1 to {limits.CAP_MINUTES_MAX}",
    "minutes": f"a whole number 1 to {limits.CAP_MINUTES_MAX}",
    "number": "the number of a proposal, 1 or more",
    "stars": "a whole number 1 to 5",
    "mode": "one of " + ", ".join(session.MODES),
    "uri": "a document's address of 1 to 4096 characters",
    "range": "an LSP range: start and end, each with a line and a character of 0 or more",
    "question": f"text of at most {limits.QUESTION_CHARACTERS_MAX} characters",
    "text": "text that is neither empty nor too long "
    f"(chat {limits.CHAT_CHARACTERS_MAX}, diagnosis {limits.DIAGNOSIS_CHARACTERS_MAX} characters)",
    "note": f"text of at most {limits.NOTE_CHARACTERS_MAX} characters",
    "comment": f"text of at most {limits.COMMENT_CHARACTERS_MAX} characters",
    "reason": f"text of at most {limits.REASON_CHARACTERS_MAX} characters",
    "confirm": 'true, false or "no"',
    "all": "true or false",
    "allow": "true or false",
    "tellOnly": "true or false",
    "solved": "true, false or null",
    "notSecrets": f"a list of at most {NOT_SECRETS_MAX} marks, as the code actions beside a preview carry them",
    "maxPrice": 'an amount as text, such as "10.00"',
    "diagnostics": "a list of LSP diagnostics",
}


def parse(name: str, arguments: Sequence[object] | None) -> Arguments:
    """The command's argument as a value, or `faults.Refused` (`bad-value`, `field` set)."""
    given = [argument for argument in arguments or () if argument is not None]
    if len(given) > 1 or (given and not isinstance(given[0], Mapping)):
        raise faults.refusal("bad-value", f"{name} takes one object as its argument.")
    try:
        parsed = msgspec.convert(given[0] if given else {}, SHAPES[name])
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    _check_places(parsed)
    return parsed


def check_range(span: lsp_ext.Range) -> None:
    for place in (span.start, span.end):
        if place.line < 0 or place.character < 0:
            raise _not_what_is_wanted("range")


def _check_places(parsed: Arguments) -> None:
    if isinstance(parsed, Ask | Point | Mentors) and parsed.range is not None:
        check_range(parsed.range)
    uri = (
        parsed.uri
        if isinstance(parsed, Ask | Point | FileNamed | Mentors | ProposalNamed)
        else None
    )
    if uri is not None and (":" not in uri or not uri.isprintable()):
        raise _not_what_is_wanted("uri")


def _refusal(problem: str) -> faults.Refused:
    """msgspec names a member that is missing in backquotes, and the place of a wrong one behind `$.`."""
    what, _, place = problem.partition(" - at `$.")
    if not place and "missing required field" in what:
        place = what.rpartition("`")[0].rpartition("`")[2]
    field = place.split(".")[0].split("[")[0].rstrip("`")
    return _not_what_is_wanted(field) if field else faults.refusal("bad-value", f"{what}.")


def _not_what_is_wanted(field: str) -> faults.Refused:
    wanted = _WANTED.get(field, "text of 1 to 64 characters")
    return faults.refusal("bad-value", f"{field} must be {wanted}.", field=field)
