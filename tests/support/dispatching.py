"""Mentors on the list and learners who ask, for tests of who is rung."""

from cm_wire.ids import AskId
from cm_wire.to_client import AskChanged, AskPosted, OfferMade
from cm_wire.to_server import GoOnline, PostAsk
from tests.support import world
from tests.support.control_client import ControlClient
from tests.support.world import World


async def online(
    here: World, how_many: int, *, price: int = 1000, prefix: str = "M"
) -> list[ControlClient]:
    clients: list[ControlClient] = []
    for number in range(how_many):
        client = await here.connect(await here.mentor(f"{prefix}{number}", price=price))
        await client.do(GoOnline())
        clients.append(client)
    return clients


async def asking(
    here: World, name: str = "Lea", *, price_max: int = 1500
) -> tuple[ControlClient, AskId]:
    learner = await here.connect(await here.learner(name))
    return learner, await post(learner, price_max)


async def post(learner: ControlClient, price_max: int = 1500) -> AskId:
    posted = await learner.do(
        PostAsk(context=world.context(), terms=world.terms(price_max=price_max))
    )
    assert isinstance(posted, AskPosted)
    return posted.ask_id


def offers(mentor: ControlClient) -> list[OfferMade]:
    return [fact for fact in mentor.facts if isinstance(fact, OfferMade)]


def state(learner: ControlClient) -> str:
    return [fact.ask.state for fact in learner.facts if isinstance(fact, AskChanged)][-1]


def holds(here: World) -> list[str]:
    bank = here.app.payments.gateway.bank  # type: ignore[attr-defined] # these tests run on the fake
    return [type(intent.state).__name__ for intent in bank.intents.values()]


def held(here: World) -> int:
    return holds(here).count("Held")
