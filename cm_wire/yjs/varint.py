"""The lib0 primitives: unsigned variable-length integers, and byte strings that carry their length.

Owns reading and writing them within bounds. Stricter than lib0 on purpose: an integer in more bytes
than it needs is refused, because two readers that disagree about odd bytes are how a check is passed
by one text and the library is given another.
"""

MAX_UINT_BYTES = 8
"""2^53 - 1, the largest integer lib0 in JavaScript can hold, takes eight bytes."""

MAX_UINT = (1 << 53) - 1


class MalformedError(ValueError):
    """The bytes are not what they claim to be; the text says what was found and where."""


def read_uint(buffer: bytes, position: int) -> tuple[int, int]:
    """Return the integer at `position` and the position after it."""
    try:
        byte = buffer[position]
        if byte < 0x80:
            return byte, position + 1
        value = byte & 0x7F
        for index in range(1, MAX_UINT_BYTES):
            byte = buffer[position + index]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return _checked(value, byte, position), position + index + 1
    except IndexError:
        raise MalformedError(f"the bytes end inside the integer at byte {position}") from None
    raise MalformedError(f"the integer at byte {position} is longer than {MAX_UINT_BYTES} bytes")


def read_bytes(buffer: bytes, position: int) -> tuple[bytes, int]:
    """Return the byte string at `position` (length first) and the position after it."""
    length, start = read_uint(buffer, position)
    end = start + length
    if end > len(buffer):
        raise MalformedError(
            f"{length} bytes announced at byte {position}, {len(buffer) - start} left"
        )
    return buffer[start:end], end


def read_text(buffer: bytes, position: int) -> tuple[str, int]:
    """Return the UTF-8 text at `position` (length in bytes first) and the position after it."""
    encoded, end = read_bytes(buffer, position)
    try:
        return encoded.decode(), end
    except UnicodeDecodeError:
        raise MalformedError(f"the text at byte {position} is not UTF-8") from None


def write_uint(out: bytearray, value: int) -> None:
    """Append `value` in as few bytes as it needs."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def write_bytes(out: bytearray, content: bytes) -> None:
    """Append `content`, its length first."""
    write_uint(out, len(content))
    out += content


def _checked(value: int, last_byte: int, position: int) -> int:
    if last_byte == 0:
        raise MalformedError(f"the integer at byte {position} has more bytes than it needs")
    if value > MAX_UINT:
        raise MalformedError(f"the integer at byte {position} is above 2^53 - 1")
    return value
