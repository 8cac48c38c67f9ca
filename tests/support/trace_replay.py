"""Replays recorded editing from one editor to another: editor, bridge, server, bridge, editor.

    python -m tests.support.trace_replay [FILE] [--edits N]

Real are buffers, documents, the document channel, websockets on 127.0.0.1, the server and its database; the two editors are
simulated. What is typed waits where too much is not stored yet, so that nothing is dropped as too fast. Owns the
replay; the form of the file is `editing_trace`'s.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from time import perf_counter

from cm_lsp.sharing import document
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.channel import DocumentChannel
from cm_server.session.connection import Pacing
from cm_wire.ids import ConnectionId, PersonId
from tests.support import editing_trace
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.editing_trace import Trace
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_person import EditorUser
from tests.support.simulated_room import PATH
from tests.support.waiting import until
from tests.support.yjs_client import joined

PACING = Pacing(frames_per_second=1e6, frames_burst=1e6)
BEHIND_MAX = 1_000
PACE_EDITS = 100
ARRIVES_SECONDS = 120.0
REPORT_EDITS = 20_000


@dataclass(frozen=True)
class Ending:
    """The text in each place at the end."""

    typist: str
    reader: str
    server: str
    seconds: float


async def replay(trace: Trace, count: int, folder: Path, *, progress: bool = False) -> Ending:
    """The first `count` edits, typed by the learner."""
    async with serving(folder / "trace.sqlite3", pacing=PACING) as server:
        await server.open_session()
        await server.rooms.share(SESSION, LEARNER, PATH, "plaintext", trace.startContent)
        async with (
            _person(server, LEARNER, 0, trace) as lea,
            _person(server, MENTOR, 1, trace) as mo,
        ):
            began = perf_counter()
            await _type(lea, trace, count, progress=progress)
            await until(
                lambda: _is_behind_by(lea) == 0 and mo.editor.text == lea.editor.text,
                "the reader has the typist's text",
                ARRIVES_SECONDS,
            )
            seconds = perf_counter() - began
            async with joined(server.url, MENTOR) as newcomer:
                return Ending(lea.editor.text, mo.editor.text, newcomer.read(PATH) or "", seconds)


async def _type(lea: EditorUser, trace: Trace, count: int, *, progress: bool) -> None:
    for number, (place, typed) in enumerate(islice(trace.edits(), count)):
        lea.editor.type(place, place + (not typed), typed)
        if number % PACE_EDITS == 0:
            await until(lambda: _is_behind_by(lea) < BEHIND_MAX, "edits arrive", ARRIVES_SECONDS)
        if progress and number % REPORT_EDITS == 0:
            sys.stderr.write(f"{number:,} edits, {len(lea.editor.text):,} characters\n")


@asynccontextmanager
async def _person(
    server: DocumentServer, person: PersonId, number: int, trace: Trace
) -> AsyncIterator[EditorUser]:
    rng = Random(number)
    time = LoopTime(asyncio.get_running_loop())
    user = EditorUser(time, rng, number, "strict", trace.startContent)
    channel = DocumentChannel(
        f"http://127.0.0.1:{server.port}",
        SESSION,
        person,
        client="trace",
        backoff=Backoff(rng),
        peer=user.sync,
        merged=document.merged,
    )
    user.send_updates = channel.send_updates
    server.hub.connect(person, ConnectionId(person), user.told)
    running = asyncio.create_task(channel.run())
    try:
        await until(lambda: user.editor.is_open, "the file is open", ARRIVES_SECONDS)
        yield user
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _is_behind_by(user: EditorUser) -> int:
    """How many edits are not stored yet; those that only the editor knows count by what they changed of the length."""
    assert user.sync.document is not None
    on_the_way = abs(len(user.editor.text) - len(user.sync.document.text(PATH)))
    return user.sync.document.unstored_count + on_the_way


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file", nargs="?", type=Path, default=editing_trace.TRACE)
    parser.add_argument("--edits", type=int, default=sys.maxsize, help="only the first so many")
    wanted = parser.parse_args()
    trace = editing_trace.read(wanted.file)
    count = min(wanted.edits, sum(1 for _ in trace.edits()))
    text = trace.text_after(count)
    with tempfile.TemporaryDirectory() as folder:
        ending = asyncio.run(replay(trace, count, Path(folder), progress=True))
    same = {ending.typist, ending.reader, ending.server} == {text}
    rate = count / ending.seconds
    verdict = "the same everywhere" if same else "NOT the same everywhere"
    sys.stdout.write(
        f"{count:,} edits, {rate:,.0f} a second; {len(text):,} characters, {verdict}\n"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(_main())
