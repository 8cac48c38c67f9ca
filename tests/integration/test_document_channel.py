"""The document channel over real sockets: convergence, durability, and who writes what under which id."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cm_server.session import lifecycle
from cm_server.session.connection import Pacing
from cm_wire.ids import ConnectionId, FilePath, PersonId
from cm_wire.to_client import EditsStored, Fact, Happened, Noticed
from cm_wire.yjs import awareness, sync_frames
from tests.support.document_server import (
    LEARNER,
    MENTOR,
    SESSION,
    DocumentServer,
    serving,
)
from tests.support.yjs_client import YjsClient, joined

PACING = Pacing(frames_per_second=100_000, frames_burst=100_000)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3", pacing=PACING) as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, "a.py", "python", "x = 1\n")
        yield running


class Facts:
    """What a person is told on the control channel."""

    def __init__(self, server: DocumentServer, person: PersonId) -> None:
        self.seen: list[Fact] = []
        self.changed = asyncio.Event()
        server.hub.connect(person, ConnectionId(f"facts-{person}"), self._deliver)

    def _deliver(self, happened: Happened) -> None:
        self.seen.append(happened.fact)
        self.changed.set()

    async def stored(self, client: int, clock: int) -> None:
        """Wait until the client's edits are stored up to `clock`."""
        async with asyncio.timeout(20):
            while not any(
                isinstance(fact, EditsStored) and fact.client == client and fact.clock >= clock
                for fact in self.seen
            ):
                self.changed.clear()
                await self.changed.wait()

    @property
    def notices(self) -> list[str]:
        return [fact.text for fact in self.seen if isinstance(fact, Noticed)]


