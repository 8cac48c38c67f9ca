"""A document that is opened from its rows: the text goes out before the check is ready, and nothing typed meanwhile is lost."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cm_server.session import document
from cm_server.session.connection import SLOW_READER
from cm_server.session.document import DocumentLost
from cm_wire.yjs.admission import AdmissionState
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.yjs_client import joined


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    """A session with a file, and no room in memory."""
    path = tmp_path / "data.sqlite3"
    async with serving(path) as first:
        await first.open_session()
        await first.rooms.share(SESSION, LEARNER, "a.py", "python", "kept")
    async with serving(path) as second:
        yield second


async def test_the_text_comes_before_the_check_and_what_is_typed_meanwhile_after_it(
    stored: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    known = document._known

    def slowly(whole: bytes) -> AdmissionState:
        assert may_go_on.wait(20)
        return known(whole)

    monkeypatch.setattr(document, "_known", slowly)
    try:
        async with joined(stored.url, LEARNER) as lea, joined(stored.url, MENTOR) as mo:
            assert (lea.read(), mo.read()) == ("kept", "kept")
            assert not stored.rooms._rooms[SESSION].document.is_prepared
            for number, letter in enumerate("text"):
                lea.text().insert(number, letter)
            mo.text().insert(4, "!")
            may_go_on.set()
            for one in (lea, mo):
                await one.waiting_for(lambda c: c.read() == "textkept!")
        assert stored.rooms._rooms[SESSION].document.texts() == {"a.py": "textkept!"}
    finally:
        may_go_on.set()


async def test_a_document_that_cannot_be_checked_sends_its_people_away(
    stored: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: bytes) -> AdmissionState:
        raise DocumentLost("not ours")

    monkeypatch.setattr(document, "_known", fails)
    async with joined(stored.url, LEARNER) as lea:
        await lea.waiting_for(lambda c: c.closed_with == SLOW_READER)
