"""What goes out to an editor that loses what it reads together with an answer: nothing follows an answer at once.

Owns the order and the pause. Does not own which answers matter, nor the stream. Emacs' LSP clients wait for some answers and
leave, when one comes, the very function that was reading for them: of what they had read behind it lsp-mode drops everything,
and eglot looks at it only when we write again (docs/decisions/0022).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

PAUSE_SECONDS: Final = 0.1
"""For Emacs to read the answer alone: it stands still for it, so only a busy machine makes it late."""


class CallLater(Protocol):
    def __call__(self, delay: float, callback: Callable[[], None], /) -> object: ...


class AnswersApart:
    """`send` is called in the order given; from each `pause` on, for a while not at all."""

    def __init__(self, send: Callable[[object], None], call_later: CallLater | None = None) -> None:
        self._send = send
        self._call_later = call_later or _call_later
        self._held: deque[object] = deque()
        self._pausing = False

    def send(self, message: object) -> None:
        if self._pausing:
            self._held.append(message)
        else:
            self._send(message)

    def pause(self) -> None:
        """What was sent last stands alone."""
        if self._pausing:
            self._held.append(_PAUSE)
        else:
            self._pausing = True
            self._call_later(PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._pausing = False
        while self._held and not self._pausing:
            message = self._held.popleft()
            if message is _PAUSE:
                self.pause()
            else:
                self._send(message)


def _call_later(delay: float, callback: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(delay, callback)


_PAUSE: Final = object()
