"""How long to wait before the next try to connect, and after which closings not to try at all."""

import random
from dataclasses import dataclass
from typing import Final

FIRST_WAIT_SECONDS: Final = 0.25
LONGEST_WAIT_SECONDS: Final = 15.0
RESTART_WAIT_SECONDS: Final = 0.1

CLOSE_SIGN_IN: Final = 4401
CLOSE_NOT_ALLOWED: Final = 4403
CLOSE_NO_SUCH_SESSION: Final = 4404
CLOSE_REPLACED: Final = 4409
CLOSE_SESSION_OVER: Final = 4410
CLOSE_UPDATE_REFUSED: Final = 4422
CLOSE_RESTARTING: Final = 1012

FINAL_CLOSES: Final = frozenset(
    {CLOSE_SIGN_IN, CLOSE_NOT_ALLOWED, CLOSE_NO_SUCH_SESSION, CLOSE_REPLACED, CLOSE_SESSION_OVER}
)
"""Trying again would get the same answer, or take the connection from the user's other editor for ever."""


@dataclass(slots=True)
class Backoff:
    """Doubles with every failure; the wait is drawn between half and whole, so that clients do not come in step."""

    randomness: random.Random
    failures: int = 0

    def next_wait_seconds(self) -> float:
        ceiling = min(FIRST_WAIT_SECONDS * 2.0 ** min(self.failures, 16), LONGEST_WAIT_SECONDS)
        self.failures += 1
        return ceiling * self.randomness.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        self.failures = 0
