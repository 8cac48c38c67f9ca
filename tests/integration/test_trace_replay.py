"""A recorded history of a real program, from one editor through bridges, sockets and server into another: byte for byte.

The whole of it, or another trace, is replayed by `make trace`.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import editing_trace, trace_replay

EDITS = 20_000
SINGLE_EDITS_IN_ALL = 331_582


@pytest.mark.timeout(600)
async def test_every_text_is_the_recorded_one(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    trace = editing_trace.read()
    ending = await trace_replay.replay(trace, EDITS, tmp_path)
    text = trace.text_after(EDITS)
    assert ending.typist == text
    assert ending.reader.encode() == ending.server.encode() == text.encode()
    record_property("edits of a recorded trace", EDITS)


def test_the_trace_is_as_long_as_its_page_says_and_ends_as_recorded() -> None:
    trace = editing_trace.read()
    assert sum(1 for _ in trace.edits()) == SINGLE_EDITS_IN_ALL
    text = trace.startContent
    for place, deleted, inserted in (patch for one in trace.txns for patch in one.patches):
        text = text[:place] + inserted + text[place + deleted :]
    assert text == trace.endContent


def test_traces_of_the_public_form_are_read_with_what_else_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "other.json.gz"
    recorded = {
        "startContent": "😀b",
        "endContent": "xb",
        "txns": [{"time": "2021-04-19T06:06:58.000Z", "patches": [[0, 1, "xy"], [1, 1, ""]]}],
    }
    path.write_bytes(gzip.compress(json.dumps(recorded).encode()))
    trace = editing_trace.read(path)
    assert list(trace.edits()) == [(0, ""), (0, "x"), (1, "y"), (1, "")]
    assert trace.text_after(4) == trace.endContent
