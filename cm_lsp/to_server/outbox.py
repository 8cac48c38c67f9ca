"""Commands that have no answer yet: sent ones to repeat after a reconnect, and new ones waiting for a connection.

Owns ids and the bound. A command keeps its id however often it is sent, so that the server does it once. Sending is the
link's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cm_wire import faults
from cm_wire.ids import CommandId
from cm_wire.to_client import Answered, Declined, Result
from cm_wire.to_server import Command, Request

COMMANDS_WAITING_MAX: Final = 64


class Outbox:
    def __init__(self, new_id: Callable[[], CommandId]) -> None:
        self._new_id = new_id
        self._waiting: OrderedDict[CommandId, tuple[Request, asyncio.Future[Result]]] = (
            OrderedDict()
        )
        self._handed_over: set[CommandId] = set()

    def add(self, command: Command) -> tuple[Request, asyncio.Future[Result]]:
        """A request to send and the future of its answer; refuses (`too-many`) what would pile up."""
        if len(self._waiting) >= COMMANDS_WAITING_MAX:
            raise faults.refusal(
                "too-many",
                "Too many commands wait for the server.",
                "Try again when the connection is back.",
                limit=COMMANDS_WAITING_MAX,
            )
        request = Request(self._new_id(), command)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = request, answer
        answer.add_done_callback(lambda _: self._forget(request.id))
        return request, answer

    def handed_over(self, command: CommandId) -> None:
        """It went to a connection, so it may have arrived."""
        if command in self._waiting:
            self._handed_over.add(command)

    def may_have_arrived(self, command: CommandId) -> bool:
        return command in self._handed_over

    def unanswered(self) -> list[Request]:
        """What has to be sent on a new connection, oldest first."""
        return [request for request, answer in self._waiting.values() if not answer.done()]

    def settle(self, frame: Answered | Declined) -> None:
        """Hand an answer to whoever waits for it; late and unknown answers are of no interest."""
        _, answer = self._waiting.get(frame.re, (None, None))
        if answer is None or answer.done():
            return
        if isinstance(frame, Answered):
            answer.set_result(frame.result)
        else:
            answer.set_exception(faults.Refused(frame.fault))

    def fail_all(self, fault: faults.Fault) -> None:
        """Nobody will answer any more."""
        for _, answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_exception(faults.Refused(fault))

    def _forget(self, command: CommandId) -> None:
        self._waiting.pop(command, None)
        self._handed_over.discard(command)
