"""Waiting for something to become true, with a limit and a sentence when it did not."""

import asyncio
import time
from collections.abc import Callable


async def until(happened: Callable[[], bool], what: str, seconds: float = 5) -> None:
    """Give the loop and other threads turns until `happened()`; fails by naming `what`."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds} s still not: {what}")
        await asyncio.sleep(0.002)
