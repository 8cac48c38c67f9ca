"""Who may propose and settle what, whatever a client sends: the server enforces it beside the editors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cm_wire import limits
from cm_wire.ids import FilePath, SessionId
from cm_wire.session import Hunk
from cm_wire.to_client import HunkSettled, OfferMade, Proposed, SessionOpened
from cm_wire.to_server import (
    AcceptOffer,
    GoOnline,
    PostAsk,
    Propose,
    SetMode,
    SettleHunk,
    ShareFile,
)
from cm_wire.yjs.awareness import RelativePosition
from tests.support import world
from tests.support.control_client import ControlClient
from tests.support.world import World

TEXT = "import asyncio\n\nasyncio.run(main)\n"
PATH = FilePath("app.py")
END = RelativePosition()


def hunk(number: int = 1, text: str = "# new\n", removed: str = "") -> Hunk:
    return Hunk(number=number, start=END, end=END, removed=removed, text=text)


@asynccontextmanager
async def opened(
    folder: Path,
) -> AsyncIterator[tuple[World, ControlClient, ControlClient, SessionId]]:
    async with world.running(folder) as here:
        lea, mo = await here.learner(), await here.mentor()
        learner, mentor = await here.connect(lea), await here.connect(mo)
        await mentor.do(GoOnline())
        await learner.do(PostAsk(context=world.context(TEXT), terms=world.terms()))
        offer = (await mentor.fact(OfferMade)).offer
        session = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
        assert isinstance(session, SessionOpened)
        share = ShareFile(session_id=session.session_id, path=PATH, language_id="python", text=TEXT)
        await learner.do(share)
        yield here, learner, mentor, session.session_id


async def test_only_the_mentor_proposes_only_the_learner_settles_and_each_hears_of_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (_, learner, mentor, session):
        propose = Propose(session_id=session, path=PATH, hunks=(hunk(1), hunk(2)))
        settle = SettleHunk(session_id=session, path=PATH, number=1, accepted=False)
        assert (await learner.refusal(propose)).code == "not-allowed"
        assert (await mentor.refusal(settle)).code == "not-allowed"
        await mentor.do(propose)
        heard = (await learner.fact(Proposed)).proposals
        assert [one.number for one in heard.hunks] == [1, 2]
        await learner.do(settle)
        settled = await mentor.fact(HunkSettled)
        assert (settled.number, settled.accepted) == (1, False)


async def test_a_learner_who_comes_back_is_told_what_is_still_open(tmp_path: Path) -> None:
    async with world.running(tmp_path) as here:
        lea, mo = await here.learner(), await here.mentor()
        learner, mentor = await here.connect(lea), await here.connect(mo)
        await mentor.do(GoOnline())
        await learner.do(PostAsk(context=world.context(TEXT), terms=world.terms()))
        offer = (await mentor.fact(OfferMade)).offer
        session = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
        assert isinstance(session, SessionOpened)
        name = session.session_id
        await learner.do(ShareFile(session_id=name, path=PATH, language_id="python", text=TEXT))
        await mentor.do(Propose(session_id=name, path=PATH, hunks=(hunk(1), hunk(2))))
        await learner.do(SettleHunk(session_id=name, path=PATH, number=1, accepted=True))
        await learner.close()
        again = await here.connect(lea)
        left = (await again.fact(Proposed)).proposals
        assert [one.number for one in left.hunks] == [2]


async def test_nothing_is_proposed_in_another_mode_nor_of_a_file_that_is_not_shared(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (_, learner, mentor, session):
        elsewhere = Propose(session_id=session, path=FilePath("../x"), hunks=(hunk(),))
        assert (await mentor.refusal(elsewhere)).code == "bad-path"
        for mode in ("live", "readOnly"):
            await learner.do(SetMode(session_id=session, mode=mode))
            propose = Propose(session_id=session, path=PATH, hunks=(hunk(),))
            assert (await mentor.refusal(propose)).code == "wrong-state"
            await mentor.do(Propose(session_id=session, path=PATH, hunks=()))


async def test_a_proposal_has_limits_and_each_refusal_names_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, _learner, mentor, session):
        many = tuple(hunk(number + 1, "x") for number in range(limits.HUNKS_MAX + 1))
        fault = await mentor.refusal(Propose(session_id=session, path=PATH, hunks=many))
        assert (fault.code, fault.limit) == ("too-many", limits.HUNKS_MAX)
        large = (hunk(text="x" * limits.PROPOSAL_BYTES_MAX, removed="y"),)
        fault = await mentor.refusal(Propose(session_id=session, path=PATH, hunks=large))
        assert (fault.code, fault.limit) == ("too-large", limits.PROPOSAL_BYTES_MAX)
        for text in ("a\r\nb", "a\0b"):
            hunks = (hunk(text=text),)
            fault = await mentor.refusal(Propose(session_id=session, path=PATH, hunks=hunks))
            assert fault.code == "not-text"
