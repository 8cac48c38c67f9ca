"""A learner and a mentor who meet on a running server, up to where the meter may start."""

from cm_server.payment_service import in_process_client
from cm_wire.ids import FilePath, SessionId
from cm_wire.to_client import Noticed, OfferMade, SessionOpened
from cm_wire.to_server import AcceptOffer, Diagnose, GoOnline, PostAsk, ShareFile
from tests.support import world
from tests.support.control_client import ControlClient
from tests.support.world import Someone, World

PATH = FilePath("app.py")
PAYMENT_PAGES = "http://pages.invalid"
CHALLENGE = f"{PAYMENT_PAGES}/challenge/"
"""Where the embedded payment service's pages would be."""


async def counting(
    here: World, lea: Someone | None = None, *, bank_asks: bool = False
) -> tuple[SessionId, ControlClient, ControlClient, tuple[Someone, Someone]]:
    """A session whose meter starts once both have opened the file; `bank_asks` the learner before the search."""
    lea, mo = lea or await here.learner(), await here.mentor(price=1000)
    learner, mentor = await here.connect(lea), await here.connect(mo)
    await mentor.do(GoOnline())
    await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    if bank_asks:
        await press(here, await challenge_url(learner), {"answer": "yes"})
        await here.pass_time(2)
    offer = (await mentor.fact(OfferMade)).offer
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    session = opened.session_id
    text = world.context().excerpt.text
    await learner.do(ShareFile(session_id=session, path=PATH, language_id="python", text=text))
    await mentor.do(Diagnose(session_id=session, text="main is never called", minutes=5))
    return session, learner, mentor, (lea, mo)


async def challenge_url(learner: ControlClient) -> str:
    """Where the learner's bank asks whether it is them, as they were told."""
    told = await learner.fact(Noticed, lambda fact: CHALLENGE in fact.text)
    assert "the search begins by itself" in told.text
    (url,) = (word for word in told.text.split() if word.startswith(CHALLENGE))
    return url


async def press(here: World, url: str, form: dict[str, str]) -> None:
    """A button on a page of the embedded payment service."""
    service = here.app.payments.embedded
    assert service is not None
    async with in_process_client.client(service.pages) as browser:
        path = url.removeprefix(PAYMENT_PAGES)
        answered = await browser.post(f"{in_process_client.BASE_URL}{path}", data=form)
        assert answered.status_code == 303, answered.text
