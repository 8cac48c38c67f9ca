"""Bytes to messages and back, for the control channel. Anything that is not a message is a fault, never a crash.

One JSON object per text frame. The server refuses what it does not know with a fault and keeps the connection; the
client skips facts it does not know, so that an older client outlives a newer server.
"""

import re
from typing import Any, Final, TypeVar

import msgspec

from cm_wire import faults, limits
from cm_wire.ids import CommandId
from cm_wire.to_client import FromServer
from cm_wire.to_server import Request

_T = TypeVar("_T")

COMMAND_ID_CHARACTERS_MAX: Final = 64

_request_decoder: Final = msgspec.json.Decoder(Request)
_server_decoder: Final[msgspec.json.Decoder[FromServer]] = msgspec.json.Decoder(FromServer)
_envelope_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder: Final = msgspec.json.Encoder()
_UNKNOWN_TAG: Final = re.compile(
    r"^Invalid value .* - at `\$\.(?:\w+\.)*(?:type|frame)`$", re.DOTALL
)


def encode(message: Request | FromServer) -> str:
    """The text frame for one message."""
    return _encoder.encode(message).decode()


def decode_request(frame: str | bytes) -> Request:
    """Read what a client sent; raises `faults.Refused` (`bad-message`, `unknown-command`, `too-large`, `too-deep`)."""
    request = _decode(_request_decoder, frame, limits.CONTROL_FRAME_BYTES_MAX)
    if not 1 <= len(request.id) <= COMMAND_ID_CHARACTERS_MAX or not request.id.isascii():
        raise faults.refusal(
            "bad-message",
            "A command's id is 1 to 64 ASCII characters.",
            field="id",
            limit=COMMAND_ID_CHARACTERS_MAX,
            got=len(request.id),
        )
    return request


def decode_from_server(frame: str | bytes) -> FromServer | None:
    """Read what the server sent; `None` for a kind this client is too old to know."""
    try:
        return _decode(_server_decoder, frame, limits.FIRST_SYNC_BYTES_MAX)
    except faults.Refused as refused:
        if refused.fault.code == "unknown-command":
            return None
        raise


def request_id(frame: str | bytes) -> CommandId:
    """The id of a request that did not decode, if one can be read, so that the refusal reaches its sender."""
    try:
        raw = _envelope_decoder.decode(frame).get("id")
        value: Any = msgspec.json.decode(raw) if raw is not None else ""
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return CommandId("")
    readable = isinstance(value, str) and len(value) <= COMMAND_ID_CHARACTERS_MAX
    return CommandId(value if readable else "")


def _decode(decoder: msgspec.json.Decoder[_T], frame: str | bytes, bytes_max: int) -> _T:
    try:
        raw = frame if isinstance(frame, bytes) else frame.encode()
        if len(raw) > bytes_max:
            raise faults.refusal(
                "too-large", "The message is too large.", limit=bytes_max, got=len(raw)
            )
        return decoder.decode(raw)
    except RecursionError:
        raise faults.refusal(
            "too-deep", "The message is nested too deeply.", limit=limits.JSON_DEPTH_MAX
        ) from None
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise faults.refusal(
            "bad-message", f"Not a message: {faults.shortened(str(error), 200)}"
        ) from None


def _invalid(problem: str) -> faults.Refused:
    """msgspec names the place behind a backquoted JSON path; a wrong tag is a message we do not know."""
    what, _, place = problem.partition(" - at `$.")
    field = place.rstrip("`")
    if _UNKNOWN_TAG.search(problem):
        return faults.refusal("unknown-command", faults.shortened(what, 200), field=field)
    return faults.refusal("bad-message", faults.shortened(what, 200), field=field)
