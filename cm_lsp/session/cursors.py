"""Both people's cursors: ours out as awareness, theirs in as positions of this editor.

Owns what was last said and heard. Never on the path of edits: what is dropped here is put right by the next move.
"""

from collections.abc import Iterable, Mapping

from cm_lsp import lsp_ext
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.sharing.positions import Position
from cm_wire import limits, printable
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import awareness
from cm_wire.yjs.awareness import Cursor, Entry, State
from cm_wire.yjs.varint import MalformedError


class Cursors:
    def __init__(self) -> None:
        self._clock = 0
        self._own: Cursor | None = None
        self._others: dict[YjsClientId, tuple[int, State]] = {}

    def move_own(self, buffer: Buffer, anchor: Position, head: Position) -> bool:
        """Whether there is something new to say."""
        cursor = Cursor(str(buffer.path), buffer.place_of(anchor), buffer.place_of(head))
        if cursor == self._own:
            return False
        self._own = cursor
        return True

    def leave(self) -> None:
        """Our cursor is in no shared file."""
        self._own = None

    def own_awareness(self, author: YjsClientId) -> bytes:
        """What the other side is to see of us; each has a higher clock."""
        self._clock += 1
        return awareness.encode([awareness.entry_of(author, self._clock, State(cursor=self._own))])

    def heard(self, entries: Iterable[Entry], own: YjsClientId) -> None:
        for entry in entries:
            if entry.client == own:
                self._clock = max(self._clock, entry.clock)
                continue
            known = self._others.get(entry.client)
            if known is not None and entry.clock < known[0]:
                continue
            try:
                state = awareness.read_state(entry)
            except MalformedError:
                continue
            if state is None or state.user is None:
                self._others.pop(entry.client, None)
            else:
                self._others[entry.client] = entry.clock, state

    def forget_others(self) -> None:
        """The connection is lost: where they are is not known."""
        self._others.clear()

    def in_file(self, path: FilePath, buffer: Buffer) -> tuple[lsp_ext.RemoteCursor, ...]:
        """Theirs in one file, as this editor counts."""
        found = []
        for client, (_, state) in sorted(self._others.items()):
            if state.cursor is None or state.cursor.path != path or state.user is None:
                continue
            found.append(_shown(client, state.user, state.cursor, buffer))
        return tuple(found)

    def is_here(self, person: str) -> bool:
        """Whether a person has an editor in the session beside this one."""
        return any(
            state.user is not None and state.user.id == person for _, state in self._others.values()
        )

    def where_is(self, person: str) -> FilePath | None:
        """The file a person's cursor is in."""
        for _, state in self._others.values():
            if state.user is not None and state.user.id == person and state.cursor is not None:
                return FilePath(state.cursor.path)
        return None

    def files(self) -> Mapping[str, int]:
        """How many cursors of others each file has."""
        counts: dict[str, int] = {}
        for _, state in self._others.values():
            if state.cursor is not None:
                counts[state.cursor.path] = counts.get(state.cursor.path, 0) + 1
        return counts


def _shown(
    client: YjsClientId, user: awareness.User, cursor: Cursor, buffer: Buffer
) -> lsp_ext.RemoteCursor:
    anchor, head = buffer.position_of(cursor.anchor), buffer.position_of(cursor.head)
    start, end = min(anchor, head), max(anchor, head)
    selection = None
    if start != end:
        selection = lsp_ext.Range(start=_position(start), end=_position(end))
    return lsp_ext.RemoteCursor(
        participant=user.id or str(client),
        name=printable.display_name(user.name, limits.NAME_CHARACTERS_MAX),
        colour=user.colour,
        position=_position(head),
        selection=selection,
    )


def _position(position: Position) -> lsp_ext.Position:
    return lsp_ext.Position(line=position.line, character=position.character)
