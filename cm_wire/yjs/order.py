"""The order of everything ever typed into the shared texts, without the text itself.

Owns where each item lies: the same list the CRDT library keeps, in pieces (runs of one client), with
deleted items in their places. Does not own what the items say or whether they are deleted.

Why it exists. The library places an insert between its two origins. When these do not lie in order,
or something the sender must have known lies between them, the place depends on the order of arrival
and replicas differ for good. `obstacle` finds both. It is also the whole of the condition: between
its origins, an honest insert meets only what its author could not know, and any insert that meets
nothing else is one that some honest author, knowing just the ancestors of its two origins, could
have made. So what is admitted converges exactly if honest traffic does.
"""

from bisect import bisect_right
from typing import TypeAlias

from cm_wire.ids import YjsClientId
from cm_wire.yjs.structs import Clock, ItemId


class SharedText:
    """One Y.Text: its path, its first piece and how much of it is shown (UTF-16 units). Gone once its entry was removed: no
    order then.
    """

    __slots__ = ("first", "is_gone", "is_protected", "path", "units")

    def __init__(self, path: str, *, is_protected: bool = False, is_gone: bool = False) -> None:
        self.path = path
        self.first: Piece | None = None
        self.is_protected = is_protected
        self.is_gone = is_gone
        self.units = 0


class MapSlot:
    """A key of a top-level map; what lies here is structure, which only the seed client makes."""

    __slots__ = ("key", "root")

    def __init__(self, root: str, key: str) -> None:
        self.root = root
        self.key = key


Home: TypeAlias = SharedText | MapSlot


