"""Two people who make sessions as fast as they can and do not mind that the server dies under them: a load of money.

Each session has a learner of its own, since one learner may ask only so often. What happens to a pair depends on its
`chance` alone, and on when the server is killed.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from websockets.exceptions import WebSocketException

from cm_wire.faults import Refused
from cm_wire.ids import AskId, FilePath, PersonId, SessionId
from cm_wire.session import SessionView
from cm_wire.to_client import AskChanged, AskPosted, OfferMade, SessionChanged, SessionOpened
from cm_wire.to_server import (
    AcceptOffer,
    CancelAsk,
    Command,
    Diagnose,
    EndSession,
    ExtendCap,
    GoOnline,
    PauseMeter,
    PostAsk,
    RateSession,
    RequestRefund,
    ResumeMeter,
    ShareFile,
    StartMeter,
)
from tests.support import control_client, world, yjs_client
from tests.support.control_client import ControlClient

TEXT = "import asyncio\n\nasyncio.run(main)\n"
PATH = FilePath("app.py")
BEAT_SECONDS = 0.1
OPEN = ("triage", "live", "paused")
CUT_OFF = (WebSocketException, OSError, asyncio.CancelledError)
"""What a client sees of a server that dies; also the end of a client's own task."""


@dataclass
class Member:
    person: PersonId
    token: str


@dataclass
class Pair:
    """`connected_seconds` is real time that could have been billed, by session."""

    mentor: Member
    learners: list[Member]
    chance: random.Random
    ended: int = 0
    cut_off: int = 0
    connected_seconds: dict[SessionId, float] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    _connections: int = 0
    _learner: Member | None = None

    async def work(self, address: str) -> None:
        """Sessions until the server is gone or there is no learner left."""
        try:
            while self._learner or self.learners:
                self._learner = self._learner or self.learners.pop()
                if await self._session(address, self._learner):
                    self._learner = None
        except CUT_OFF:
            self.cut_off += 1

    async def end_what_is_open(self, address: str) -> None:
        """The last server is quiet: whoever is still in a session ends it, whoever still asks takes it back."""
        if self._learner is None:
            return
        learner = await self._connected(address, self._learner)
        view = await _open_session(learner)
        if view is not None:
            await learner.do(EndSession(session_id=view.session_id))
        await self._take_back(learner)
        await learner.close()

    async def _session(self, address: str, who: Member) -> bool:
        async with AsyncExitStack() as stack:
            learner = await self._connected(address, who)
            stack.push_async_callback(learner.close)
            mentor = await self._connected(address, self.mentor)
            stack.push_async_callback(mentor.close)
            view = await _open_session(learner)
            session = view.session_id if view else await self._matched(learner, mentor)
            if session is None:
                return True
            share = ShareFile(session_id=session, path=PATH, language_id="python", text=TEXT)
            await self._tried(learner, share)
            sync = f"{_sockets(address)}/sessions/{session}/sync"
            began = time.monotonic()
            try:
                for member in (who, self.mentor):
                    await stack.enter_async_context(yjs_client.joined(sync, member.token))
                await self._use(session, learner, mentor)
            finally:
                before = self.connected_seconds.get(session, 0.0)
                self.connected_seconds[session] = before + time.monotonic() - began
            await self._after(session, learner, mentor)
        return True

    async def _connected(self, address: str, member: Member) -> ControlClient:
        self._connections += 1
        url = f"{_sockets(address)}/events"
        return await control_client.opened(url, member.token, prefix=f"{self._connections}.")

    async def _tried(self, client: ControlClient, command: Command) -> None:
        """A refusal is an answer: it may have been done before the kill, or be too late."""
        try:
            await client.do(command)
        except Refused as refused:
            self.refusals[f"{type(command).__name__}: {refused.fault.message}"] += 1

    async def _matched(self, learner: ControlClient, mentor: ControlClient) -> SessionId | None:
        """The session that came of an ask; now and then the learner takes the ask back."""
        await self._tried(mentor, GoOnline())
        ask = PostAsk(
            context=world.context(TEXT),
            terms=world.terms(cap_minutes=self.chance.choice((5, 30))),
            mentor=self.mentor.person,
        )
        try:
            posted = await learner.do(ask)
        except Refused:
            return (
                None  # an ask from before the kill is still open, or its money is not settled yet
            )
        assert isinstance(posted, AskPosted)
        if self.chance.random() < 0.2:
            await self._tried(learner, CancelAsk(ask_id=AskId(posted.ask_id)))
            return None
        made = await mentor.fact(OfferMade, lambda fact: fact.offer.ask_id == posted.ask_id)
        opened = await mentor.do(AcceptOffer(offer_id=made.offer.offer_id))
        assert isinstance(opened, SessionOpened)
        return opened.session_id

    async def _take_back(self, learner: ControlClient) -> None:
        for ask_id in {fact.ask.ask_id for fact in learner.facts if isinstance(fact, AskChanged)}:
            await self._tried(learner, CancelAsk(ask_id=ask_id))

    async def _use(self, session: SessionId, learner: ControlClient, mentor: ControlClient) -> None:
        await self._tried(
            mentor, Diagnose(session_id=session, text="main is not called", minutes=5)
        )
        await self._tried(learner, StartMeter(session_id=session))
        await self._stay(self.chance.uniform(0.2, 1.2), learner, mentor)
        if self.chance.random() < 0.3:
            await self._tried(learner, PauseMeter(session_id=session))
            await self._tried(learner, ResumeMeter(session_id=session))
        if self.chance.random() < 0.5:
            await self._tried(learner, ExtendCap(session_id=session, minutes=30))
        await self._stay(self.chance.uniform(0, 0.8), learner, mentor)
        await self._tried(self.chance.choice((learner, mentor)), EndSession(session_id=session))

    async def _stay(self, seconds: float, *both: ControlClient) -> None:
        """Time is billed as far as both give signs of life."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.gather(*(client.beat() for client in both))
            await asyncio.sleep(BEAT_SECONDS)

    async def _after(
        self, session: SessionId, learner: ControlClient, mentor: ControlClient
    ) -> None:
        self.ended += 1
        if self.chance.random() < 0.4:
            await self._tried(learner, RequestRefund(session_id=session, reason="It did not help."))
        for client in (learner, mentor):
            await self._tried(client, RateSession(session_id=session, stars=4, solved=True))


def _sockets(address: str) -> str:
    return f"{address.replace('http', 'ws', 1)}/api/v1"


async def _open_session(client: ControlClient) -> SessionView | None:
    """What the server told on arrival, which comes before the answer to whatever is asked next."""
    await client.beat()
    views = [fact.session for fact in client.facts if isinstance(fact, SessionChanged)]
    return views[-1] if views and views[-1].state in OPEN else None
