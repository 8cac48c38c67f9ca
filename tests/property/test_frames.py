"""Any message survives the wire, and no bytes do anything but decode or give a clean fault."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cm_wire import faults, frames
from cm_wire.ids import CommandId
from cm_wire.to_client import FromServer
from cm_wire.to_server import Request
from tests.support.wire_strategies import messages

_COMMAND_IDS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64
)
_REQUESTS = messages(Request).flatmap(
    lambda request: _COMMAND_IDS.map(lambda id_: Request(CommandId(id_), request.command))
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_REQUESTS)
def test_any_command_round_trips(request: Request) -> None:
    assert frames.decode_request(frames.encode(request)) == request


@given(messages(FromServer))
def test_any_answer_or_fact_round_trips(message: FromServer) -> None:
    assert frames.decode_from_server(frames.encode(message)) == message


@given(st.binary(max_size=400) | st.text(st.characters(), max_size=400))
def test_hostile_bytes_give_a_clean_fault(frame: str | bytes) -> None:
    _decodes_or_refuses(frame)


@given(_JSON.map(json.dumps))
def test_json_that_is_no_message_gives_a_clean_fault(frame: str | bytes) -> None:
    _decodes_or_refuses(frame)


@given(_REQUESTS, st.data())
def test_a_damaged_command_gives_a_clean_fault(request: Request, data: st.DataObject) -> None:
    frame = bytearray(frames.encode(request).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    _decodes_or_refuses(bytes(frame))


@given(_REQUESTS, st.dictionaries(st.text(min_size=1), st.integers(), max_size=3))
def test_members_of_a_newer_version_are_ignored(request: Request, extra: dict[str, object]) -> None:
    frame = json.loads(frames.encode(request))
    known = set(frame["command"])
    frame["command"] |= {name: value for name, value in extra.items() if name not in known}
    frame |= {name: value for name, value in extra.items() if name not in frame}
    assert frames.decode_request(json.dumps(frame)) == request


def _decodes_or_refuses(frame: str | bytes) -> None:
    fault = _fault_of(frame)
    assert fault is None or 0 < len(fault.message) < 400
    assert isinstance(frames.request_id(frame), str)


def _fault_of(frame: str | bytes) -> faults.Fault | None:
    try:
        frames.decode_request(frame)
    except faults.Refused as refused:
        return refused.fault
    return None
