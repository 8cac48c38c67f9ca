"""What goes into the bridge and what it wants done: plain values, none of a protocol library.

The edge turns LSP messages into `Change` and carries out each `Effect` in the order given, all before
it hands the bridge the next event.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NewType

from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.positions import DocumentVersion, Position, Utf8Offset

EditId = NewType("EditId", int)
"""Names one edit that was sent, so that a late answer is not taken for that of the next."""


@dataclass(frozen=True, slots=True)
class RangeChange:
    """The editor replaced the text between two positions of the text before this change."""

    start: Position
    end: Position
    text: str


@dataclass(frozen=True, slots=True)
class WholeText:
    """The editor's document is now this."""

    text: str


Change = RangeChange | WholeText


@dataclass(frozen=True, slots=True)
class TextEdit:
    """What the editor is asked to replace; positions in the encoding of the connection."""

    start: Position
    end: Position
    text: str


@dataclass(frozen=True, slots=True)
class SendEdit:
    """Send the edits as ONE request and give its answer to `Bridge.answered` with this id.

    `rebase`: as `codementor/applyEdit`, else as `workspace/applyEdit` with one document change and no
    label. Version None means that the client is sent none. More than one edit is only ever sent to a
    client that rebases; they are over one text and do not touch.
    """

    id: EditId
    version: DocumentVersion | None
    edits: tuple[TextEdit, ...]
    rebase: bool


@dataclass(frozen=True, slots=True)
class Utf8Edit:
    """Replace the bytes from `start` to `end` of the shared text; both are at character borders."""

    start: Utf8Offset
    end: Utf8Offset
    text: str


@dataclass(frozen=True, slots=True)
class ChangeCrdt:
    """Carry out the edits in the order given (last place first) in ONE transaction of local origin.

    The event this causes must not come back through `Bridge.remote`. `operation` is the same in code
    points, for whoever keeps a history; empty where only carriage returns are taken out.
    """

    operation: Operation
    edits: tuple[Utf8Edit, ...]


@dataclass(frozen=True, slots=True)
class AwaitBarrier:
    """Send `workspace/semanticTokens/refresh`; when it is answered call `Bridge.barrier_passed`."""

    id: EditId


Effect = SendEdit | ChangeCrdt | AwaitBarrier


class Authority(Enum):
    """Whose text counts where a document is opened with another text than the shared one."""

    EDITOR = "editor"
    """The learner's side: the file changed on disk, and that is a change like any other."""

    CRDT = "crdt"
    """The mentor's side: the document is only a view of the shared text."""


class Typing(Enum):
    """What becomes of what the user types."""

    SHARED = "shared"
    PROPOSED = "proposed"
    TAKEN_BACK = "takenBack"


class NotSent(Enum):
    """Why a change of the user's goes nowhere."""

    NOT_ALLOWED = "notAllowed"
    OUTGROWN = "outgrown"
    """It makes the text longer than a shared one may be."""


class BridgeState(Enum):
    """How far the editor's buffer is, for display."""

    CLOSED = "closed"
    IN_STEP = "inStep"
    SENDING = "sending"
    WAITING = "waitingForEditor"
    """The editor has not answered for a while, or takes no edits now."""

    REFUSED = "refused"
    """The editor refused several times running: it may be read-only."""

    CALMING = "calming"
    """Repairs came too fast; nothing is sent until the user pauses."""


@dataclass(slots=True)
class BridgeCounts:
    """What happened so far, for metrics and tests."""

    sent: int = 0
    echoed: int = 0
    refused: int = 0
    repaired: int = 0
    guessed: int = 0
    editor_won: int = 0
