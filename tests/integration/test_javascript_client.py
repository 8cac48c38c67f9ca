"""The JavaScript Yjs with its y-websocket provider on the real server's wire, beside our own client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cm_wire.ids import YjsClientId
from cm_wire.yjs import awareness
from tests.support import javascript
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.yjs_client import YjsClient, joined

ANSWER_SECONDS = 60


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3") as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, "a.py", "python", "x = 1 😀\n")
        yield running


class Person:
    """Someone whose editor is JavaScript; `state` is the newest line it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.state: dict[str, Any] = {}

    async def does(self, what: str, **values: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **values}).encode() + b"\n")
        await self._process.stdin.drain()

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            while not self.state or not condition(self.state):
                line = await self._process.stdout.readline()
                assert line, "the JavaScript client ended"
                self.state = json.loads(line)
        return self.state

    async def shows(self, text: str) -> None:
        await self.until(lambda state: state["text"] == text)


@asynccontextmanager
async def javascript_person(server: DocumentServer, token: str, *how: str) -> AsyncIterator[Person]:
    process = await asyncio.create_subprocess_exec(
        javascript.required_node(),
        javascript.PROGRAMS / "provider.mjs",
        server.url,
        token,
        *how,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        person = Person(process)
        await person.until(lambda state: state["text"] is not None)
        yield person
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def reads(client: YjsClient, text: str) -> None:
    await client.waiting_for(lambda c: c.read() == text, ANSWER_SECONDS)


@pytest.mark.parametrize("how", [(), ("header",)], ids=["own id", "assigned id"])
async def test_it_writes_with_our_client_and_both_show_the_same(
    server: DocumentServer, how: tuple[str, ...]
) -> None:
    async with joined(server.url, LEARNER) as lea, javascript_person(server, MENTOR, *how) as mo:
        await mo.does("insert", at=8, text=" # 漢😀")
        await reads(lea, "x = 1 😀 # 漢😀\n")
        lea.text().insert(0, "é")
        await mo.shows("éx = 1 😀 # 漢😀\n")
        await mo.does("delete", at=0, length=3)
        await reads(lea, "= 1 😀 # 漢😀\n")
        await mo.does("undo")
        await reads(lea, "éx = 1 😀 # 漢😀\n")
        await mo.does("redo")
        await reads(lea, "= 1 😀 # 漢😀\n")
        assert mo.state["closed"] == []
        if how:
            assert mo.state["clientId"] < 100, "ids that the server assigns are small"


@pytest.mark.parametrize("how", [(), ("header",)], ids=["own id", "assigned id"])
async def test_what_both_wrote_offline_is_merged_when_it_comes_back(
    server: DocumentServer, how: tuple[str, ...]
) -> None:
    async with joined(server.url, LEARNER) as lea, javascript_person(server, MENTOR, *how) as mo:
        await mo.does("disconnect")
        await mo.until(lambda state: not state["connected"])
        await mo.does("insert", at=0, text="offline ")
        await mo.does("delete", at=8, length=1)
        lea.text().insert(len(lea.text()), "meanwhile\n")
        await mo.does("connect")
        await mo.does("insert", at=0, text="at once ")
        both = "at once offline  = 1 😀\nmeanwhile\n"
        await mo.shows(both)
        await reads(lea, both)
        assert not {1003, 1008, 4400, 4422} & set(mo.state["closed"]), mo.state["closed"]


async def test_it_finds_the_text_again_after_a_restart_of_the_server(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    async with serving(path) as first:
        await first.open_session()
        await first.rooms.share(SESSION, LEARNER, "a.py", "python", "x\n")
        port = first.port
        process = javascript_person(first, MENTOR)
        mo = await process.__aenter__()
        await mo.does("insert", at=0, text="kept ")
        async with joined(first.url, LEARNER) as lea:
            await reads(lea, "kept x\n")
    try:
        await mo.does("insert", at=0, text="while down ")
        async with serving(path, port=port) as second, joined(second.url, LEARNER) as lea:
            await reads(lea, "while down kept x\n")
    finally:
        await process.__aexit__(None, None, None)


async def test_cursors_go_both_ways_under_the_names_the_server_knows(
    server: DocumentServer,
) -> None:
    async with joined(server.url, LEARNER) as lea, javascript_person(server, MENTOR) as mo:
        await mo.does("point", at=4)
        await lea.waiting_for(lambda c: any(map(_has_cursor, c.cursors.values())), ANSWER_SECONDS)
        (shown,) = filter(_has_cursor, lea.cursors.values())
        state = awareness.read_state(shown)
        assert state is not None
        assert state.user is not None
        assert (state.user.name, state.user.role) == ("Mo", "mentor")
        assert shown.client == mo.state["clientId"]


async def test_two_of_them_need_none_of_our_code(server: DocumentServer) -> None:
    async with (
        javascript_person(server, LEARNER) as lea,
        javascript_person(server, MENTOR, "header") as mo,
    ):
        for _ in range(20):
            await lea.does("insert", at=0, text="l")
            await mo.does("insert", at=0, text="m")
        same = await lea.until(lambda state: len(state["text"]) == len("x = 1 😀\n") + 40)
        await mo.shows(same["text"])


async def test_a_quiet_session_does_not_look_dead_to_it(server: DocumentServer) -> None:
    """It sends its awareness again and again and expects some message for it."""
    async with joined(server.url, MENTOR) as mo:
        here = awareness.Entry(YjsClientId(mo.client_id), 1, b"{}")
        again = awareness.Entry(YjsClientId(mo.client_id), 2, b"{}")
        await mo.send_cursor(here)
        await mo.send_cursor(again)
        await mo.waiting_for(lambda c: c.heard_awareness == 1)


def _has_cursor(entry: awareness.Entry) -> bool:
    state = awareness.read_state(entry)
    return state is not None and state.cursor is not None
