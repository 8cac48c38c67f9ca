"""Tells authors how far their edits are stored, at a bearable rate.

Owns: what was stored and not said yet. Guesses that would be wrong: every commit is told. The first after a silence is told at
once; while somebody types on, each word covers a second of keys, for a later clock says all that an earlier one does. And:
that second is the same for all. One commit stores what hundreds of rooms wrote, and if they all spoke a second after it, then
again a second after that, everybody's keys would wait behind their words.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from zlib import crc32

from cm_wire.ids import YjsClientId
from cm_wire.yjs.structs import Clock

INTERVAL_SECONDS: Final = 1.0
SPREAD: Final = 0.25
"""The share of the interval by which rooms differ."""


class Acknowledgements:
    __slots__ = ("_interval", "_loop", "_say", "_silent_until", "_timer", "_unsaid")

    def __init__(self, name: str, say: Callable[[YjsClientId, Clock], None]) -> None:
        """`name` tells this room from others, the same at each start."""
        self._loop = asyncio.get_running_loop()
        self._interval = INTERVAL_SECONDS * (1 - SPREAD * crc32(name.encode()) / 2**32)
        self._say = say
        self._unsaid: dict[YjsClientId, Clock] = {}
        self._silent_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def stored(self, client: YjsClientId, clock: Clock) -> None:
        """All that the client wrote below `clock` is on disk."""
        self._unsaid[client] = clock
        if self._timer is not None:
            return
        if self._loop.time() >= self._silent_until:
            self.say_all()
        else:
            self._timer = self._loop.call_at(self._silent_until, self.say_all)

    def say_all(self) -> None:
        """Say now what is known: the interval is over, or there will be no later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._unsaid:
            return
        self._silent_until = self._loop.time() + self._interval
        unsaid, self._unsaid = self._unsaid, {}
        for client, clock in unsaid.items():
            self._say(client, clock)
