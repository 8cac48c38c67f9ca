"""What we say to editor plugins beyond LSP: methods, capabilities and the shape of every parameter.

Every plugin mirrors this file. Nothing essential depends on it: a client that claims nothing gets all of it
through standard LSP. Members are written in camelCase on the wire (`session_id` here is `sessionId` there);
unknown members are ignored on both sides. Positions are LSP positions in the encoding that was negotiated.
Text that came from the other person is already made harmless for one line (`cm_wire.printable.line`) where
the member is a name, note or status, and keeps its line ends where it is a chat text or code; a plugin still escapes
it for the place it draws it in (`%` in a statusline, Markdown). Amounts are whole minor units with their currency,
and beside them stands the text to show, so that no plugin formats money.

Commands are plain `workspace/executeCommand` with ONE object as argument (names: `cm_lsp.commands`). One that fails is
answered by an LSP error whose message is for the user and whose `data` is the fault. A client that claims any capability
shows that message itself; to others we also send it as a message.

A reader would guess that `codementor/applyEdit` is `workspace/applyEdit` under another name. It is not: the plugin
moves the edits over what its user has typed since, and always answers what really happened (`ApplyEdit`).
"""

from typing import Final, Literal

import msgspec

from cm_wire.session import LookUpKind, MeterState, Mode, PausedWhy, Role, SessionState

# To clients that claim the capability named beside it: notifications.
SESSION: Final = "codementor/session"  # any capability
STATUS: Final = "codementor/status"  # any capability
METER: Final = "codementor/meter"  # meter
CURSORS: Final = "codementor/cursors"  # cursors
POINT: Final = "codementor/point"  # cursors
OFFER: Final = "codementor/offer"  # offers
CHAT: Final = "codementor/chat"  # chat
SYNC: Final = "codementor/sync"  # any capability

# To clients that claim the capability named beside it: requests.
APPLY_EDIT: Final = "codementor/applyEdit"  # rebase
READ_DOCUMENT: Final = "codementor/readDocument"  # rebase
PROMPT: Final = "codementor/prompt"  # prompt
LOOK_UP: Final = "codementor/lookUp"  # lookUp

# From clients that can: notifications, then requests.
CURSOR: Final = "codementor/cursor"
DIAGNOSTICS: Final = "codementor/diagnostics"
OPEN_SHARED: Final = "codementor/openShared"

SHARED_SCHEME: Final = "codementor"
"""A mentor's buffer is `codementor://<sessionId>/<path>`, each part of the path percent-encoded."""


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Capabilities(_Shape, frozen=True):
    """What the client draws or does itself; what it does not claim is done through standard LSP."""

    cursors: bool = False
    """Draws `codementor/cursors` and `codementor/point`, and reports its own by `codementor/cursor`."""

    meter: bool = False
    offers: bool = False
    """Shows `codementor/offer` and answers with `codementor.accept` or `codementor.decline`."""

    shared_buffers: bool = False
    """Can open `codementor://` documents: reads them by `codementor/openShared`, then sends didOpen as for any other."""

    chat: bool = False
    prompt: bool = False
    """Can ask its user for a line of text: `codementor/prompt`."""

    rebase: bool = False
    """Answers `codementor/applyEdit` and `codementor/readDocument` as described there."""

    look_up: bool = False
    """Can ask its user's other language servers: `codementor/lookUp`."""


class ClientOptions(_Shape, frozen=True):
    """`initializationOptions.codementor`. The token is better kept in the environment (`CM_TOKEN`), never in a file
    of the workspace.
    """

    server_url: str | None = None
    token: str | None = None
    capabilities: Capabilities = Capabilities()
    surrounding_lines: int | None = None
    """How many lines above and below a selection an ask may send; 0 sends the selection alone."""
    cap_minutes: int | None = None
    max_price: str | None = None
    """The dearest price per 15 minutes, as a person writes it: `"10.00"`."""
    spoken_languages: tuple[str, ...] | None = None


