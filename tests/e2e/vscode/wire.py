"""A wire that a test cuts and mends, in a thread of its own: Playwright runs an event loop in ours."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.support import cuttable_wire
from tests.support.cuttable_wire import CuttableWire


class Wire:
    def __init__(self, loop: asyncio.AbstractEventLoop, wire: CuttableWire) -> None:
        self._loop = loop
        self._wire = wire
        self.address = wire.url

    def cut(self) -> None:
        self._in_its_thread(self._wire.cut)

    def mend(self) -> None:
        self._in_its_thread(self._wire.mend)

    def _in_its_thread(self, run: Callable[[], None]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(run)
        self._loop.call_soon_threadsafe(done.set)
        assert done.wait(10), "the wire's thread does not answer"


@contextmanager
def to(address: str) -> Iterator[Wire]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="wire")
    thread.start()
    port = urlsplit(address).port
    assert port is not None
    wires = cuttable_wire.to(port)
    try:
        opened = asyncio.run_coroutine_threadsafe(wires.__aenter__(), loop).result(10)
        try:
            yield Wire(loop, opened)
        finally:
            asyncio.run_coroutine_threadsafe(wires.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