class Piece:
    """A run of one client, each unit born right after the one before, with one right origin."""

    __slots__ = ("client", "clock", "home", "length", "next", "origin", "previous", "right")

    def __init__(
        self,
        client: YjsClientId,
        clock: Clock,
        length: int,
        home: Home,
        origin: ItemId | None = None,
        right: ItemId | None = None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.length = length
        self.home = home
        self.origin = origin
        self.right = right
        self.previous: Piece | None = None
        self.next: Piece | None = None

    def holds(self, item: ItemId | None) -> bool:
        """Say whether the item is one of this run's units."""
        return (
            item is not None
            and item[0] == self.client
            and self.clock <= item[1] < self.clock + self.length
        )


class _Column:
    """The pieces of one client by clock, without gaps, and the clocks inside characters."""

    __slots__ = ("end", "pieces", "second_halves", "starts")

    def __init__(self) -> None:
        self.starts: list[Clock] = []
        self.pieces: list[Piece] = []
        self.end: Clock = 0
        self.second_halves: set[Clock] = set()


class TooFarError(Exception):
    """The walk between two origins took more steps than one update may take."""


class Order:
    """Places of all known items; pieces of one client have no gaps from clock 0 on."""

    __slots__ = ("_columns", "_steps_left")

    def __init__(self) -> None:
        self._columns: dict[YjsClientId, _Column] = {}
        self._steps_left = 0

    def next_clock(self, client: YjsClientId) -> Clock:
        """Return the clock the client's next item must have."""
        column = self._columns.get(client)
        return 0 if column is None else column.end

    def state_vector(self) -> dict[YjsClientId, Clock]:
        """Return the next clock of everyone who has written."""
        return {client: column.end for client, column in self._columns.items()}

    def piece_at(self, item: ItemId) -> Piece | None:
        """Return the piece that holds the item; None when the item is not known."""
        column = self._columns.get(item[0])
        if column is None or item[1] >= column.end:
            return None
        return column.pieces[bisect_right(column.starts, item[1]) - 1]

    def pieces_between(self, client: YjsClientId, start: Clock, end: Clock) -> list[Piece]:
        """Return the pieces that hold any of the client's known clocks in [start, end)."""
        column = self._columns.get(client)
        if column is None:
            return []
        first = max(0, bisect_right(column.starts, start) - 1)
        return column.pieces[first : bisect_right(column.starts, end - 1)]

    def note_second_halves(self, client: YjsClientId, clocks: list[Clock]) -> None:
        """Remember which of the client's placed clocks are second halves of a character."""
        self._columns[client].second_halves.update(clocks)

    def parts_character(self, client: YjsClientId, clock: Clock) -> bool:
        """Say whether a cut before the clock would go through a character.

        The library's cut would then fall elsewhere, and its own clocks no longer fit its text.
        """
        column = self._columns.get(client)
        return column is not None and clock in column.second_halves

    def begin_update(self, steps: int) -> None:
        """Grant the next update its steps over pieces; TooFarError is raised when they are used up."""
        self._steps_left = steps

    def typing_goes_on(
        self, client: YjsClientId, origin: ItemId | None, right: ItemId | None
    ) -> Piece | None:
        """Return the client's last piece if an insert goes on where it ends: the common case.

        Its place is then known too: its last unit and the right origin are neighbours.
        """
        column = self._columns.get(client)
        if column is None or origin != (client, column.end - 1):
            return None
        piece = column.pieces[-1]
        if piece.right != right or isinstance(piece.home, MapSlot) or piece.home.is_gone:
            return None
        after = piece.next
        neighbour = None if after is None else (after.client, after.clock)
        return piece if neighbour == right else None

    def extend(self, piece: Piece, length: int) -> None:
        """Lengthen the last piece of its client."""
        piece.length += length
        self._columns[piece.client].end += length

    def obstacle(
        self, client: YjsClientId, text: SharedText, origin: ItemId | None, right: ItemId | None
    ) -> str | None:
        """Say why no honest author could insert between the two origins; None if one could.

        Both are known and lie in `text`.
        """
        if self._goes_on(client, origin, right):
            return None
        # The right one first: cutting it off may shorten the piece that holds the left one.
        right_piece = None if right is None else self._starting_at(right)
        left_piece = None if origin is None else self._ending_at(origin)
        known_right = None if left_piece is None else left_piece.right
        known_left = None if right_piece is None else right_piece.origin
        between = text.first if left_piece is None else left_piece.next
        while between is not right_piece:
            if between is None:
                return "its origin does not come before its right origin"
            self._take_step()
            if between.client == client:
                return "its own author's text lies between its origins"
            if between.holds(known_left) or between.holds(known_right):
                return "text that its author must have known lies between its origins"
            between = between.next
        return None

    def place(self, piece: Piece) -> None:
        """Put a piece that begins at its client's next clock where the library will put it."""
        if isinstance(piece.home, SharedText) and not piece.home.is_gone:
            self._link(piece, piece.home)
        column = self._columns.setdefault(piece.client, _Column())
        column.starts.append(piece.clock)
        column.pieces.append(piece)
        column.end = piece.clock + piece.length

    def cut_back(self, client: YjsClientId, clock: Clock) -> None:
        """Take out again all the client placed from `clock` on (its latest, so nothing rests on it)."""
        column = self._columns.get(client)
        if column is None or column.end <= clock:
            return
        while column.starts and column.starts[-1] >= clock:
            column.starts.pop()
            self._unlink(column.pieces.pop())
        column.second_halves = {half for half in column.second_halves if half < clock}
        if column.pieces:
            last = column.pieces[-1]
            last.length = clock - last.clock
            column.end = clock
        else:
            del self._columns[client]

    def _goes_on(self, client: YjsClientId, origin: ItemId | None, right: ItemId | None) -> bool:
        # After one's own last unit with its right origin: what was true of that unit is true here.
        column = self._columns.get(client)
        return (
            column is not None
            and origin == (client, column.end - 1)
            and column.pieces[-1].right == right
        )

    def _link(self, piece: Piece, text: SharedText) -> None:
        left = self._left_neighbour(piece, text)
        piece.previous = left
        if left is None:
            piece.next, text.first = text.first, piece
        else:
            piece.next, left.next = left.next, piece
        if piece.next is not None:
            piece.next.previous = piece

    def _unlink(self, piece: Piece) -> None:
        if piece.previous is not None:
            piece.previous.next = piece.next
        elif isinstance(piece.home, SharedText) and piece.home.first is piece:
            piece.home.first = piece.next
        if piece.next is not None:
            piece.next.previous = piece.previous

    def _left_neighbour(self, piece: Piece, text: SharedText) -> Piece | None:
        """Find the place among concurrent inserts: the rule of YATA, as Yjs and yrs have it."""
        stop = None if piece.right is None else self._starting_at(piece.right)
        left = None if piece.origin is None else self._ending_at(piece.origin)
        other = text.first if left is None else left.next
        passed: set[Piece] = set()
        undecided: set[Piece] = set()
        while other is not None and other is not stop:
            self._take_step()
            passed.add(other)
            undecided.add(other)
            if other.origin == piece.origin:
                if other.client < piece.client:
                    left = other
                    undecided.clear()
                elif other.right == piece.right:
                    break
            else:
                parent = None if other.origin is None else self.piece_at(other.origin)
                if parent is None or parent not in passed:
                    break
                if parent not in undecided:
                    left = other
                    undecided.clear()
            other = other.next
        return left

    def _ending_at(self, item: ItemId) -> Piece:
        """Return the piece whose last unit is the (known) item, cutting one in two if need be."""
        piece = self._known(item)
        clock = item[1] + 1
        if clock < piece.clock + piece.length:
            self._split(piece, clock)
        return piece

    def _starting_at(self, item: ItemId) -> Piece:
        piece = self._known(item)
        return piece if piece.clock == item[1] else self._split(piece, item[1])

    def _known(self, item: ItemId) -> Piece:
        piece = self.piece_at(item)
        if piece is None:
            raise LookupError(f"item {item} is not known")
        return piece

    def _split(self, piece: Piece, clock: Clock) -> Piece:
        length = piece.clock + piece.length - clock
        origin = (piece.client, clock - 1)
        later = Piece(piece.client, clock, length, piece.home, origin, piece.right)
        piece.length -= length
        later.previous, later.next = piece, piece.next
        if piece.next is not None:
            piece.next.previous = later
        piece.next = later
        column = self._columns[piece.client]
        index = bisect_right(column.starts, clock)
        column.starts.insert(index, clock)
        column.pieces.insert(index, later)
        return later

    def _take_step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooFarError
