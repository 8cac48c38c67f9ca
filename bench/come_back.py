"""What travels to and from somebody who was away for twenty edits of a long session: by number, and by state vector.

    python -m bench.come_back [--edits 100000] [--rounds 15]

The whole product as a process of its own, and the document's part of a real language server; both ways in turns. Bytes are of the
answers to "what have I missed?" and "what have you?"; the time is from the handshake until what was missed is in.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from bench import long_document, typing_load
from bench.join import STATE_BYTES_MAX, server_process
from cm_lsp.session.sync import Sync
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import Delta
from cm_lsp.sharing.positions import Utf8Offset
from cm_lsp.to_server.channel import AUTHOR_HEADER, RESUMED_HEADER, SEED_HEADER
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.session import Role
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry
from cm_wire.yjs.sync_frames import Stored, SyncStep1, SyncStep2

ABSENCE_EDITS: Final = 20
BYTES_RATIO_MAX: Final = 0.2
PATH: Final = FilePath(typing_load.PATH)


@dataclass(frozen=True)
class Return:
    """One coming back."""

    down: int
    up: int
    ms: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    return asyncio.run(_compare(chosen.edits, chosen.rounds))


async def _compare(edits: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document"
        file.write_bytes(long_document.whole(edits))
        words = ["bench.product_server", str(Path(folder) / "data"), "1", "--document", str(file)]
        async with server_process(words) as ready:
            (seat,) = ready["seats"]
            url = f"ws://127.0.0.1:{ready['port']}/api/v1/sessions/{seat['session_id']}/sync"
            learner = _Member("learner", url, seat["learner_token"])
            mentor = _Member("mentor", url, seat["mentor_token"])
            by_state, by_number = await _rounds(learner, mentor, rounds)
    print(f"{edits:,} edits before, {ABSENCE_EDITS} while away; median of {rounds}")
    total = [_print("by state vector", by_state), _print("by number", by_number)]
    ratio = total[1] / total[0]
    print(f"bytes: ratio {ratio:.3f}   limit {BYTES_RATIO_MAX}")
    return int(ratio > BYTES_RATIO_MAX)


async def _rounds(
    learner: "_Member", mentor: "_Member", rounds: int
) -> tuple[list[Return], list[Return]]:
    chance = random.Random(7)
    returns: tuple[list[Return], list[Return]] = ([], [])
    for person in (learner, mentor):
        await person.come(is_resumed=False)
        await person.leave()
    for number in range(2 * rounds):
        await mentor.come(is_resumed=True)
        await mentor.edit(chance)
        await mentor.leave()
        is_resumed = bool(number % 2)
        returns[is_resumed].append(await learner.come(is_resumed=is_resumed))
        await learner.leave()
    return returns


def _print(name: str, returns: list[Return]) -> float:
    down, up, ms = (
        statistics.median(getattr(one, what) for one in returns) for what in ("down", "up", "ms")
    )
    print(f"{name:16} {down:9,.0f} bytes down {up:9,.0f} up {ms:7.1f} ms")
    return down + up


class _Member(Sync):
    """A document that is kept while the line is not; a listener that listens to nothing."""

    def __init__(self, role: Role, url: str, token: str) -> None:
        super().__init__(role, self)
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}
        self._author = ""
        self._socket: ClientConnection | None = None

    async def come(self, *, is_resumed: bool) -> Return:
        """Until what was missed is in, what is ours was offered, and the server said what it has."""
        after = f"&after={self.resume_after}" if is_resumed else ""
        begun = time.perf_counter()
        socket = self._socket = await connect(
            f"{self._url}?client={self._author}{after}" if self._author else self._url,
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            max_size=STATE_BYTES_MAX,
        )
        headers: Any = socket.response.headers if socket.response is not None else {}
        self._author = headers[AUTHOR_HEADER]
        assert (RESUMED_HEADER in headers) == is_resumed
        seed = YjsClientId(int(headers[SEED_HEADER]))
        for frame in self.connected(YjsClientId(int(self._author)), seed, is_resumed=is_resumed):
            await socket.send(frame)
        down = up = 0
        took = 0.0
        while not (down and up):
            frame = await socket.recv(decode=False)
            answers = self.received(frame)
            for answer in answers:
                await socket.send(answer)
            kind = sync_frames.decode(frame, STATE_BYTES_MAX)
            if isinstance(kind, SyncStep2):
                down, took = len(frame), time.perf_counter() - begun
            elif isinstance(kind, SyncStep1):
                up = sum(map(len, answers))
        await self._ask()
        return Return(down, up, took * 1000)

    async def edit(self, chance: random.Random) -> None:
        assert self.document is not None
        assert self._socket is not None
        for _ in range(ABSENCE_EDITS):
            at = Utf8Offset(chance.randrange(len(self.document.text(PATH))))
            change = ChangeCrdt((), (Utf8Edit(at, at, "x"),))
            for update in self.document.change(PATH, change):
                await self._socket.send(sync_frames.encode_update(update))

    async def leave(self) -> None:
        assert self._socket is not None
        await self._socket.close()
        self.disconnected()

    async def _ask(self) -> None:
        query = self.query()
        if query is None:
            return
        assert self._socket is not None
        await self._socket.send(query)
        while True:
            frame = await self._socket.recv(decode=False)
            self.received(frame)
            if isinstance(sync_frames.decode(frame), Stored):
                return

    def document_began(self) -> None: ...
    def files_changed(self) -> None: ...
    def text_changed(self, path: FilePath, delta: Delta, /) -> None: ...
    def texts_settled(self) -> None: ...
    def cursors_moved(self, entries: list[Entry], /) -> None: ...
    def connection_changed(self, *, is_connected: bool) -> None: ...
    def update_refused(self, reason: str, /) -> None: ...


if __name__ == "__main__":
    sys.exit(main())
