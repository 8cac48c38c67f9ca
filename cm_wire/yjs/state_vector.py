"""State vectors: how far each client's structs are known.

Owns their bytes, within limits; the CRDT library is given only what was read here.
"""

from typing import Final

from cm_wire.ids import YjsClientId
from cm_wire.yjs.structs import Clock
from cm_wire.yjs.update import MAX_CLOCK
from cm_wire.yjs.varint import MalformedError, read_uint, write_uint

MAX_CLIENTS: Final = 4096
_SHORTEST_ENTRY_BYTES: Final = 2


def decode(encoded: bytes) -> dict[YjsClientId, Clock]:
    """Read a state vector. Raise MalformedError for anything but a whole, plain one."""
    count, position = read_uint(encoded, 0)
    if count > MAX_CLIENTS:
        raise MalformedError(f"a state vector of {count} clients; the limit is {MAX_CLIENTS}")
    if count * _SHORTEST_ENTRY_BYTES > len(encoded) - position:
        raise MalformedError(f"a state vector of {count} clients in {len(encoded)} bytes")
    clocks: dict[YjsClientId, Clock] = {}
    for _ in range(count):
        client, position = read_uint(encoded, position)
        clock, position = read_uint(encoded, position)
        if clock > MAX_CLOCK:
            raise MalformedError(f"clock {clock} of client {client} is above {MAX_CLOCK}")
        if clocks.setdefault(YjsClientId(client), clock) != clock:
            raise MalformedError(f"two clocks for client {client} in a state vector")
    if position != len(encoded):
        raise MalformedError(f"{len(encoded) - position} bytes follow a state vector")
    return clocks


def encode(clocks: dict[YjsClientId, Clock]) -> bytes:
    """Write a state vector, highest client first as Yjs does."""
    out = bytearray()
    write_uint(out, len(clocks))
    for client in sorted(clocks, reverse=True):
        write_uint(out, client)
        write_uint(out, clocks[client])
    return bytes(out)
