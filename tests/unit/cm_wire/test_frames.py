import pytest

from cm_wire import faults, frames, limits
from cm_wire.ids import CommandId
from cm_wire.to_client import Happened, Noticed
from cm_wire.to_server import GoOnline, Request


def _fault(frame: str | bytes) -> faults.Fault:
    with pytest.raises(faults.Refused) as refused:
        frames.decode_request(frame)
    return refused.value.fault


def test_a_command_is_one_json_object_with_its_type() -> None:
    assert (
        frames.encode(Request(CommandId("a"), GoOnline()))
        == '{"id":"a","command":{"type":"GoOnline"}}'
    )


def test_an_unknown_command_is_told_apart_from_a_malformed_one() -> None:
    assert _fault('{"id":"1","command":{"type":"Dance"}}').code == "unknown-command"
    assert _fault('{"id":"1","command":{"type":"Heartbeat","number":"x"}}').code == "bad-message"


def test_a_fault_names_the_member_at_fault() -> None:
    fault = _fault('{"id":"1","command":{"type":"SetMode","session_id":"s","mode":"wild"}}')
    assert fault.field == "command.mode"


def test_a_member_called_type_with_a_wrong_value_elsewhere_is_not_an_unknown_command() -> None:
    frame = '{"id":"1","command":{"type":"RateSession","session_id":"s","stars":"type"}}'
    assert _fault(frame).code == "bad-message"


@pytest.mark.parametrize("request_id", ["", "x" * 65, "é"])
def test_a_command_id_is_bounded_ascii(request_id: str) -> None:
    frame = frames.encode(Request(CommandId(request_id), GoOnline()))
    assert _fault(frame).field == "id"


def test_an_oversize_frame_names_limit_and_size() -> None:
    fault = _fault(" " * (limits.CONTROL_FRAME_BYTES_MAX + 1))
    assert (fault.code, fault.limit, fault.got) == (
        "too-large",
        limits.CONTROL_FRAME_BYTES_MAX,
        limits.CONTROL_FRAME_BYTES_MAX + 1,
    )


@pytest.mark.parametrize(
    "frame", ["", "[]", "null", '"x"', "{", "\ud800", b"\xff", "NaN", "[" * 9999]
)
def test_what_is_no_message_is_refused(frame: str | bytes) -> None:
    assert _fault(frame).code in {"bad-message", "too-deep"}


def test_deep_nesting_inside_an_ignored_member_is_refused_not_fatal() -> None:
    frame = '{"id":"1","more":' + "[" * 100_000 + "]" * 100_000 + ',"command":{"type":"GoOnline"}}'
    assert _fault(frame).code == "too-deep"


def test_a_client_skips_facts_it_does_not_know() -> None:
    assert (
        frames.decode_from_server('{"frame":"Happened","number":3,"fact":{"type":"New"}}') is None
    )
    assert frames.decode_from_server('{"frame":"New"}') is None


def test_a_client_refuses_a_broken_fact_it_does_know() -> None:
    with pytest.raises(faults.Refused):
        frames.decode_from_server('{"frame":"Happened","number":3,"fact":{"type":"Noticed"}}')


def test_the_id_of_a_broken_command_can_still_be_read() -> None:
    assert frames.request_id('{"id":"7","command":{"type":"Dance"}}') == "7"
    assert frames.request_id('{"id":7}') == ""
    assert frames.request_id(b"\xff") == ""


def test_unicode_arrives_as_sent() -> None:
    happened = Happened(1, Noticed(level=3, text="\U0001f469\u200d\U0001f680 \x00 \u202e"))
    assert frames.decode_from_server(frames.encode(happened)) == happened
