"""A session whose card says no at the end is a debt: the learner is told, and every way to pay it takes it once."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from cm_server.billing import charges, collection, debts, ledger, reconcile, store, sweeper
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.debts import Debt
from cm_server.billing.model import Hold
from cm_wire.faults import Refused
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money
from cm_wire.to_client import AskChanged, AskPosted, Noticed, ReceiptIssued
from cm_wire.to_server import EndSession, GoOnline, PostAsk, StartMeter
from tests.support import meeting_pair, server_process, world
from tests.support.control_client import ControlClient
from tests.support.fake_bank import Card
from tests.support.fake_gateway import Fault
from tests.support.money_world import LEARNER, MoneyWorld
from tests.support.world import Someone, World

ASKS_FIRST = "4000 0027 6000 3184"
SAVES_THEN_SAYS_NO = "4000 0000 0000 0341"
DAY = 86_400


async def in_debt(money: MoneyWorld) -> SessionId:
    """Ten minutes, 6.66, with the hold gone and the card saying no by then."""
    session_id = await money.open(await money.hold())
    await money.serve(session_id, 600)
    await money.clock.advance(8 * DAY)
    cards_become(money, Card.DECLINED)
    await money.end(session_id)
    await money.clock.advance(600)
    await money.work()
    owed = await debt_of(money)
    assert owed is not None
    assert owed.amount == Money(666, "USD")
    return session_id


def cards_become(money: MoneyWorld, card: Card) -> None:
    for customer, saved in money.bank.cards.items():
        money.bank.cards[customer] = [(ref, card) for ref, _ in saved]


async def debt_of(money: MoneyWorld) -> Debt | None:
    return await money.database.read(lambda s: debts.of_learner(s, LEARNER))


def taken(money: MoneyWorld) -> list[int]:
    intents = money.bank.intents.values()
    return [i.state.amount.minor for i in intents if isinstance(i.state, outcomes.Captured)]


async def assert_paid_once(money: MoneyWorld, session_id: SessionId) -> None:
    await money.clock.advance(600)
    await sweeper.sweep(money.till)
    await sweeper.take_lost_events(money.till)
    assert taken(money) == [666]
    assert await debt_of(money) is None
    payment = await money.database.read(lambda s: store.payment_of_session(s, session_id))
    assert payment is not None
    assert payment.state in ("settled", "released")
    assert await money.database.read(ledger.verify) == []
    found = await reconcile.reconcile(money.till)
    assert found.is_clean, found
    balances = {b.code: b for b in await money.database.read(ledger.balances)}
    assert balances[f"USD:learner:{LEARNER}:debt"].minor == 0
    assert all(balance.pending_minor == 0 for balance in balances.values())


async def test_an_ask_while_something_is_owed_is_refused_with_what_and_how(
    world: MoneyWorld,
) -> None:
    await in_debt(world)
    with pytest.raises(Refused) as refused:
        await world.hold()
    fault = refused.value.fault
    assert fault.code == "card-declined"
    assert "$6.66 of your session with Mo on" in fault.message
    assert "Pay it" in fault.do


async def test_a_card_that_says_no_again_leaves_the_debt_as_it_was(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await collection.pay(world.till, LEARNER)
        assert refused.value.fault.code == "card-declined"
        owed = await debt_of(world)
        assert owed is not None
        assert owed.amount == Money(666, "USD")
    cards_become(world, Card.GOOD)
    assert await collection.pay(world.till, LEARNER) == ""
    await assert_paid_once(world, session_id)


async def test_a_new_card_is_charged_when_it_is_saved(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    await world.save_card()
    await sweeper.take_lost_events(world.till)
    await assert_paid_once(world, session_id)
    await world.hold()


async def test_the_bank_may_ask_the_learner_first(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    cards_become(world, Card.CHALLENGE)
    url = await collection.pay(world.till, LEARNER)
    assert url.startswith("https://pay.invalid/challenge/")
    assert await collection.pay(world.till, LEARNER) == url
    owed = await debt_of(world)
    assert owed is not None
    assert owed.amount == Money(666, "USD")
    world.bank.pass_challenge(next(reversed(world.bank.intents)))
    await sweeper.take_lost_events(world.till)
    await assert_paid_once(world, session_id)


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_learner_who_does_not_confirm_owes_it_as_before(
    world: MoneyWorld, refuses: bool
) -> None:
    session_id = await in_debt(world)
    cards_become(world, Card.CHALLENGE)
    await collection.pay(world.till, LEARNER)
    challenged = next(reversed(world.bank.intents))
    if refuses:
        world.bank.refuse_challenge(challenged)
    else:
        world.bank.void(challenged)  # what the provider does with one that is never answered
    await sweeper.take_lost_events(world.till)
    owed = await debt_of(world)
    assert owed is not None
    assert owed.amount == Money(666, "USD")
    cards_become(world, Card.GOOD)
    assert await collection.pay(world.till, LEARNER) == ""
    await assert_paid_once(world, session_id)


async def test_another_card_takes_the_place_of_one_whose_bank_waits(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    cards_become(world, Card.CHALLENGE)
    await collection.pay(world.till, LEARNER)
    challenged = next(reversed(world.bank.intents))
    await world.save_card()
    await sweeper.take_lost_events(world.till)
    assert await debt_of(world) is not None  # whoever is being asked decides first
    assert await collection.pay(world.till, LEARNER) == ""
    assert isinstance(world.bank.intents[challenged].state, outcomes.Voided)
    await assert_paid_once(world, session_id)


async def test_paid_in_many_ways_at_once_it_is_taken_once(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    await world.save_card()
    customer = next(iter(world.bank.cards))
    await asyncio.gather(
        *(collection.pay(world.till, LEARNER) for _ in range(5)),
        *(collection.charge(world.till, LEARNER) for _ in range(5)),
        collection.card_saved(world.till, customer),
        collection.retry_due(world.till),
        return_exceptions=True,
    )
    await assert_paid_once(world, session_id)


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_payment_whose_answer_is_lost_is_taken_once(
    world: MoneyWorld, fault: Fault
) -> None:
    session_id = await in_debt(world)
    await world.save_card()
    world.gateway.faults.extend([fault] * 2)
    with pytest.raises(Refused) as refused:
        await collection.pay(world.till, LEARNER)
    assert refused.value.fault.code == "unavailable"
    await world.restart()
    for _ in range(8):
        await world.clock.advance(600)
        await sweeper.sweep(world.till)
    await assert_paid_once(world, session_id)


async def test_a_card_is_tried_again_on_three_days_and_then_left_alone(
    world: MoneyWorld,
) -> None:
    session_id = await in_debt(world)
    tried = []
    for day in range(1, 15):
        before = len(world.bank.intents)
        await world.clock.advance(DAY)
        await collection.retry_due(world.till)
        await collection.retry_due(world.till)
        tried += [day] * (len(world.bank.intents) - before)
    assert tried == [1, 3, 7]
    owed = await debt_of(world)
    assert owed is not None
    assert (owed.declines, owed.next_try_at_ms) == (4, None)
    await world.save_card()
    await sweeper.take_lost_events(world.till)
    await assert_paid_once(world, session_id)


async def test_whoever_owes_nothing_pays_nothing(world: MoneyWorld) -> None:
    await world.whole_session()
    assert await collection.pay(world.till, LEARNER) == ""
    await collection.charge(world.till, LEARNER)
    await collection.card_saved(world.till, next(iter(world.bank.cards)))
    assert taken(world) == [666]
    with pytest.raises(Refused):
        await charges.card_of(world.till, PersonId("per_nobody"))


# --- on a running server, through the embedded payment service and its pages ---


async def test_an_ask_waits_for_the_bank_that_asks_first_and_then_goes_on(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    await save_card(here, browser, lea, ASKS_FIRST)
    session, _, _, _ = await meeting_pair.counting(here, lea, bank_asks=True)
    assert session


async def test_an_ask_whose_bank_is_told_no_ends_and_says_so(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    await save_card(here, browser, lea, ASKS_FIRST)
    await (await here.connect(await here.mentor())).do(GoOnline())
    learner = await here.connect(lea)
    await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    await meeting_pair.press(here, await meeting_pair.challenge_url(learner), {"answer": "no"})
    await here.pass_time(3)
    ended = await learner.fact(AskChanged, lambda fact: fact.ask.state == "cancelled")
    assert "did not confirm" in ended.ask.why


async def test_a_debt_is_told_and_paid_on_a_page_where_the_bank_asks_first(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    await save_card(here, browser, lea, ASKS_FIRST)
    await owe(here, lea)
    assert "$0.66 of your session with Mo" in (await listed(lea, browser))[0]["says"]

    page = await browser.get(await card_link(lea, browser))
    assert "$0.66" in page.text
    assert "the visa card that ends in 3184" in page.text
    ticket = hidden(page.text, "/pages/debt")
    pressed = await browser.post("/pages/debt", data={"ticket": ticket})
    assert pressed.status_code == 303
    again = await browser.post("/pages/debt", data={"ticket": ticket})
    assert again.status_code == 410
    await meeting_pair.press(here, pressed.headers["location"], {"answer": "yes"})
    await here.pass_time(11)
    assert await listed(lea, browser) == []
    assert await captured(here) == [66]
    assert await here.app.database.read(ledger.verify) == []


async def test_a_debt_is_paid_by_saving_another_card_and_then_asks_go_on(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    await save_card(here, browser, lea, ASKS_FIRST)
    learner = await owe(here, lea)

    refused = await learner.refusal(PostAsk(context=world.context(), terms=world.terms()))
    assert refused.code == "card-declined"
    assert "$0.66" in refused.message
    data = here.app.settings.data_folder
    said = (await asyncio.to_thread(server_process.cm_server, "debts", data=data)).stdout
    assert "$0.66  lea@example.org" in said
    assert "1 open, $0.66 in all." in said

    await save_card(here, browser, lea, SAVES_THEN_SAYS_NO)
    await here.pass_time(2)
    assert len(await listed(lea, browser)) == 1
    await save_card(here, browser, lea, "4242 4242 4242 4242")
    await here.pass_time(2)
    assert await listed(lea, browser) == []
    assert await captured(here) == [66]
    said = (await asyncio.to_thread(server_process.cm_server, "debts", data=data)).stdout
    assert said == "Nobody owes anything.\n"
    posted = await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    assert isinstance(posted, AskPosted)


async def test_a_debt_written_off_on_the_command_line_lets_asks_go_on(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    await save_card(here, browser, lea, ASKS_FIRST)
    learner = await owe(here, lea)
    data = here.app.settings.data_folder

    async def command(*words: str) -> tuple[int, str]:
        ended = await asyncio.to_thread(server_process.cm_server, *words, data=data)
        return ended.returncode, ended.stdout + ended.stderr

    _, said = await command("debts")
    session = next(word for word in said.split() if word.startswith("ses_"))
    assert (await command("debts", "write-off"))[0] == 2
    unfounded = await command("debts", "write-off", session)
    assert unfounded[0] == 2
    assert "for a reason" in unfounded[1]
    code, said = await command("debts", "write-off", session, "--reason", "The card was stolen.")
    assert (code, said) == (0, "$0.66 written off. The card was stolen. It is case 1.\n")
    code, said = await command("debts", "write-off", session, "--reason", "Again.")
    assert (code, said[:12]) == (0, "Done before.")
    assert (await command("debts"))[1] == "Nobody owes anything.\n"
    assert "The card was stolen." in (await command("case", "show", "1"))[1]
    _, books = await command("ledger")
    assert "learner" not in books
    assert "each balance is the sum of its rows." in books
    posted = await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    assert isinstance(posted, AskPosted)


async def test_a_form_without_its_ticket_takes_nothing(browser: httpx.AsyncClient) -> None:
    for body in (b"", b"ticket=cmt_x", b"ticket=" + b"x" * 5000, b"\xff\xfe=1"):
        assert (await browser.post("/pages/debt", content=body)).status_code == 410


@pytest.fixture
async def browser(here: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}") as opened:
        yield opened


async def owe(here: World, lea: Someone) -> ControlClient:
    """A session of a minute whose hold the bank lets go of; without the learner the card says no."""
    session, learner, _, who = await meeting_pair.counting(here, lea, bank_asks=True)
    async with here.document(session, who[0]), here.document(session, who[1]):
        await learner.do(StartMeter(session_id=session))
        await here.pass_time(61)
        (ref,) = await here.app.database.read(lambda s: list(s.exec(select(Hold.ref))))
        await here.app.payments.gateway.void("by hand", outcomes.HoldRef(ref))
        await here.pass_time(2)
        await learner.do(EndSession(session_id=session))
    await learner.fact(ReceiptIssued)
    told = await learner.fact(Noticed, lambda fact: "is not paid" in fact.text)
    assert "$0.66 of your session with Mo" in told.text
    assert "opens the page" in told.text
    return learner


async def save_card(here: World, browser: httpx.AsyncClient, lea: Someone, number: str) -> None:
    """By the editor's link: past the page of what is owed, where something is, and on to the provider's."""
    answer = await browser.get(await card_link(lea, browser))
    if answer.status_code == 200:
        ticket = hidden(answer.text, "/pages/card/new")
        answer = await browser.get("/pages/card/new", params={"ticket": ticket})
    assert answer.status_code == 303
    await meeting_pair.press(here, answer.headers["location"], {"card": number, "answer": "save"})


async def card_link(lea: Someone, browser: httpx.AsyncClient) -> str:
    answer = await browser.post("/api/v1/me/card-page", headers=bearer(lea))
    url: str = answer.json()["url"]
    return url


async def listed(lea: Someone, browser: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await browser.get("/api/v1/me/debts", headers=bearer(lea))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def bearer(lea: Someone) -> dict[str, str]:
    return {"Authorization": f"Bearer {lea.token}"}


def hidden(page: str, action: str) -> str:
    """The ticket in the form with this action."""
    found = re.search(rf'action="{action}">.*?value="([^"]+)"', page, re.DOTALL)
    assert found is not None, page
    return found[1]


async def captured(here: World) -> list[int]:
    def read(session: Session) -> list[int]:
        return [minor for minor in session.exec(select(Hold.captured_minor)) if minor]

    return await here.app.database.read(read)
