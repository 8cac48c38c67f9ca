"""The constructed updates: each a way to end the process, fork the text or take over a file.

Run as a module it offers all of them to a guarded document, one fresh document each, and prints one
JSON line for each: what was decided, and what the document looks like after. With `--unguarded NAME`
it applies one of them to a bare document: the control that shows what the check is for.
"""

import json
import sys
from collections.abc import Callable

from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.structs import (
    Block,
    Collected,
    Deletes,
    Entry,
    Insert,
    ItemId,
    Skip,
    Struct,
    Tombstone,
    Update,
)
from cm_wire.yjs.varint import write_bytes, write_uint
from cm_wire.yjs.verdict import Gap, Refusal
from tests.support.guarded_document import (
    SEED_ID,
    GuardedDocument,
    contents_of,
    participant,
    replica,
    seeded_update,
)

WRITER = YjsClientId(7)
OTHER = YjsClientId(8)
CONTENTS = {"a.py": "hello w😀ld", "b.py": "other"}
# In the order in which the seed wrote: the entry of a.py, its text, the entry of b.py, its text, meta.
A_ENTRY: ItemId = (SEED_ID, 0)
A_TEXT = 1
B_ENTRY: ItemId = (SEED_ID, 12)
B_TEXT = 13
META: ItemId = (SEED_ID, 18)


def uints(*values: int) -> bytes:
    out = bytearray()
    for value in values:
        write_uint(out, value)
    return bytes(out)


def insert(
    clock: int = 0,
    text: bytes = b"x",
    origin: ItemId | None = None,
    right: ItemId | None = None,
    parent: ItemId | None = None,
    root: str | None = None,
    key: str | None = None,
) -> Insert:
    length = len(text.decode().encode("utf-16-le")) // 2
    return Insert(clock, length, origin, right, parent, root, key is not None, key, text)


def of(*structs: Struct, client: YjsClientId = WRITER) -> bytes:
    return updates.encode(Update([Block(client, list(structs))], []))


def deleting(*ranges: tuple[int, int], client: YjsClientId = SEED_ID) -> bytes:
    return updates.encode(Update([], [Deletes(client, list(ranges))]))


def at(clock: int) -> ItemId:
    return (SEED_ID, clock)


def raw_struct(info: int, content: bytes) -> bytes:
    """One struct of the writer after the first character of a.py, its content given as bytes."""
    place = uints(SEED_ID, A_TEXT) if info & 0x80 else b""
    return uints(1, 1, WRITER, 0) + bytes((info,)) + place + content + b"\0"


def nested_value(depth: int) -> bytes:
    """An array in an array in an array: what ends a process that recurses."""
    return raw_struct(0x88, uints(1) + b"\x75\x01" * depth + b"\x7e")


def _text_type(kind: int) -> bytes:
    return raw_struct(0x87, uints(kind))


def _format() -> bytes:
    content = bytearray()
    write_bytes(content, b"bold")
    write_bytes(content, b"true")
    return raw_struct(0x86, bytes(content))


def _json_text(content: bytes) -> bytes:
    out = bytearray()
    write_bytes(out, content)
    return bytes(out)


def _entry_over_a_file() -> bytes:
    return of(Entry(0, 1, A_ENTRY, None, None, None, True, None))


