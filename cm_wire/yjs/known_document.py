"""What the admission check knows of one document: homes of items, their order, what is deleted.

Owns taking structs and deletes in, one by one, each held to the rules; and taking them out again
when a later one of the same update is refused. Does not own reading updates or choosing outcomes.
"""

from collections.abc import Callable, Iterator, KeysView
from typing import Final

from cm_wire.ids import YjsClientId
from cm_wire.yjs.clock_ranges import ClockRanges
from cm_wire.yjs.keystroke import Keystroke
from cm_wire.yjs.order import Home, MapSlot, Order, Piece, SharedText
from cm_wire.yjs.rules import Rules
from cm_wire.yjs.structs import (
    Clock,
    Collected,
    Deletes,
    Entry,
    Insert,
    ItemId,
    Skip,
    Struct,
    Tombstone,
    Value,
    second_halves,
)
from cm_wire.yjs.update import MAX_CLOCK
from cm_wire.yjs.verdict import MissingError, RefusalCode, RefusedError

FILES_ROOT: Final = "files"
META_ROOT: Final = "meta"
MAX_REMOVED_ENTRIES: Final = 4096
"""Removed entries in one struct: how often one path was shared anew in a row."""


class KnownDocument:
    """The document without its text. Changes are tentative until `commit`, or undone by `undo`."""

    def __init__(self, is_protected: Callable[[str], bool]) -> None:
        """Begin empty; `is_protected` names the paths that only their owner may change."""
        self.order = Order()
        self._is_protected = is_protected
        self._texts: dict[ItemId, SharedText] = {}
        self._live: dict[str, SharedText] = {}
        self._removed = SharedText("", is_gone=True)
        self._deleted: dict[YjsClientId, ClockRanges] = {}
        self._new_texts: list[ItemId] = []
        self._new_tombstones: list[tuple[YjsClientId, Clock, int]] = []
        self._new_units: dict[SharedText, int] = {}
        """How much longer each text becomes by what is taken in now, or shorter."""

    @property
    def live_paths(self) -> KeysView[str]:
        """The files that are shared now, as a view."""
        return self._live.keys()

    def pieces_of(self, path: str) -> Iterator[Piece]:
        """Walk over a shared file's pieces in the order of the text, deleted ones too."""
        piece = self._live[path].first
        while piece is not None:
            yield piece
            piece = piece.next

    def shown_pieces(self, path: str) -> Iterator[tuple[Piece, list[tuple[Clock, Clock]]]]:
        """As `pieces_of`, each with the clocks of what is not deleted of it, as half-open ranges."""
        for piece in self.pieces_of(path):
            deleted = self._deleted.get(piece.client)
            end = piece.clock + piece.length
            whole = [(piece.clock, end)]
            yield piece, whole if deleted is None else deleted.missing(piece.clock, end)

    def missing_for(self, struct: Struct) -> ItemId | None:
        """Return an item the struct rests on that is not known yet."""
        if isinstance(struct, Collected | Skip):
            return None
        next_clock = self.order.next_clock
        if (item := struct.origin) is not None and item[1] >= next_clock(item[0]):
            return item
        if (item := struct.right) is not None and item[1] >= next_clock(item[0]):
            return item
        if (item := struct.parent) is not None and item[1] >= next_clock(item[0]):
            return item
        return None

    def take(self, client: YjsClientId, struct: Struct, rules: Rules) -> None:
        """Take in a struct that begins at the client's next clock and rests on known items."""
        match struct:
            case Collected():
                self.order.place(Piece(client, struct.clock, struct.length, self._removed))
            case Skip():
                known = self.order.next_clock(client)
                raise MissingError(
                    client, known, f"clocks of client {client} from {known} on are left out"
                )
            case Entry() | Value():
                if not rules.is_sharer(client):
                    raise RefusedError(
                        RefusalCode.CONTENT_TYPE, "only text may be sent, no types and no values"
                    )
                self._take_structure(client, struct)
            case Insert() | Tombstone():
                if struct.keyed:
                    self._take_removed_structure(client, struct, rules)
                else:
                    self._take_text(client, struct, rules)

    def type_on(self, typed: Keystroke, rules: Rules) -> bool:
        """Take in a keystroke that goes on where its client's last one ended and may be made; say whether it does and may.

        The rest of what `take` asks is known of such a one: its home and place are those of the unit before.
        """
        client = typed.client
        if typed.clock != self.order.next_clock(client) or typed.clock > MAX_CLOCK - typed.length:
            return False
        grown = self.order.typing_goes_on(client, typed.origin, typed.right)
        if grown is None or isinstance(grown.home, MapSlot):
            return False
        if not rules.is_sharer(client) and not _allows(grown.home, rules):
            return False
        self.order.extend(grown, typed.length)
        return True

    def new_deletes(self, deletes: list[Deletes]) -> list[Deletes]:
        """Return what is not deleted yet, cut to what is known."""
        fresh: list[Deletes] = []
        for entry in deletes:
            known = self.order.next_clock(entry.client)
            deleted = self._deleted.get(entry.client)
            ranges: list[tuple[Clock, int]] = []
            for clock, length in entry.ranges:
                end = min(clock + length, known)
                if clock >= end:
                    continue
                gaps = [(clock, end)] if deleted is None else deleted.missing(clock, end)
                ranges += [(start, stop - start) for start, stop in gaps]
            if ranges:
                fresh.append(Deletes(entry.client, ranges))
        return fresh

    def check_deletes(self, fresh: list[Deletes], rules: Rules) -> None:
        """Refuse deletes that the rules do not allow."""
        removed = {id(text) for text in self._removed_texts(fresh)}
        dead: dict[YjsClientId, ClockRanges] = {}
        for client, start, stop in self._new_tombstones:
            dead.setdefault(client, ClockRanges()).add(start, stop)
        for deletes in fresh:
            for clock, length in deletes.ranges:
                self._check_cut(deletes.client, clock)
                self._check_cut(deletes.client, clock + length)
                for piece in self.order.pieces_between(deletes.client, clock, clock + length):
                    home = piece.home
                    if isinstance(home, MapSlot):
                        if not rules.may_unshare:
                            raise RefusedError(
                                RefusalCode.STRUCTURE,
                                f"a delete of the entry {home.key!r}: files are unshared, not deleted",
                            )
                    elif id(home) not in removed:
                        _check_rights(home, rules)
                        first = max(clock, piece.clock)
                        end = min(clock + length, piece.clock + piece.length)
                        self._count(home, -_shown_units(dead.get(deletes.client), first, end))

    def check_growth(self, rules: Rules) -> None:
        """Refuse what makes a text longer than it may be. To be asked when all of an update is taken in."""
        if rules.text_units_max is None:
            return
        for text, units in self._new_units.items():
            if units > 0 and text.units + units > rules.text_units_max and not text.is_gone:
                raise RefusedError(
                    RefusalCode.FILE_TOO_LARGE,
                    f"{text.path!r} would have {text.units + units} units; at most {rules.text_units_max} fit",
                )

    def commit(self, fresh: list[Deletes]) -> None:
        """Keep what was taken, and the deletes."""
        for text in self._removed_texts(fresh):
            self._retire(text)
        for deletes in fresh:
            deleted = self._deleted.setdefault(deletes.client, ClockRanges())
            for clock, length in deletes.ranges:
                deleted.add(clock, clock + length)
        for client, clock, end in self._new_tombstones:
            self._deleted.setdefault(client, ClockRanges()).add(clock, end)
        for item in self._new_texts:
            text = self._texts[item]
            if not text.is_gone:
                self._show(text)
        for text, units in self._new_units.items():
            text.units += units
        self._new_texts.clear()
        self._new_tombstones.clear()
        self._new_units.clear()

    def undo(self, clocks_before: dict[YjsClientId, Clock]) -> None:
        """Forget all that was taken since the last commit."""
        for client, clock in clocks_before.items():
            self.order.cut_back(client, clock)
        for item in self._new_texts:
            del self._texts[item]
        self._new_texts.clear()
        self._new_tombstones.clear()
        self._new_units.clear()

    def _take_text(self, client: YjsClientId, struct: Insert | Tombstone, rules: Rules) -> None:
        if isinstance(struct, Tombstone):
            end = struct.clock + struct.length
            self._new_tombstones.append((client, struct.clock, end))
        grown = self.order.typing_goes_on(client, struct.origin, struct.right)
        home = self._home(struct) if grown is None else grown.home
        if isinstance(home, MapSlot):
            raise RefusedError(RefusalCode.STRUCTURE, f"text next to the entry {home.key!r}")
        if not rules.is_sharer(client):
            _check_rights(home, rules)
        if grown is not None:
            self.order.extend(grown, struct.length)
        else:
            self._check_place(client, struct, home)
            piece = Piece(client, struct.clock, struct.length, home, struct.origin, struct.right)
            self.order.place(piece)
        if isinstance(struct, Insert):
            self._count(home, struct.length)
        if isinstance(struct, Insert) and (halves := second_halves(struct.utf8)):
            self.order.note_second_halves(client, [struct.clock + half for half in halves])

    def _count(self, text: SharedText, units: int) -> None:
        self._new_units[text] = self._new_units.get(text, 0) + units

    def _check_place(
        self, client: YjsClientId, struct: Insert | Tombstone, text: SharedText
    ) -> None:
        if struct.origin is not None:
            self._check_cut(struct.origin[0], struct.origin[1] + 1)
        if struct.right is not None:
            self._check_cut(*struct.right)
        if not text.is_gone:
            obstacle = self.order.obstacle(client, text, struct.origin, struct.right)
            if obstacle is not None:
                raise RefusedError(RefusalCode.WRONG_ORDER, f"an insert is impossible: {obstacle}")

    def _check_cut(self, client: YjsClientId, clock: Clock) -> None:
        if self.order.parts_character(client, clock):
            raise RefusedError(
                RefusalCode.INSIDE_CHARACTER,
                f"clock {clock} of client {client} is half a character",
            )

    def _home(self, struct: Insert | Tombstone) -> Home:
        if struct.root is not None:
            raise RefusedError(
                RefusalCode.WRONG_PARENT,
                f"text in the top-level type {struct.root!r}: text goes into shared files",
            )
        if struct.parent is not None:
            text = self._texts.get(struct.parent)
            if text is None:
                raise RefusedError(
                    RefusalCode.WRONG_PARENT, "the parent of a text is not a shared file"
                )
            return text
        homes = [
            piece.home
            for item in (struct.origin, struct.right)
            if item is not None and (piece := self.order.piece_at(item)) is not None
        ]
        first, last = homes[0], homes[-1]
        if first is not last and not (_is_gone(first) and _is_gone(last)):
            raise RefusedError(RefusalCode.WRONG_ORDER, "the origins of an insert lie in two texts")
        return first

    def _take_structure(self, client: YjsClientId, struct: Entry | Value) -> None:
        slot = self._slot(struct)
        root = FILES_ROOT if isinstance(struct, Entry) else META_ROOT
        if slot.root != root:
            raise RefusedError(
                RefusalCode.STRUCTURE, f"an entry of {slot.root!r} that belongs in {root!r}"
            )
        self.order.place(Piece(client, struct.clock, 1, slot))
        if isinstance(struct, Entry):
            text = SharedText(slot.key, is_protected=self._is_protected(slot.key))
            self._add_text((client, struct.clock), text)

    def _take_removed_structure(
        self, client: YjsClientId, struct: Insert | Tombstone, rules: Rules
    ) -> None:
        if isinstance(struct, Insert) or not rules.is_sharer(client):
            raise RefusedError(RefusalCode.STRUCTURE, "text in place of an entry of a map")
        if struct.length > MAX_REMOVED_ENTRIES:
            raise RefusedError(
                RefusalCode.STRUCTURE, f"{struct.length} removed entries in one struct"
            )
        slot = self._slot(struct)
        self.order.place(Piece(client, struct.clock, struct.length, slot))
        self._new_tombstones.append((client, struct.clock, struct.clock + struct.length))
        if slot.root == FILES_ROOT:
            for clock in range(struct.clock, struct.clock + struct.length):
                self._add_text((client, clock), SharedText(slot.key, is_gone=True))

    def _slot(self, struct: Entry | Value | Tombstone) -> MapSlot:
        if struct.right is not None:
            raise RefusedError(RefusalCode.STRUCTURE, "an entry of a map with a right origin")
        if struct.origin is not None:
            before = self.order.piece_at(struct.origin)
            if before is None or not isinstance(before.home, MapSlot):
                raise RefusedError(RefusalCode.STRUCTURE, "an entry of a map that follows no entry")
            return before.home
        if struct.root not in (FILES_ROOT, META_ROOT) or struct.key is None:
            raise RefusedError(
                RefusalCode.STRUCTURE, "an entry that is in neither 'files' nor 'meta'"
            )
        return MapSlot(struct.root, struct.key)

    def _add_text(self, item: ItemId, text: SharedText) -> None:
        self._texts[item] = text
        self._new_texts.append(item)

    def _removed_texts(self, fresh: list[Deletes]) -> list[SharedText]:
        """Return the texts whose entries are among the deletes."""
        removed: list[SharedText] = []
        for deletes in fresh:
            for clock, length in deletes.ranges:
                for piece in self.order.pieces_between(deletes.client, clock, clock + length):
                    if isinstance(piece.home, MapSlot):
                        text = self._texts.get((piece.client, piece.clock))
                        removed += [] if text is None else [text]
        return removed

    def _show(self, text: SharedText) -> None:
        replaced = self._live.get(text.path)
        if replaced is not None:
            self._retire(replaced)
        self._live[text.path] = text

    def _retire(self, text: SharedText) -> None:
        text.is_gone = True
        text.first = None
        if self._live.get(text.path) is text:
            del self._live[text.path]


def _is_gone(home: Home) -> bool:
    return isinstance(home, SharedText) and home.is_gone


def _allows(text: SharedText, rules: Rules) -> bool:
    return rules.may_edit and (rules.may_edit_protected or not text.is_protected)


def _check_rights(text: SharedText, rules: Rules) -> None:
    if text.is_gone:
        return
    if not rules.may_edit:
        raise RefusedError(RefusalCode.READ_ONLY, "edits are not allowed in this mode")
    if text.is_protected and not rules.may_edit_protected:
        raise RefusedError(
            RefusalCode.PROTECTED_FILE, f"{text.path!r} can run by itself: only its owner edits it"
        )


def _shown_units(dead: ClockRanges | None, first: Clock, end: Clock) -> int:
    """How many of the clocks did not come in as deleted, and so were counted."""
    if dead is None:
        return end - first
    return sum(stop - start for start, stop in dead.missing(first, end))
