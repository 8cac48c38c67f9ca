import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Awareness, Doc

from cm_wire.ids import YjsClientId
from cm_wire.yjs import awareness
from cm_wire.yjs.varint import MalformedError

ME, OTHER = YjsClientId(7), YjsClientId(8)
USER = awareness.User("per_a", "Ada", "#aa0000", "mentor")
PATHS = {"a.py"}


def shown(clock: int, state: Any, client: YjsClientId = ME) -> awareness.Entry:
    return awareness.Entry(client, clock, json.dumps(state).encode())


def cursor(path: str = "a.py") -> dict[str, Any]:
    place = {"item": {"client": 1, "clock": 3}, "assoc": 0}
    return {"path": path, "anchor": place, "head": place}


def rewritten(entry: awareness.Entry, own: awareness.Entry | None = None) -> awareness.State | None:
    changed = awareness.rewrite(entry, own, ME, USER, PATHS)
    assert changed is not None
    return awareness.read_state(changed)


@given(st.lists(st.tuples(st.integers(0, 1 << 32), st.integers(0, 99), st.binary(max_size=20))))
def test_entries_come_back(raw: list[tuple[int, int, bytes]]) -> None:
    entries = [awareness.Entry(YjsClientId(client), clock, state) for client, clock, state in raw]
    if len(entries) <= awareness.MAX_ENTRIES:
        assert awareness.decode(awareness.encode(entries)) == entries


def test_awareness_of_the_library_is_read() -> None:
    others = Awareness(Doc(client_id=ME))
    others.set_local_state({"cursor": cursor()})
    (entry,) = awareness.decode(others.encode_awareness_update([ME]))
    assert entry.client == ME
    assert rewritten(entry) is not None


def test_claimed_identity_is_overwritten() -> None:
    state = rewritten(shown(1, {"user": {"id": "root", "name": "Boss"}, "cursor": cursor()}))
    assert state is not None
    assert state.user == USER
    assert state.cursor is not None
    assert state.cursor.anchor.item == awareness.ItemReference(1, 3)


def test_fields_nobody_knows_are_left_out() -> None:
    changed = awareness.rewrite(shown(1, {"evil": "x" * 500}), None, ME, USER, PATHS)
    assert changed is not None
    assert b"evil" not in changed.state


def test_cursor_in_an_unshared_file_is_left_out() -> None:
    assert rewritten(shown(1, {"cursor": cursor("/etc/passwd")})) == awareness.State(USER)


def test_entry_about_another_client_is_dropped() -> None:
    assert awareness.rewrite(shown(1, {}, OTHER), None, ME, USER, PATHS) is None


def test_removal_of_anothers_state_is_dropped() -> None:
    gone = awareness.Entry(OTHER, 9, awareness.GONE)
    assert awareness.rewrite(gone, None, ME, USER, PATHS) is None


def test_own_removal_passes() -> None:
    gone = awareness.Entry(ME, 2, awareness.GONE)
    assert rewritten(gone, own=shown(1, {})) is None


@pytest.mark.parametrize("clock", [0, 4, 5, 5 + awareness.MAX_CLOCK_STEP + 1, (1 << 53) - 1])
def test_clock_that_does_not_rise_by_a_little_is_dropped(clock: int) -> None:
    assert awareness.rewrite(shown(clock, {}), shown(5, {}), ME, USER, PATHS) is None


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"cursor": 7}',
        b'{"cursor": {"path": "a.py"}}',
        b'{"cursor": {"path": "a.py", "anchor": -1, "head": 5}}',
        json.dumps({"cursor": cursor() | {"head": {"item": {"client": -1, "clock": 0}}}}).encode(),
        json.dumps(
            {"cursor": cursor() | {"head": {"item": {"client": 1, "clock": 1 << 40}}}}
        ).encode(),
        b"[" * 1024,
        b'{"x":' + b"[" * 500 + b"]" * 500 + b"}" * 19,
        b"\xff",
    ],
)
def test_state_of_another_form_is_refused(state: bytes) -> None:
    with pytest.raises(MalformedError, match="not of the known form"):
        awareness.rewrite(awareness.Entry(ME, 1, state), None, ME, USER, PATHS)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "end inside"),
        (b"\x41", "65 clients; the limit is 64"),
        (b"\x01\x07\x01\x05{}", "5 bytes announced"),
        (b"\x00\x00", "1 bytes follow"),
        (b"\x01\x07\x01\x81\x08" + bytes(1025), "1025 bytes; the limit is 1024"),
    ],
)
def test_odd_awareness_is_refused_with_the_reason(payload: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        awareness.decode(payload)