CONSTRUCTED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nested arrays, 20,000 deep": ("content-type", lambda: nested_value(20_000)),
    "nested arrays, 30,000 deep": ("content-type", lambda: nested_value(30_000)),
    "nested arrays, 1,000,000 deep": ("update-too-large", lambda: nested_value(1_000_000)),
    "a block without structs": ("malformed", lambda: bytes.fromhex("0100070000")),
    "origin is right origin": ("wrong-order", lambda: of(insert(origin=at(3), right=at(3)))),
    "origin after right origin": ("wrong-order", lambda: of(insert(origin=at(6), right=at(3)))),
    "origins in two texts": ("wrong-order", lambda: of(insert(origin=at(3), right=at(B_TEXT)))),
    "origins with known text between": (
        "wrong-order",
        lambda: of(insert(origin=at(A_TEXT), right=at(A_TEXT + 4))),
    ),
    "origins with own text between": (
        "wrong-order",
        lambda: of(
            insert(origin=at(A_TEXT), right=at(A_TEXT + 1)),
            insert(clock=1, origin=at(A_TEXT), right=at(A_TEXT + 1)),
        ),
    ),
    "origin is the entry of a file": ("structure", lambda: of(insert(origin=A_ENTRY))),
    "right origin is the entry of a file": ("structure", lambda: of(insert(right=A_ENTRY))),
    "a file made": (
        "content-type",
        lambda: of(Entry(0, 1, None, None, None, "files", True, "evil.py")),
    ),
    "a file replaced by a new text": ("content-type", _entry_over_a_file),
    "a file replaced by a string": (
        "structure",
        lambda: of(insert(root="files", key="a.py", text=b"gone")),
    ),
    "a file replaced by a tombstone": (
        "structure",
        lambda: of(Tombstone(0, 1, A_ENTRY, None, None, None, True, None)),
    ),
    "text in a top-level type": ("wrong-parent", lambda: of(insert(root="evil"))),
    "text in an item of text": ("wrong-parent", lambda: of(insert(parent=at(3)))),
    "text in the entry of meta": ("wrong-parent", lambda: of(insert(parent=META))),
    "origin inside a character": (
        "inside-character",
        lambda: of(insert(origin=at(8), right=at(9))),
    ),
    "right origin inside a character": ("inside-character", lambda: of(insert(right=at(9)))),
    "delete from inside a character": ("inside-character", lambda: deleting((9, 2))),
    "delete up to inside a character": ("inside-character", lambda: deleting((3, 6))),
    "delete of a file's entry": ("structure", lambda: deleting((0, 1))),
    "delete over all of the seed": ("structure", lambda: deleting((0, 19))),
    "delete of the future": ("gap", lambda: deleting((5, 1000))),
    "delete of a stranger": ("gap", lambda: deleting((0, 1), client=OTHER)),
    "delete of nothing": ("malformed", lambda: deleting((5, 0))),
    "deletes out of order": ("malformed", lambda: deleting((6, 1), (3, 1))),
    "structs of the seed": ("not-yours", lambda: of(insert(clock=19), client=SEED_ID)),
    "structs of another": ("not-yours", lambda: of(insert(origin=at(3)), client=OTHER)),
    "a gap in one's own clock": ("gap", lambda: of(insert(clock=5, origin=at(3), right=at(4)))),
    "a hole in one's own block": (
        "gap",
        lambda: of(insert(origin=at(3), right=at(4)), Skip(1, 5), insert(clock=6, origin=at(3))),
    ),
    "an origin nobody wrote": ("gap", lambda: of(insert(origin=(OTHER, 3)))),
    "an origin of one's own future": ("wrong-order", lambda: of(insert(origin=(WRITER, 9)))),
    "collected, 2^32 long": ("update-too-large", lambda: of(Collected(0, 1 << 32))),
    "a tombstone, 2^31 long": (
        "update-too-large",
        lambda: of(Tombstone(0, 1 << 31, at(3), at(4), None, None, False, None)),
    ),
    "200,000 structs": (
        "update-too-large",
        lambda: of(*(insert(clock=clock, origin=at(3)) for clock in range(200_000))),
    ),
    "513 structs": (
        "update-too-large",
        lambda: of(*(Collected(clock, 1) for clock in range(513))),
    ),
    "16,385 delete ranges": (
        "update-too-large",
        lambda: deleting(*((2 * index, 1) for index in range(16_385))),
    ),
    "2^32 clients": ("update-too-large", lambda: uints(1 << 32)),
    "2^32 structs": ("update-too-large", lambda: uints(1, 1 << 32, WRITER, 0)),
    "2^32 delete ranges": ("update-too-large", lambda: uints(0, 1, SEED_ID, 1 << 32)),
    "a buffer of 4 GB": (
        "malformed",
        lambda: uints(1, 1, WRITER, 0) + b"\x84" + uints(SEED_ID, 3, 1 << 32),
    ),
    "an integer of 11 bytes": ("malformed", lambda: b"\x80" * 10 + b"\x01"),
    "an integer longer than needed": ("malformed", lambda: b"\x80\x00" + b"\x00"),
    "bytes after the end": ("malformed", lambda: deleting((3, 1)) + b"\0"),
    "no bytes at all": ("malformed", lambda: b""),
    "two blocks of one client": (
        "malformed",
        lambda: updates.encode(
            Update([Block(WRITER, [Collected(0, 1)]), Block(WRITER, [Collected(1, 1)])], [])
        ),
    ),
    "an embed": ("content-type", lambda: raw_struct(0x85, _json_text(b"{}"))),
    "an embed of deep JSON": (
        "content-type",
        lambda: raw_struct(0x85, _json_text(b"[" * 1000 + b"]" * 1000)),
    ),
    "a format": ("content-type", _format),
    "a nested map": ("content-type", lambda: _text_type(1)),
    "a nested text": ("content-type", lambda: _text_type(2)),
    "a sub-document": ("content-type", lambda: raw_struct(0x89, _json_text(b"id") + b"\x7f")),
    "JSON content": ("content-type", lambda: raw_struct(0x82, uints(1) + _json_text(b"1"))),
    "binary content": ("content-type", lambda: raw_struct(0x83, _json_text(b"\0"))),
    "a move": ("content-type", lambda: raw_struct(0x8B, b"\0\0\0")),
    "content of no kind": ("content-type", lambda: raw_struct(0x9F, b"\0")),
    "a collected struct with an origin": ("malformed", lambda: raw_struct(0x80, uints(1))),
    "text that is not UTF-8": ("malformed", lambda: raw_struct(0x84, _json_text(b"\xed\xa0\x80"))),
    "empty text": ("malformed", lambda: raw_struct(0x84, _json_text(b""))),
}


def offer_all() -> None:
    for name, (_, construct) in CONSTRUCTED.items():
        guarded = GuardedDocument(CONTENTS)
        outcome = guarded.receive(construct(), participant(WRITER))
        guarded.assert_replicas_agree()
        match outcome:
            case Refusal():
                decided, reason = outcome.code.value, outcome.reason
            case Gap():
                decided, reason = "gap", outcome.reason
            case _:
                decided, reason = type(outcome).__name__, ""
        line = {"name": name, "decided": decided, "reason": reason, "contents": guarded.contents}
        sys.stdout.write(json.dumps(line) + "\n")


def apply_unguarded(name: str) -> None:
    document = replica(2, seeded_update(CONTENTS))
    if name == "a block without structs":
        document.apply_update(of(insert(origin=at(3), right=at(4))))
    document.apply_update(CONSTRUCTED[name][1]())
    sys.stdout.write(json.dumps(contents_of(document)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--unguarded"]:
        apply_unguarded(sys.argv[2])
    else:
        offer_all()
