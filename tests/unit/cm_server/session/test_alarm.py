"""The divergence alarm: when a difference counts, who is told, and what an operator can investigate with."""

import hashlib
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from cm_server.hub import Hub
from cm_server.session import alarm
from cm_server.session.alarm import FILES_SAID_MAX, Alarm
from cm_server.session.document import SEED_CLIENT_ID, SharedDocument
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.yjs import state_vector

SESSION, LEA = SessionId("ses_1"), PersonId("lea")
APP = FilePath("app.py")
TEXT = "print('private')\n"


class Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def error(self, event: str, **values: Any) -> None:
        self.lines.append({"event": event, **values})

    warning = error


class Meter:
    def __init__(self) -> None:
        self.told: list[str] = []

    def texts_differed(self, *_: object) -> None:
        self.told.append("differed")

    def texts_agreed(self, *_: object) -> None:
        self.told.append("agreed")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    written = Log()
    monkeypatch.setattr(alarm, "_log", written)
    return written


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def alarm_of(text: str) -> tuple[Alarm, bytes, Meter]:
    doc: Doc[Map[Text]] = Doc(client_id=SEED_CLIENT_ID)
    doc.get("files", type=Map)[APP] = Text(text)
    shared = SharedDocument.built(doc.get_update(), [])
    meter: Any = Meter()
    return Alarm(SESSION, shared, Hub("e"), meter), state_vector.encode(shared.clocks()), meter


def test_a_difference_that_lasts_is_said_with_what_an_investigation_needs_and_never_the_text(
    log: Log,
) -> None:
    watch, state, meter = alarm_of(TEXT)
    other = {APP: sha256("other")}
    assert watch.compare(LEA, state, other, 7) == "unsettled"
    assert log.lines == []
    assert watch.compare(LEA, state, other, 7) == "differed"
    (line,) = log.lines
    assert line["event"] == "texts-differed"
    assert (line["session"], line["person"], line["file"], line["after_update"]) == (
        *(SESSION, LEA, APP),
        7,
    )
    assert (line["our_sha256"], line["their_sha256"]) == (sha256(TEXT), sha256("other"))
    assert line["clocks"] == state_vector.decode(state)
    assert "private" not in str(log.lines)

    assert watch.compare(LEA, state, {APP: sha256(TEXT)}, 9) == "same"
    assert log.lines[1]["event"] == "texts-agree-again"
    assert (log.lines[1]["differed_after_update"], log.lines[1]["after_update"]) == (7, 9)
    assert meter.told == ["differed", "agreed"]


def test_made_up_files_fill_no_log(log: Log) -> None:
    watch, state, _ = alarm_of(TEXT)
    made_up = {FilePath(f"{number}.py"): sha256("") for number in range(500)}
    for _ in range(2):
        watch.compare(LEA, state, made_up, 7)
    assert len(log.lines) == FILES_SAID_MAX
