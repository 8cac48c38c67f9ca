"""A person's control connection on a real websocket, speaking `cm_wire` and nothing more."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cm_wire import frames
from cm_wire.faults import Fault, Refused
from cm_wire.ids import CommandId
from cm_wire.to_client import Answered, Declined, Fact, Happened, HeartbeatSeen, Result, Welcome
from cm_wire.to_server import Command, Heartbeat, Hello, Request
from cm_wire.version import PROTOCOL_VERSION

F = TypeVar("F")
PATIENCE_SECONDS = 10


class ControlClient:
    """`do` sends a command and waits for its answer; `fact` waits for what the server tells by itself."""

    def __init__(self, socket: ClientConnection, prefix: str = "c") -> None:
        """A person who connects more than once gives each connection a `prefix` of its own for its command ids."""
        self.socket = socket
        self._prefix = prefix
        self.welcome: Welcome | None = None
        self.facts: list[Fact] = []
        self.last_number = 0
        self.faults: list[Fault] = []
        self.closed_with: int | None = None
        self._numbers = count(1)
        self._answers: dict[CommandId, asyncio.Future[Result]] = {}
        self._read_up_to: dict[type, int] = {}
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def hello(self, epoch: str = "", after: int = 0) -> Welcome:
        answer = await self.do(
            Hello(protocol=PROTOCOL_VERSION, client="test", resume_epoch=epoch, resume_after=after)
        )
        assert isinstance(answer, Welcome)
        self.welcome = answer
        return answer

    async def do(self, command: Command, command_id: str = "") -> Result:
        """The answer, or `Refused` with the server's fault."""
        re = CommandId(command_id or f"{self._prefix}{next(self._numbers)}")
        answer = self._answers[re] = asyncio.get_running_loop().create_future()
        await self.socket.send(frames.encode(Request(re, command)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await answer

    async def refusal(self, command: Command) -> Fault:
        """The fault a command is refused with; fails when it is not."""
        try:
            answer = await self.do(command)
        except Refused as refused:
            return refused.fault
        raise AssertionError(f"{type(command).__name__} was not refused: {answer}")

    async def fact(self, kind: type[F], condition: Callable[[F], bool] = lambda _: True) -> F:
        """The next fact of this kind that meets the condition; those before it count as read."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    for index in range(self._read_up_to.get(kind, 0), len(self.facts)):
                        fact = self.facts[index]
                        if isinstance(fact, kind) and condition(fact):
                            self._read_up_to[kind] = index + 1
                            return fact
                    if self.closed_with is not None:
                        raise ConnectionResetError(f"closed with {self.closed_with}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            told = [fact for fact in self.facts if isinstance(fact, kind)]
            raise AssertionError(f"No such {kind.__name__}; there were {told}") from None

    async def beat(self) -> None:
        answer = await self.do(Heartbeat(number=next(self._numbers)))
        assert isinstance(answer, HeartbeatSeen)

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.shield(self._reading)
        assert self.closed_with is not None
        return self.closed_with

    async def close(self) -> None:
        await self.socket.close()
        await self._reading

    async def die(self) -> None:
        """As an editor that is killed: no close frame."""
        self.socket.transport.abort()
        await self._reading

    async def _read(self) -> None:
        try:
            async for frame in self.socket:
                self._take(frame)
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            self.closed_with = self.socket.close_code
            for answer in self._answers.values():
                answer.cancel()
            self._changed.set()

    def _take(self, frame: str | bytes) -> None:
        message = frames.decode_from_server(frame)
        match message:
            case Happened(number=number, fact=fact):
                self.last_number = number
                self.facts.append(fact)
            case Answered(re=re, result=result):
                self._answers.pop(re).set_result(result)
            case Declined(re=re, fault=fault):
                waiting = self._answers.pop(re, None)
                if waiting is None:
                    self.faults.append(fault)
                else:
                    waiting.set_exception(Refused(fault))
            case None:
                raise AssertionError(f"the server sent {frame!r}")


async def opened(
    url: str, token: str | None, *, hello: bool = True, prefix: str = "c"
) -> ControlClient:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    socket = await connect(
        url, additional_headers=headers, compression=None, proxy=None, ping_interval=None
    )
    client = ControlClient(socket, prefix)
    if hello:
        await client.hello()
    return client
