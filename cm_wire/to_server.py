"""Commands a client may send on the control channel: imperative names, one tagged union.

Each travels in a `Request` with an id of the client's choosing and gets exactly one answer. The id makes a command
idempotent: sent again after a lost connection it has no second effect and gets the first answer.
"""

import msgspec

from cm_wire.asking import AskContext, Diagnostic, Span, Terms
from cm_wire.ids import AskId, CommandId, FilePath, OfferId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Hunk, LookUpFailure, LookUpKind, Mode, SharedPlace
from cm_wire.yjs.awareness import RelativePosition


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    pass


class Hello(_Command, frozen=True):
    """First on every connection. `resume_*` name the last fact seen, to be sent what was missed."""

    protocol: int
    client: str
    resume_epoch: str = ""
    resume_after: int = 0


class Heartbeat(_Command, frozen=True):
    """Sign of life, every `Welcome.heartbeat_ms`. `number` rises by one; the answer echoes it."""

    number: int


class RankMentors(_Command, frozen=True):
    context: AskContext
    terms: Terms


class PostAsk(_Command, frozen=True):
    """`mentor` names one from the list; empty means whoever fits and answers first."""

    context: AskContext
    terms: Terms
    mentor: PersonId | None = None


class CancelAsk(_Command, frozen=True):
    ask_id: AskId


class KeepAsk(_Command, frozen=True):
    """Nobody is there now: let the ask wait. `tell_only` rings nobody and says when somebody who fits is there; without it
    whoever comes first is rung. Sent again without `tell_only`, it rings now.
    """

    ask_id: AskId
    tell_only: bool = False


class RaiseLimit(_Command, frozen=True):
    """Pay more per 15 minutes than the ask said; looks anew among those who fit then."""

    ask_id: AskId
    price_max: Money


class GoOnline(_Command, frozen=True):
    pass


class GoOffline(_Command, frozen=True):
    pass


class AcceptOffer(_Command, frozen=True):
    offer_id: OfferId


class DeclineOffer(_Command, frozen=True):
    offer_id: OfferId
    reason: str = ""


class ShareFile(_Command, frozen=True):
    """Learner only. The text enters the document by the server's seed client, so it is nobody's edit."""

    session_id: SessionId
    path: FilePath
    language_id: str
    text: str


class UnshareFile(_Command, frozen=True):
    session_id: SessionId
    path: FilePath


class RenameFile(_Command, frozen=True):
    """Learner only. The file goes by `new_path` in what people see; everywhere else it stays `path`."""

    session_id: SessionId
    path: FilePath
    new_path: FilePath


class Diagnose(_Command, frozen=True):
    """Mentor only: the one-line diagnosis and estimate that must stand before the meter may start."""

    session_id: SessionId
    text: str
    minutes: int


class StartMeter(_Command, frozen=True):
    session_id: SessionId


class PauseMeter(_Command, frozen=True):
    session_id: SessionId


class ResumeMeter(_Command, frozen=True):
    session_id: SessionId


class ExtendCap(_Command, frozen=True):
    session_id: SessionId
    minutes: int


class SetMode(_Command, frozen=True):
    session_id: SessionId
    mode: Mode


class SendChat(_Command, frozen=True):
    session_id: SessionId
    text: str


class PointAt(_Command, frozen=True):
    session_id: SessionId
    path: FilePath
    span: Span
    note: str = ""


class ReportDiagnostics(_Command, frozen=True):
    """Learner only: what the learner's own tools say of a shared file now."""

    session_id: SessionId
    path: FilePath
    diagnostics: tuple[Diagnostic, ...]


class Propose(_Command, frozen=True):
    """Mentor only, in the mode of that name: all that is proposed for a file now, in place of what was before."""

    session_id: SessionId
    path: FilePath
    hunks: tuple[Hunk, ...]


class SettleHunk(_Command, frozen=True):
    """Learner only: a proposal was accepted (and made as the learner's own edit) or refused."""

    session_id: SessionId
    path: FilePath
    number: int
    accepted: bool


class LookUp(_Command, frozen=True):
    """Mentor only: what the learner's own tools know about a place. `number` comes back with the answer."""

    session_id: SessionId
    number: int
    path: FilePath
    kind: LookUpKind
    at: RelativePosition


class AnswerLookUp(_Command, frozen=True):
    """Learner only: what their tools said, or why they were not asked."""

    session_id: SessionId
    number: int
    failure: LookUpFailure = ""
    text: str = ""
    places: tuple[SharedPlace, ...] = ()
    outside: tuple[str, ...] = ()


class ReportDigest(_Command, frozen=True):
    """The divergence alarm: SHA-256 of each shared text at a state vector (both hex)."""

    session_id: SessionId
    state_vector: str
    digests: dict[FilePath, str]


class EndSession(_Command, frozen=True):
    session_id: SessionId


class RateSession(_Command, frozen=True):
    session_id: SessionId
    stars: int
    solved: bool | None = None
    comment: str = ""


class RequestRefund(_Command, frozen=True):
    session_id: SessionId
    reason: str = ""


class GetReceipt(_Command, frozen=True):
    session_id: SessionId


class GetPatch(_Command, frozen=True):
    session_id: SessionId


class GetNote(_Command, frozen=True):
    session_id: SessionId


Command = (
    Hello
    | Heartbeat
    | RankMentors
    | PostAsk
    | CancelAsk
    | KeepAsk
    | RaiseLimit
    | GoOnline
    | GoOffline
    | AcceptOffer
    | DeclineOffer
    | ShareFile
    | UnshareFile
    | RenameFile
    | Diagnose
    | StartMeter
    | PauseMeter
    | ResumeMeter
    | ExtendCap
    | SetMode
    | SendChat
    | PointAt
    | ReportDiagnostics
    | Propose
    | SettleHunk
    | LookUp
    | AnswerLookUp
    | ReportDigest
    | EndSession
    | RateSession
    | RequestRefund
    | GetReceipt
    | GetPatch
    | GetNote
)


class Request(msgspec.Struct, frozen=True):
    """One text frame from a client."""

    id: CommandId
    command: Command
