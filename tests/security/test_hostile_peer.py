"""What a hostile peer or editor sends beside constructed updates: it is refused by name, and nothing of it gets in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pycrdt import Map, Text

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import Authority, ChangeCrdt, RangeChange
from cm_lsp.sharing.client_profiles import profile_of
from cm_lsp.sharing.positions import Position, PositionEncoding
from cm_lsp.sharing.shared_text import shared_text
from cm_wire import faults, limits
from cm_wire.ids import YjsClientId
from cm_wire.yjs.verdict import Refusal
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.guarded_document import GuardedDocument, participant, replica, update_of
from tests.support.yjs_client import joined

TERABYTE = 1 << 40
WRITER = YjsClientId(7)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3") as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, "a.py", "python", "x = 1\n")
        yield running


def test_ten_thousand_files_in_one_update_are_refused_whole() -> None:
    guarded = GuardedDocument({"a.py": "x"})
    hostile = replica(WRITER, guarded.start)

    def share() -> None:
        files = hostile.get("files", type=Map)
        for number in range(10_000):
            files[f"{number}.py"] = Text("mine")

    outcome = guarded.receive(update_of(hostile, share), participant(WRITER))
    assert isinstance(outcome, Refusal)
    assert outcome.code == "update-too-large"
    assert guarded.contents == {"a.py": "x"}


def test_one_file_of_a_persons_own_making_is_refused() -> None:
    guarded = GuardedDocument({"a.py": "x"})
    hostile = replica(WRITER, guarded.start)
    made = update_of(hostile, lambda: _put(hostile.get("files", type=Map), "b.py", "mine"))
    outcome = guarded.receive(made, participant(WRITER))
    assert isinstance(outcome, Refusal)
    assert guarded.contents == {"a.py": "x"}


async def test_more_files_than_the_limit_are_refused_with_the_limit(
    server: DocumentServer,
) -> None:
    for number in range(1, limits.FILES_MAX):
        await server.rooms.share(SESSION, LEARNER, f"{number}.py", "python", "")
    with pytest.raises(faults.Refused) as refused:
        await server.rooms.share(SESSION, LEARNER, "one_more.py", "python", "")
    assert refused.value.fault.limit == limits.FILES_MAX
    async with joined(server.url, MENTOR) as mo:
        assert mo.read("one_more.py") is None
        assert mo.read("1.py") == ""


@pytest.mark.parametrize(
    "path", ["A.PY", "../a.py", "/etc/passwd", "con", "a\u202ey.py", "b\x1b.py"]
)
async def test_a_path_that_leads_astray_or_is_another_file_is_not_shared(
    server: DocumentServer, path: str
) -> None:
    with pytest.raises(faults.Refused) as refused:
        await server.rooms.share(SESSION, LEARNER, path, "python", "mine")
    assert refused.value.fault.message.isprintable()
    async with joined(server.url, MENTOR) as mo:
        assert mo.read(path) is None
        assert mo.read("a.py") == "x = 1\n"


@pytest.mark.parametrize("encoding", PositionEncoding)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (Position(TERABYTE, 0), Position(TERABYTE, TERABYTE)),
        (Position(0, TERABYTE), Position(TERABYTE, 0)),
        (Position(1, 0), Position(0, TERABYTE)),
    ],
)
def test_a_terabyte_position_is_the_end_of_what_is_there(
    encoding: PositionEncoding, start: Position, end: Position
) -> None:
    text = "one 😀\ntwo\n"
    shared, _ = shared_text(text)
    profile = profile_of(None, applies_edits=True, rebases=False)
    bridge = Bridge(shared, profile=profile, encoding=encoding, authority=Authority.EDITOR)
    bridge.opened(text, 1, 0)
    effects = bridge.changed(2, [RangeChange(start, end, "!")], 1)
    assert bridge.standing.is_consistent()
    (change,) = (effect for effect in effects if isinstance(effect, ChangeCrdt))
    assert all(edit.end <= len(text.encode()) for edit in change.edits)
    assert "!" in str(shared.text)
    assert bridge.to_crdt(Position(TERABYTE, TERABYTE)) == len(str(shared.text).encode())


def _put(files: "Map[Text]", path: str, text: str) -> None:
    files[path] = Text(text)
