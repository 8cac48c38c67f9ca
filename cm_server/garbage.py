"""When Python looks for objects that hold nothing but one another: seldom at all of them, and never because people came.

Owns the collector's settings. Left to itself it looks through every object each time they are a quarter more; at 700 sessions
that stops everybody for a third of a second, just when many join. Most memory needs no look: it is freed with its last name.
"""

import asyncio
import gc
from typing import Final

import structlog

YOUNG_OBJECTS: Final = 10_000
YOUNG_LOOKS: Final = 3
"""After so many looks at the youngest come those that outlived one: some 10 ms at most."""
_NEVER: Final = 2**31 - 1
LOOK_SECONDS: Final = 600.0
"""Between looks at everything. What ended sessions leave in that time is some megabytes."""

_log = structlog.stdlib.get_logger(__name__)


def pause() -> None:
    """While the program is loaded nothing is garbage, and looking for it is a fifth of the time that takes."""
    gc.disable()


def settle() -> None:
    """Everything is loaded: what is there now stays and is not looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, _NEVER)
    gc.enable()


async def look_now_and_then() -> None:
    """At everything made since `settle`, until cancelled."""
    now = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        began = now()
        freed = gc.collect()
        took_ms = round((now() - began) * 1_000)
        _log.info("garbage-looked-for", took_ms=took_ms, freed=freed)
