"""Who is turned away from the document channel, and which frames end it; whoever is beside them notices nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cm_server.session.connection import Pacing
from cm_wire import limits
from cm_wire.yjs import sync_frames
from tests.support.document_server import (
    LEARNER,
    MENTOR,
    SESSION,
    STRANGER,
    DocumentServer,
    serving,
)
from tests.support.yjs_client import joined

PACING = Pacing(frames_per_second=100_000, frames_burst=100_000)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3", pacing=PACING) as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, "a.py", "python", "x = 1\n")
        yield running


CLOSES = [
    ("", 4401),
    ("nonsense", 4401),
    (STRANGER, 4404),
]


@pytest.mark.parametrize(("token", "code"), CLOSES)
async def test_who_does_not_belong_is_told_so(
    server: DocumentServer, token: str, code: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(server.url, additional_headers=headers, proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == code


async def test_unknown_and_ended_sessions_are_told_apart_only_to_members(
    server: DocumentServer,
) -> None:
    await server.end_session()
    for url, person, code in (
        (server.url, LEARNER, 4410),
        (server.url, STRANGER, 4404),
        (server.url.replace("ses_one", "ses_two"), LEARNER, 4404),
    ):
        headers = {"Authorization": f"Bearer {person}"}
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == code


async def test_foreign_page_is_turned_away_before_the_upgrade(server: DocumentServer) -> None:
    headers = {"Authorization": f"Bearer {LEARNER}", "Origin": "https://evil.example"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server.url, additional_headers=headers, proxy=None):
            pass
    assert refused.value.response.status_code == 403


HOSTILE: dict[str, tuple[bytes | str, int]] = {
    "empty": (b"", 4400),
    "unknown type": (b"\x63", 4400),
    "permission denied type": (b"\x02", 4400),
    "unknown step": (b"\x00\x03\x00", 4400),
    "length beyond the frame": (b"\x00\x02\x7f\x00", 4400),
    "varint of eleven bytes": (b"\x00\x02" + b"\xff" * 11, 4400),
    "trailing bytes": (b"\x00\x02\x02\x00\x00\x00", 4400),
    "state vector of 2^32 clients": (b"\x00\x00\x05\xff\xff\xff\xff\x0f", 4400),
    "block of no structs": (b"\x00\x02\x05\x01\x00\x07\x00\x00", 4422),
    "update that is none": (b"\x00\x02\x03\xff\xff\xff", 4422),
    "nested values": (
        sync_frames.encode_update(
            b"\x01\x01\x63\x00\x08\x01\x05files\x01" + b"\x75\x01" * 30_000 + b"\x7e\x00"
        ),
        4422,
    ),
    "awareness that is no JSON": (b"\x01\x05\x01\x03\x01\x01{", 4400),
    "awareness of another's form": (b"\x01\x0f\x01\x03\x01\x0b" + b'{"cursor":1', 4400),
    "what the server alone says": (sync_frames.encode_stored(1, 1), 4400),
    "text": ("hello", 1003),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_frame_ends_its_sender_alone(server: DocumentServer, case: str) -> None:
    frame, code = HOSTILE[case]
    async with joined(server.url, LEARNER) as lea:
        async with joined(server.url, MENTOR) as mo:
            await mo.socket.send(frame)
            await mo.waiting_for(lambda c: c.closed_with is not None)
            assert mo.closed_with == code, mo.close_reason
        lea.text().insert(0, "alive ")
        async with joined(server.url, MENTOR) as back:
            await back.waiting_for(lambda c: c.read() == "alive x = 1\n")
        assert lea.closed_with is None


async def test_oversize_frame_and_update_are_told_apart(server: DocumentServer) -> None:
    async with joined(server.url, MENTOR) as mo:
        await mo.send(b"\0" * (limits.SYNC_FRAME_BYTES_MAX + 1))
        await mo.waiting_for(lambda c: c.closed_with == 1009)
    async with joined(server.url, MENTOR) as mo:
        mo.text().insert(0, "x" * 70_000)
        await mo.waiting_for(lambda c: c.closed_with == 4422)
        assert mo.close_reason.startswith("update-too-large")


async def test_flood_is_slowed_then_refused_and_typing_is_not(tmp_path: Path) -> None:
    pacing = Pacing(frames_per_second=200, frames_burst=50)
    async with serving(tmp_path / "data.sqlite3", pacing=pacing) as server:
        await server.open_session()
        await server.rooms.share(SESSION, LEARNER, "a.py", "python", "")
        async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
            started = asyncio.get_running_loop().time()
            for _ in range(150):
                lea.text().insert(0, "x")
            await mo.waiting_for(lambda c: len(c.read() or "") == 150)
            assert asyncio.get_running_loop().time() - started > 0.3
            assert lea.closed_with is None