async def same_text(*clients: YjsClient, long: int | None = None) -> str:
    """Wait until all show one text, of a length if given, and return it."""

    def agree(_: YjsClient) -> bool:
        texts = {client.read() for client in clients}
        return len(texts) == 1 and (long is None or len(texts.copy().pop() or "") == long)

    async def watch(client: YjsClient) -> None:
        await client.waiting_for(agree)

    async with asyncio.timeout(20):
        _, pending = await asyncio.wait(
            [asyncio.create_task(watch(client)) for client in clients],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    return clients[0].read() or ""


async def until(condition: Callable[[], bool]) -> None:
    """For conditions on the server's side, which nothing announces."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


async def _until_closed(socket: ClientConnection) -> AsyncIterator[bytes]:
    with suppress(ConnectionClosed):
        while True:
            frame = await socket.recv()
            assert isinstance(frame, bytes)
            yield frame


async def test_two_who_type_at_once_see_the_same_text(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        assert lea.read() == mo.read() == "x = 1\n"
        for n in range(300):
            lea.text().insert(0, f"{n % 10}")
            mo.text().insert(len(mo.text()), "é")
            if n % 10 == 0:
                del lea.text()[0:1]
                await asyncio.sleep(0)
        text = await same_text(lea, mo)
        assert text.count("é") == 300
        assert "x = " in text


async def test_late_joiner_gets_text_and_cursors(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea:
        lea.text().insert(0, "# hello\n")
        state = awareness.State(user=awareness.User("x", "Not me", "#fff", "mentor"))
        entry = awareness.entry_of(lea.client_id, 1, state)  # type: ignore[arg-type] # an id from a header
        await lea.send(sync_frames.encode_awareness(awareness.encode([entry])))
        async with joined(server.url, MENTOR) as mo:
            await mo.waiting_for(lambda c: c.read() == "# hello\nx = 1\n" and bool(c.cursors))
            shown = awareness.read_state(mo.cursors[lea.client_id])
            assert shown is not None
            assert shown.user is not None
            assert (shown.user.id, shown.user.name, shown.user.role) == (LEARNER, "Lea", "learner")
            await lea.stop()
            await mo.waiting_for(lambda c: c.cursors[lea.client_id].is_gone)


async def test_an_edit_is_not_sent_back_to_its_author(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lea.text().insert(0, "abc")
        await mo.waiting_for(lambda c: c.updates_seen == 1)
        mo.text().insert(0, "d")
        await lea.waiting_for(lambda c: c.updates_seen == 1)
        assert mo.updates_seen == 1


async def test_edits_are_acknowledged_and_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    async with serving(path, pacing=PACING) as first:
        await first.open_session()
        await first.rooms.share(SESSION, LEARNER, "a.py", "python", "")
        facts = Facts(first, LEARNER)
        async with joined(first.url, LEARNER) as lea:
            for _ in range(50):
                lea.text().insert(0, "ab")
            await facts.stored(lea.client_id, 100)
            client = lea.client_id
    async with serving(path, pacing=PACING) as second:
        async with joined(second.url, MENTOR) as mo:
            assert mo.read() == "ab" * 50
            assert mo.client_id != client
        async with joined(second.url, LEARNER, client=client) as lea:
            assert lea.client_id == client


async def test_offline_edits_come_in_under_the_same_client_id(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea:
        pass
    lea.text().insert(0, "offline ")
    async with (
        joined(server.url, LEARNER, client=lea.client_id, doc=lea.doc) as again,
        joined(server.url, MENTOR) as mo,
    ):
        assert again.client_id == lea.client_id
        await mo.waiting_for(lambda c: c.read() == "offline x = 1\n")
        again.text().insert(0, "!")
        await mo.waiting_for(lambda c: c.read() == "!offline x = 1\n")


async def test_anothers_client_id_is_not_given(server: DocumentServer) -> None:
    async with (
        joined(server.url, LEARNER) as lea,
        joined(server.url, MENTOR, client=lea.client_id) as mo,
    ):
        assert mo.client_id != lea.client_id
        assert lea.closed_with is None


async def test_resuming_closes_the_older_connection(server: DocumentServer) -> None:
    async with (
        joined(server.url, LEARNER) as old,
        joined(server.url, LEARNER, client=old.client_id) as new,
    ):
        await old.waiting_for(lambda c: c.closed_with == 4409)
        assert new.client_id == old.client_id
        assert new.closed_with is None


async def test_fourth_connection_takes_the_oldests_place(server: DocumentServer) -> None:
    async with (
        joined(server.url, LEARNER) as oldest,
        joined(server.url, LEARNER),
        joined(server.url, LEARNER) as third,
        joined(server.url, LEARNER) as fourth,
    ):
        await oldest.waiting_for(lambda c: c.closed_with == 4409)
        assert (third.closed_with, fourth.closed_with) == (None, None)


async def test_plain_yjs_client_writes_under_the_id_it_chose(server: DocumentServer) -> None:
    facts = Facts(server, MENTOR)
    async with (
        joined(server.url, LEARNER) as lea,
        joined(server.url, MENTOR, plain=True) as mo,
    ):
        assert mo.doc.client_id != mo.client_id
        mo.text().insert(0, "plain ")
        await lea.waiting_for(lambda c: c.read() == "plain x = 1\n")
        await facts.stored(mo.doc.client_id, 6)
        mo.text().insert(0, "!")
        await lea.waiting_for(lambda c: c.read() == "!plain x = 1\n")


async def test_foreign_and_seed_client_ids_are_refused(server: DocumentServer) -> None:
    facts = Facts(server, MENTOR)
    async with joined(server.url, LEARNER) as lea:
        lea.text().insert(0, "mine")
        for forged in (lea.client_id, 1):
            async with joined(server.url, MENTOR) as mo:
                forger: Doc[Any] = Doc(client_id=forged)
                forger.apply_update(mo.doc.get_update())
                before = forger.get_state()
                forger.get("files", type=Map)["a.py"].insert(0, "forged")
                await mo.send(sync_frames.encode_update(forger.get_update(before)))
                await mo.waiting_for(lambda c: c.closed_with == 4422)
                assert mo.close_reason.startswith("not-yours")
        assert any("not-yours" in text for text in facts.notices)
        async with joined(server.url, MENTOR) as fresh:
            assert fresh.read() == "minex = 1\n"
        assert lea.closed_with is None


@pytest.mark.parametrize("mode", ["propose", "readOnly"])
async def test_mode_refuses_the_mentors_edits_and_not_the_learners(
    server: DocumentServer, mode: str
) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        server.rooms.set_mode(SESSION, mode)  # type: ignore[arg-type] # from the parameters above
        mo.text().insert(0, "no")
        await mo.waiting_for(lambda c: c.closed_with == 4422)
        assert mo.close_reason.startswith("read-only")
        lea.text().insert(0, "yes ")
        async with joined(server.url, MENTOR) as back:
            await back.waiting_for(lambda c: c.read() == "yes x = 1\n")


async def test_mode_set_while_the_room_opens_holds_in_it(tmp_path: Path) -> None:
    async with serving(tmp_path / "data.sqlite3", pacing=PACING) as server:
        await server.open_session()
        joining = asyncio.create_task(server.rooms.join(SESSION, MENTOR, None))
        await asyncio.sleep(0)
        server.rooms.set_mode(SESSION, "readOnly")
        room, _ = await joining
        assert not room.authors.participant(MENTOR).may_edit


async def test_files_that_run_by_themselves_are_the_learners_alone(server: DocumentServer) -> None:
    await server.rooms.share(SESSION, LEARNER, ".vscode/tasks.json", "json", "{}")
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lea.text(".vscode/tasks.json").insert(0, " ")
        await mo.waiting_for(lambda c: c.read(".vscode/tasks.json") == " {}")
        mo.text(".vscode/tasks.json").insert(1, '"x"')
        await mo.waiting_for(lambda c: c.closed_with == 4422)
        assert mo.close_reason.startswith("protected-file")


async def test_nobody_but_the_server_makes_files(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea:
        lea.doc.get("files", type=Map)["evil.py"] = Text("x")
        await lea.waiting_for(lambda c: c.closed_with == 4422)
    async with joined(server.url, MENTOR) as mo:
        assert sorted(mo.doc.get("files", type=Map).keys()) == ["a.py"]


async def test_share_rename_and_unshare_reach_who_is_there(server: DocumentServer) -> None:
    async with joined(server.url, MENTOR) as mo:
        await server.rooms.share(SESSION, LEARNER, "b.py", "python", "b\n")
        await mo.waiting_for(lambda c: c.read("b.py") == "b\n")
        mo.text("b.py").insert(0, "# ")
        await server.rooms.rename(SESSION, LEARNER, FilePath("a.py"), FilePath("c.py"))
        meta = mo.doc.get("meta", type=Map)
        await mo.waiting_for(lambda c: meta.get("a.py") == "c.py")
        mo.text().insert(0, "# ")
        await server.rooms.unshare(SESSION, LEARNER, FilePath("a.py"))
        await mo.waiting_for(lambda c: c.read() is None and "a.py" not in meta)
        await server.rooms.share(SESSION, LEARNER, "c.py", "python", "again\n")
        await mo.waiting_for(lambda c: c.read("c.py") == "again\n")
        mo.text("c.py").insert(0, "and ")
        async with joined(server.url, LEARNER) as lea:
            await lea.waiting_for(lambda c: c.read("c.py") == "and again\n")
            assert lea.read("b.py") == "# b\n"


async def test_patch_shows_the_session_and_outlives_it(server: DocumentServer) -> None:
    facts = Facts(server, MENTOR)
    async with joined(server.url, MENTOR) as mo:
        mo.text().insert(4, "2 #")
        await facts.stored(mo.client_id, 3)
        live = await server.rooms.patch(SESSION, LEARNER)
        assert "-x = 1\n+x = 2 #1\n" in live
        await server.end_session()
        await mo.waiting_for(lambda c: c.closed_with == 4410)
    assert await server.rooms.patch(SESSION, MENTOR) == live
    assert "x = 2 #1" in await server.rooms.note(SESSION, LEARNER)


async def test_gap_is_answered_with_what_is_missing(server: DocumentServer) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        mo.mute()
        mo.text().insert(0, "lost")
        before = mo.doc.get_state()
        mo.text().insert(4, " found")
        steps = mo.steps_1_seen
        await mo.send(sync_frames.encode_update(mo.doc.get_update(before)))
        await lea.waiting_for(lambda c: c.read() == "lost foundx = 1\n")
        assert mo.steps_1_seen == steps + 1


async def test_slow_reader_is_disconnected_and_delays_nobody(server: DocumentServer) -> None:
    headers = {"Authorization": f"Bearer {MENTOR}"}
    async with (
        joined(server.url, LEARNER) as lea,
        connect(
            server.url, additional_headers=headers, compression=None, max_queue=1, proxy=None
        ) as stalled,
    ):
        # It joins and then never reads: its queue of one message is full, so its socket fills up.
        for _ in range(400):
            lea.text().insert(0, "x" * 60_000)
            del lea.text()[0:60_000]
            if MENTOR not in server.rooms.present(SESSION):
                break
            await asyncio.sleep(0.001)
        await until(lambda: MENTOR not in server.rooms.present(SESSION))
        async for _ in _until_closed(stalled):
            pass
        assert stalled.close_code == 1013
        assert lea.closed_with is None
        async with joined(server.url, MENTOR) as mo:
            await same_text(lea, mo)


async def test_digests_raise_the_alarm_only_when_a_difference_lasts(tmp_path: Path) -> None:
    class Seen:
        def __init__(self) -> None:
            self.calls: list[str] = []

        def joined(self, *_: object) -> None:
            self.calls.append("joined")

        def left(self, *_: object) -> None:
            self.calls.append("left")

        def edited(self, *_: object) -> None:
            self.calls.append("edited")

        def texts_differed(self, *_: object) -> None:
            self.calls.append("differed")

        def texts_agreed(self, *_: object) -> None:
            self.calls.append("agreed")

    seen = Seen()
    async with serving(tmp_path / "data.sqlite3", watcher=seen, pacing=PACING) as server:
        await server.open_session()
        await server.rooms.share(SESSION, LEARNER, "a.py", "python", "x")
        async with joined(server.url, LEARNER) as lea:
            room = server.rooms._rooms[SESSION]
            vector, right = lea.doc.get_state().hex(), room.document.digests()
            wrong = {FilePath("a.py"): "0" * 64}

            async def report(digests: dict[FilePath, str]) -> str:
                return await server.rooms.compare(SESSION, LEARNER, vector, digests)

            assert await report(right) == "same"
            assert await report(wrong) == "unsettled"
            assert await report(wrong) == "differed"
            assert await report(right) == "same"
            assert seen.calls == ["joined", "differed", "agreed"]
            lea.text().insert(0, "y")
            await until(lambda: "edited" in seen.calls)
            assert await report(right) == "unsettled"
        await until(lambda: "left" in seen.calls)


async def test_session_state_refuses_what_is_over(server: DocumentServer) -> None:
    await server.end_session()
    with pytest.raises(Exception, match="ended"):
        await server.rooms.share(SESSION, LEARNER, "b.py", "python", "")
    assert (await server.database.read(lambda s: lifecycle.of_member(s, SESSION, LEARNER)))[
        0
    ].state == "ended"