class Position(_Shape, frozen=True):
    line: int
    character: int


class Range(_Shape, frozen=True):
    start: Position
    end: Position


class TextEdit(_Shape, frozen=True):
    range: Range
    new_text: str


class TextDocument(_Shape, frozen=True):
    """LSP's TextDocumentIdentifier, with the version where the client knows it."""

    uri: str
    version: int | None = None


# --- Notifications to the client -------------------------------------------------------------------------------


class Person(_Shape, frozen=True):
    """`colour` is `#rrggbb`; `name` fits on one line."""

    participant: str
    name: str
    role: Role
    colour: str
    connected: bool


class SharedFile(_Shape, frozen=True):
    """`uri` is the document in THIS editor: the learner's own file, the mentor's shared buffer or mirror."""

    uri: str
    path: str
    language_id: str
    read_only: bool
    """This user's typing into it does not reach the other side (and is taken back)."""


class Session(_Shape, frozen=True):
    """`codementor/session`: the whole state at every change. `can` lists the commands that make sense now, for menus."""

    session_id: str
    state: SessionState
    you: Role
    me: Person
    partner: Person
    mode: Mode
    files: tuple[SharedFile, ...]
    cap_minutes: int
    price_text: str
    question: str
    diagnosis: str
    estimate_minutes: int | None
    ended_why: str
    rated: bool
    can: tuple[str, ...]
    text: str
    """The state in a few words, for a statusline."""

    look_ups: bool
    """The learner lets the mentor ask their tools; at the mentor's not known, and false."""


ConnectionState = Literal["connecting", "connected", "offline", "signedOut", "refused"]


class Status(_Shape, frozen=True):
    """`codementor/status`: how this editor stands to the server. `text` is a sentence for the user."""

    connection: ConnectionState
    name: str
    is_mentor: bool
    online: bool
    text: str


class Meter(_Shape, frozen=True):
    """`codementor/meter`: at every change and about once a second while it runs; `text` is what to show."""

    session_id: str
    state: MeterState
    counted_seconds: int
    billed_seconds: int
    amount: int
    currency: str
    cap_amount: int
    cap_seconds: int
    paused_why: PausedWhy
    warned: bool
    text: str


class RemoteCursor(_Shape, frozen=True):
    """`selection` is absent where nothing is selected; `position` is then the caret, and always the end that moves."""

    participant: str
    name: str
    colour: str
    position: Position
    selection: Range | None = None


class Cursors(_Shape, frozen=True):
    """`codementor/cursors`: all of a document's remote cursors; an empty list clears them."""

    uri: str
    cursors: tuple[RemoteCursor, ...]


class Point(_Shape, frozen=True):
    """`codementor/point`: the other person points at a range. Shown until the next one, or some seconds."""

    uri: str
    range: Range
    participant: str
    name: str
    colour: str
    note: str


class OfferDiagnostic(_Shape, frozen=True):
    message: str
    line: int
    severity: str
    source: str
    code: str


class Offer(_Shape, frozen=True):
    """`codementor/offer`: a mentor is asked. `state` is `open` with all members, or `ended` with `why`."""

    offer_id: str
    state: Literal["open", "ended"]
    why: str = ""
    learner: str = ""
    question: str = ""
    path: str = ""
    language_id: str = ""
    excerpt: str = ""
    first_line: int = 0
    diagnostics: tuple[OfferDiagnostic, ...] = ()
    price_text: str = ""
    earns_text: str = ""
    cap_minutes: int = 0
    answer_within_ms: int = 0
    text: str = ""


class Chat(_Shape, frozen=True):
    """`codementor/chat`: one line of the session's chat; `number` counts from 1, `at` is RFC 3339."""

    session_id: str
    number: int
    participant: str
    name: str
    mine: bool
    text: str
    at: str


SyncState = Literal["inSync", "sending", "waitingForEditor", "refused", "offline", "closed"]


