"""What goes on beside everything else: kept until it is done, ended together, and whatever fails is logged."""

import asyncio
import logging
from collections.abc import Awaitable

from cm_wire import faults

log = logging.getLogger(__name__)


class Tasks:
    """`whose` stands in the log."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._running: set[asyncio.Future[object]] = set()

    def later(self, work: Awaitable[object]) -> None:
        task: asyncio.Future[object] = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        for task in tuple(self._running):
            task.cancel()

    def _done(self, task: asyncio.Future[object]) -> None:
        self._running.discard(task)
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, faults.Refused):
            log.warning("refused: %s", failure)
        elif failure is not None:
            log.error("a task of the %s failed", self._whose, exc_info=failure)
