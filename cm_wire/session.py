"""A live session as both participants see it: who, what is shared, in which mode, and what it has cost so far."""

from typing import Literal

import msgspec

from cm_wire.asking import Diagnostic, Span
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.yjs.awareness import RelativePosition

Role = Literal["learner", "mentor"]
Mode = Literal["live", "propose", "readOnly"]
MODES: tuple[Mode, ...] = ("live", "propose", "readOnly")

SessionState = Literal["triage", "live", "paused", "ended", "closed"]
"""`triage` is free; `live` and `paused` follow the learner's go; `closed` means settled and rated or past rating."""

MeterState = Literal["triage", "running", "paused", "ended"]
PausedWhy = Literal[
    "",
    "learner-paused",
    "mentor-paused",
    "learner-away",
    "mentor-away",
    "idle",
    "out-of-sync",
    "cap-reached",
    "server-restarted",
]


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two people. `connected` is what the server knows within seconds, not a promise."""

    person: PersonId
    name: str
    role: Role
    colour: str
    connected: bool = False


class SharedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the session. `read_only` files (auto-run ones, say) refuse the mentor's edits in every mode.

    `path` is what it was shared as. Everything names it so for as long as it is shared, the document too: a rename
    (`renamed_to`) must not touch the text, or edits on their way to it would be lost.
    """

    path: FilePath
    language_id: str
    read_only: bool = False
    renamed_to: FilePath | None = None

    @property
    def name(self) -> FilePath:
        """What it is called now."""
        return self.renamed_to or self.path


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of a session; sent at every change, so a client never has to add changes up."""

    session_id: SessionId
    state: SessionState
    you: Role
    learner: Participant
    mentor: Participant
    mode: Mode
    files: tuple[SharedFile, ...]
    price_per_quarter: Money
    cap_minutes: int
    diagnosis: str = ""
    estimate_minutes: int | None = None
    question: str = ""
    ended_why: str = ""
    rated: bool = False


class MeterView(msgspec.Struct, frozen=True, kw_only=True):
    """The meter as of one moment. The final amount is never above the last one shown while running.

    `mentor_share` is set only in what the mentor is sent. `billed_seconds` are whole completed increments;
    `counted_seconds` is the time proved so far, which the editor may show moving.
    """

    session_id: SessionId
    state: MeterState
    counted_seconds: int
    billed_seconds: int
    amount: Money
    cap_amount: Money
    cap_seconds: int
    paused_why: PausedWhy = ""
    warned: bool = False
    mentor_share: Money | None = None


class ChatLine(msgspec.Struct, frozen=True, kw_only=True):
    """`number` counts from 1 in each session, so a client that comes back knows what it missed."""

    session_id: SessionId
    number: int
    author: PersonId
    text: str
    at: str


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """A participant points at a range of a shared file, with a note."""

    session_id: SessionId
    author: PersonId
    path: FilePath
    span: Span
    note: str = ""


class FileDiagnostics(msgspec.Struct, frozen=True, kw_only=True):
    """The learner's diagnostics for one shared file, whole: an empty tuple clears them."""

    session_id: SessionId
    path: FilePath
    diagnostics: tuple[Diagnostic, ...]


LookUpKind = Literal["hover", "definition"]

LookUpFailure = Literal["", "not-allowed", "cannot", "too-many", "no-answer"]
"""Why there is nothing to show: the learner does not let the mentor look up, their editor cannot, it is busy, it is silent."""


class LookUpQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the mentor's editor asks the learner's tools about a place of a shared file; `number` is the asker's."""

    session_id: SessionId
    number: int
    path: FilePath
    kind: LookUpKind
    at: RelativePosition


class SharedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A range of a shared file that moves with its text."""

    path: FilePath
    start: RelativePosition
    end: RelativePosition


class LookUpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is Markdown of the learner's tools; `outside` are names of files that are not shared, never their contents."""

    session_id: SessionId
    number: int
    failure: LookUpFailure = ""
    text: str = ""
    places: tuple[SharedPlace, ...] = ()
    outside: tuple[str, ...] = ()


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """One change the mentor proposes: `text` in place of `removed`, which stands between the two places.

    `number` counts in its file; a hunk that became another one has another number. Places move with the text, and
    where what stands between them is no longer `removed`, the hunk is out of date and a new one is on its way.
    """

    number: int
    start: RelativePosition
    end: RelativePosition
    removed: str
    text: str


class FileProposals(msgspec.Struct, frozen=True, kw_only=True):
    """All the mentor proposes for one file, whole: an empty tuple takes everything back."""

    session_id: SessionId
    path: FilePath
    hunks: tuple[Hunk, ...]