class Sync(_Shape, frozen=True):
    """`codementor/sync`: how one shared document stands, when that changes. `round_trip_ms` is to the server and back."""

    uri: str
    state: SyncState
    round_trip_ms: int | None = None


# --- Requests to the client ------------------------------------------------------------------------------------


class ApplyEdit(_Shape, frozen=True):
    """`codementor/applyEdit`, answered by `EditApplied`. One is in flight per document, never two.

    1. `edits` are over the document at `version`, ascending, not touching each other.
    2. The plugin keeps what its user changed since that version (typed, undone, formatted: everything but our own
       edits), whether or not didChange has told us yet, and moves the edits over it: where both insert at one place the
       user's text stays left; what the user deleted is not deleted again; what the user typed inside a stretch that
       an edit deletes stays, the deletion splits around it.
    3. All earlier changes go out as didChange first. The moved edits are applied as ONE change, which is one new
       version, and reported in a didChange of its own holding nothing else. Undo stack, caret, selection and the first
       visible line stay as if the text had always been there, as far as the editor allows.
    4. The answer is `{applied: true, version: <that new version>}`, before or after its didChange.
    5. If the history since `version` is gone, the document is closed or cannot be edited, or nothing is left to do, the
       document stays untouched and the answer is `{applied: false, version: <current>}`. It never throws, never lies.
    """

    uri: str
    version: int
    edits: tuple[TextEdit, ...]


class EditApplied(_Shape, frozen=True):
    applied: bool
    version: int | None = None


class ReadDocument(_Shape, frozen=True):
    """`codementor/readDocument`, answered by `DocumentText` or null where the document is not open."""

    uri: str


class DocumentText(_Shape, frozen=True):
    """All changes up to `version` have been reported by didChange before this answer."""

    text: str
    version: int
    language_id: str = ""


class Prompt(_Shape, frozen=True):
    """`codementor/prompt`, answered by `Prompted`; `{text: null}` where the user gave up."""

    title: str
    placeholder: str = ""


class Prompted(_Shape, frozen=True):
    text: str | None = None


class LookUp(_Shape, frozen=True):
    """`codementor/lookUp`, answered by `LookedUp`: what the user's other language servers say of a place.

    Asked only where the user lets the mentor ask. The plugin asks every server of the document but ours, shows
    nothing, moves nothing, and answers within a second and a half with what it has by then.
    """

    uri: str
    position: Position
    kind: LookUpKind


class Location(_Shape, frozen=True):
    uri: str
    range: Range


class LookedUp(_Shape, frozen=True):
    """`texts` are hovers as Markdown, one for each server; `places` are definitions, shared or not."""

    texts: tuple[str, ...] = ()
    places: tuple[Location, ...] = ()


# --- From the client -------------------------------------------------------------------------------------------


class Cursor(_Shape, frozen=True):
    """`codementor/cursor`: at every move, at most 20 a second, after the didChange it belongs to.

    `selections` are the editor's, main one first; an empty range is a caret. `reversed` says the caret is at the start.
    """

    text_document: TextDocument
    selections: tuple[Range, ...]
    reversed: bool = False


class ReportedDiagnostic(_Shape, frozen=True):
    """LSP's Diagnostic; members we do not use may be there."""

    range: Range
    message: str
    severity: int | None = None
    source: str | None = None
    code: str | int | None = None


class Diagnostics(_Shape, frozen=True):
    """`codementor/diagnostics`: other servers' diagnostics of an open document, whole, when they change."""

    uri: str
    diagnostics: tuple[ReportedDiagnostic, ...]


class OpenShared(_Shape, frozen=True):
    """`codementor/openShared`: asks for the text of a `codementor://` document, answered by `SharedText`.

    The plugin fills its buffer with it (no undo step, not modified, saving does nothing but clear "modified", no
    modeline is read), then sends didOpen. Text that changed in between is put right by the first `applyEdit`.
    """

    uri: str


class SharedText(_Shape, frozen=True):
    text: str
    language_id: str
    read_only: bool
