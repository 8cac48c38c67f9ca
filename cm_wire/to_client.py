"""What the server says on the control channel: answers to commands, and facts in the past tense.

Facts carry a number that rises by one for each person, within an `epoch` that ends with the server process: a client
that comes back names the last it saw and is sent the rest, or, when that is gone, the whole present state again.
"""

import msgspec

from cm_wire.asking import AskView, OfferView, RankedMentor
from cm_wire.faults import Fault
from cm_wire.ids import (
    AskId,
    CommandId,
    ConnectionId,
    FilePath,
    OfferId,
    PersonId,
    ReceiptId,
    SessionId,
    YjsClientId,
)
from cm_wire.money import Money
from cm_wire.session import (
    ChatLine,
    FileDiagnostics,
    FileProposals,
    LookUpAnswer,
    LookUpQuestion,
    MeterView,
    Pointer,
    SessionView,
)


class _Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    pass


class Welcome(_Result, frozen=True):
    protocol: int
    server: str
    connection: ConnectionId
    person: PersonId
    name: str
    is_mentor: bool
    epoch: str
    heartbeat_ms: int
    online: bool = False


class HeartbeatSeen(_Result, frozen=True):
    number: int


class Done(_Result, frozen=True):
    """The command took effect and there is nothing more to say than the facts that follow."""


class AskPosted(_Result, frozen=True):
    ask_id: AskId


class MentorsRanked(_Result, frozen=True):
    mentors: tuple[RankedMentor, ...]


class SessionOpened(_Result, frozen=True):
    session_id: SessionId


class Document(_Result, frozen=True):
    """A receipt, patch or learning note as a file to show. `media_type` is e.g. `text/x-diff`."""

    name: str
    media_type: str
    text: str


Result = Welcome | HeartbeatSeen | Done | AskPosted | MentorsRanked | SessionOpened | Document


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    pass


class AskChanged(_Fact, frozen=True):
    ask: AskView


class OfferMade(_Fact, frozen=True):
    offer: OfferView


class OfferEnded(_Fact, frozen=True):
    """The offer can no longer be accepted; `why` is a sentence for the mentor."""

    offer_id: OfferId
    why: str


class PresenceChanged(_Fact, frozen=True):
    """The mentor was taken on or off the list; `why` is empty when they did it themselves."""

    online: bool
    why: str = ""


class SessionChanged(_Fact, frozen=True):
    session: SessionView


class MeterMoved(_Fact, frozen=True):
    meter: MeterView


class ChatSaid(_Fact, frozen=True):
    line: ChatLine


class Pointed(_Fact, frozen=True):
    pointer: Pointer


class DiagnosticsReported(_Fact, frozen=True):
    report: FileDiagnostics


class Proposed(_Fact, frozen=True):
    """To the learner: what the mentor proposes for a file now."""

    proposals: FileProposals


class HunkSettled(_Fact, frozen=True):
    """To the mentor: the learner took a proposal, or would not have it."""

    session_id: SessionId
    path: FilePath
    number: int
    accepted: bool


class LookUpAsked(_Fact, frozen=True):
    """To the learner: the mentor's editor asks their tools."""

    question: LookUpQuestion


class LookedUp(_Fact, frozen=True):
    """To the mentor: what came of it."""

    answer: LookUpAnswer


class EditsStored(_Fact, frozen=True):
    """Every edit of `client` with a clock below `clock` is on disk."""

    session_id: SessionId
    client: YjsClientId
    clock: int


class TextsDiffered(_Fact, frozen=True):
    """The divergence alarm went off: fetch the server's text anew, keep your own aside."""

    session_id: SessionId
    paths: tuple[FilePath, ...]


class ReceiptIssued(_Fact, frozen=True):
    session_id: SessionId
    receipt_id: ReceiptId
    amount: Money
    billed_seconds: int


class RatingRevealed(_Fact, frozen=True):
    """What the other gave you, once both have rated or the time for it is over. `solved` is null where they did not say."""

    session_id: SessionId
    name: str
    stars: int
    solved: bool | None = None
    comment: str = ""


class Noticed(_Fact, frozen=True):
    """Something a person should know that is no change of state. `level` as in LSP's MessageType."""

    level: int
    text: str


Fact = (
    AskChanged
    | OfferMade
    | OfferEnded
    | PresenceChanged
    | SessionChanged
    | MeterMoved
    | ChatSaid
    | Pointed
    | DiagnosticsReported
    | Proposed
    | HunkSettled
    | LookUpAsked
    | LookedUp
    | EditsStored
    | TextsDiffered
    | ReceiptIssued
    | RatingRevealed
    | Noticed
)


class Answered(msgspec.Struct, frozen=True, tag_field="frame", tag=True):
    """The command `re` took effect."""

    re: CommandId
    result: Result


class Declined(msgspec.Struct, frozen=True, tag_field="frame", tag=True):
    """The command `re` had no effect. An empty `re` is about the connection itself."""

    re: CommandId
    fault: Fault


class Happened(msgspec.Struct, frozen=True, tag_field="frame", tag=True):
    """Fact number `number` of the receiver; 0 for one that is not kept for those who come back."""

    number: int
    fact: Fact


FromServer = Answered | Declined | Happened
