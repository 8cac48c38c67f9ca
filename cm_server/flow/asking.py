"""The learner's side of an ask: post it, hold the money, search, say nobody is there, take it back."""

import asyncio
import random
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from cm_server.ask import board, rules, states
from cm_server.ask.board import PostedAsk
from cm_server.billing import charges
from cm_server.flow import telling
from cm_server.flow.desk import Desk
from cm_server.matching import facets as ask_facets
from cm_server.matching import newcomers, offers, ranking, search, weights
from cm_server.matching.facets import Facets
from cm_server.matching.ranking import Ranked
from cm_server.meter import rating
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.asking import AskContext, RankedMentor, Terms
from cm_wire.faults import Refused
from cm_wire.ids import AskId, PersonId
from cm_wire.money import Money

LIST_LENGTH: Final = 20
RANKED_AT_ONCE: Final = 30
CONFIRM_FIRST: Final = (
    "Open the address and confirm within ten minutes; the search begins by itself then."
)
NOT_CONFIRMED: Final = (
    "Your bank did not confirm the payment, so nobody was asked. Nothing was taken."
)
DEEPER: Final = 8
"""Where all of the best are busy, so many times as many are looked at."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """Whom a learner looks for."""

    learner: PersonId
    facets: Facets
    terms: Terms
    wanted: PersonId | None = None

    def best(self, desk: Desk, count: int) -> list[Ranked]:
        if self.wanted is not None:
            candidate = desk.roster.get(self.wanted)
            chosen = [candidate] if candidate and self.wanted != self.learner else []
            return ranking.rank(chosen, self.facets, self.terms)
        return desk.roster.best(self.facets, self.terms, count, {self.learner})

    def best_newcomers(self, desk: Desk) -> list[Ranked]:
        if self.wanted is not None:
            return []
        count = weights.DEFAULT.newcomer_choice
        return desk.roster.best(self.facets, self.terms, count, {self.learner}, only_new=True)


async def rank_mentors(
    desk: Desk, learner: PersonId, context: AskContext, terms: Terms
) -> tuple[RankedMentor, ...]:
    """The list a learner picks from; who is busy just now is not on it."""
    await asyncio.to_thread(rules.check, context, terms)
    wish = _Wish(learner, ask_facets.facets(context), terms)
    ranked, taken = await _deep_enough(desk, wish, LIST_LENGTH)
    free = [one for one in ranked if one.mentor not in taken]
    return tuple(telling.ranked_mentor(one) for one in free[:LIST_LENGTH])


async def post(
    desk: Desk,
    learner: Person,
    context: AskContext,
    terms: Terms,
    wanted: PersonId | None,
) -> AskId:
    """Put an ask on the board and begin the search; refused where the card does not cover the cap.

    Where nobody fits, that is said at once, and the card is not touched. Asked again just as it is open already, it is that ask.
    """
    ask_id = AskId(desk.new_id("ask"))
    ranked = _Wish(learner.id, ask_facets.facets(context), terms, wanted).best(desk, 1)

    def work(session: Session) -> PostedAsk:
        if wanted == learner.id:
            raise faults.refusal("bad-value", "You cannot ask yourself.", field="mentor")
        if offers.is_engaged(session, learner.id):
            raise faults.refusal(
                "already-busy", "You are in a session.", "End it before you ask again."
            )
        now_ms = desk.now_ms()
        new = board.NewAsk(ask_id, learner, context, terms, wanted, now_ms + desk.ask_open_ms)
        posted = board.post(session, new, now_ms, desk.allowance)
        if ranked or posted.ask_id != ask_id:
            return posted
        return board.move(session, ask_id, "found-nobody", desk.now_ms())

    ask = await desk.database.write(work)
    if ask.ask_id != ask_id:
        await tell(desk, ask.ask_id)
        return ask.ask_id
    telling.ask_changed(desk, ask, ())
    if ask.state == "searching" and await _fund(desk, ask, ranked):
        await advance(desk, ask_id)
    return ask_id


async def cancel(desk: Desk, learner: PersonId, ask_id: AskId) -> None:
    """Take an ask back; free until a mentor has accepted."""
    await desk.database.read(lambda session: board.of_learner(session, ask_id, learner))
    await _end(desk, ask_id, "cancelled", "You took it back.")


async def keep(desk: Desk, learner: PersonId, ask_id: AskId, *, tell_only: bool) -> None:
    """Nobody is there: wait for whoever comes, or only be told of them."""
    until_ms = desk.now_ms() + desk.ask_waits_ms

    def work(session: Session) -> PostedAsk:
        board.of_learner(session, ask_id, learner)
        return board.keep(session, ask_id, until_ms, tell_only=tell_only)

    telling.ask_changed(desk, await desk.database.write(work), ())
    await advance(desk, ask_id)


async def raise_limit(desk: Desk, learner: PersonId, ask_id: AskId, price_max: Money) -> None:
    """Look anew among those who cost more; the money for it is held before anyone is rung."""

    def work(session: Session) -> PostedAsk:
        board.of_learner(session, ask_id, learner)
        return board.raise_limit(session, ask_id, price_max)

    telling.ask_changed(desk, await desk.database.write(work), ())
    await advance(desk, ask_id)


async def expire_overdue(desk: Desk) -> None:
    overdue = await desk.database.read(lambda session: board.overdue(session, desk.now_ms()))
    for ask_id in overdue:
        try:
            await _end(desk, ask_id, "expired", "No mentor came in time.")
        except Refused:
            continue  # taken or cancelled in this very moment


async def advance(desk: Desk, ask_id: AskId) -> int:
    """Do what is to be done for one ask now: ring, wait, or say that nobody is there. Says how many were rung."""
    ask = await desk.database.read(lambda session: board.find(session, ask_id))
    if ask is None or ask.state not in states.OPEN:
        return 0
    ranked = await _of_ask(desk, ask)
    if not await desk.database.read(
        lambda session: search.is_due(session, ask, ranked, desk.now_ms(), desk.pace)
    ):
        return 0

    def step(session: Session) -> search.Outcome | None:
        return search.advance(session, ask_id, ranked, desk.new_id, desk.now_ms(), desk.pace)

    outcome = await desk.database.write(step)
    if outcome is None:
        return 0
    for offer in outcome.rang:
        telling.offer_made(desk, outcome.ask, offer)
    if outcome.ask.state == "nobody" and outcome.changed:
        await charges.void(desk.till, ask_id, outcome.ask.attempt)
    if outcome.changed:
        await tell(desk, ask_id)
    if outcome.someone_came:
        return await _begin_again(desk, outcome.ask, ranked)
    return len(outcome.rang)


async def advance_all(desk: Desk) -> None:
    """Serve every ask that is looking, the longest waiting first, as long as there is anybody left to ring."""
    taken = await desk.database.read(offers.all_taken)
    free = len(desk.roster) - sum(person in desk.roster for person in taken)
    for ask in await desk.database.read(board.looking):
        if free <= 0:
            return
        free -= await advance(desk, ask.ask_id)


async def advance_searching(desk: Desk) -> None:
    """Searches whose seats stay empty although somebody fits: they are rung when they come free, or given up.

    Those that wait for the learner's bank go on, or end, when it has answered.
    """
    for ask in await desk.database.read(board.looking):
        if ask.state == "searching" and ask.funded:
            await advance(desk, ask.ask_id)
        elif ask.state == "searching":
            await _after_challenge(desk, ask)


async def resume_unfunded(desk: Desk) -> None:
    """After a restart: hold the money for searches that were cut off before it was held; the keys are the same."""
    for ask in await desk.database.read(board.looking):
        if ask.state == "searching" and not ask.funded:
            await begin_again(desk, ask)


async def begin_again(desk: Desk, ask: PostedAsk) -> None:
    """Hold the money anew and search on; for an ask whose mentor never came."""
    await _begin_again(desk, ask, await _of_ask(desk, ask))


async def tell(desk: Desk, ask_id: AskId) -> None:
    """Show the learner how the ask stands now."""
    ask, made = await desk.database.read(
        lambda session: (board.find(session, ask_id), offers.of_ask(session, ask_id))
    )
    if ask is not None:
        telling.ask_changed(desk, ask, made)


async def _begin_again(desk: Desk, ask: PostedAsk, ranked: list[Ranked]) -> int:
    try:
        funded = await _fund(desk, ask, ranked)
    except Refused as refused:
        # Nobody waits for an answer here: the ask itself says what became of it.
        telling.noticed(desk, ask.learner, str(refused))
        return 0
    return await advance(desk, ask.ask_id) if funded else 0


async def _after_challenge(desk: Desk, ask: PostedAsk) -> None:
    match await charges.challenge(desk.till, ask.ask_id, ask.attempt):
        case "passed":
            await desk.database.write(lambda session: _mark_funded(session, ask.ask_id, desk))
            await advance(desk, ask.ask_id)
        case "failed":
            telling.noticed(desk, ask.learner, NOT_CONFIRMED)
            await _end(desk, ask.ask_id, "card-refused", NOT_CONFIRMED)
        case "none" | "waits":
            pass  # the hold is being made, or the learner is at their bank's page


def _mark_funded(session: Session, ask_id: AskId, desk: Desk) -> None:
    ask = board.find(session, ask_id)
    if ask is None or not ask.funded:
        board.move(session, ask_id, "funded", desk.now_ms())


async def _fund(desk: Desk, ask: PostedAsk, ranked: list[Ranked]) -> bool:
    """Hold what the cap may cost; a refused card ends the ask and is told as the refusal it is.

    False: the bank wants to ask the learner first, who has been told where; the ask waits for that.
    """
    try:
        await charges.authorise(
            desk.till,
            ask.ask_id,
            ask.attempt,
            ask.learner,
            _most(ask.terms, ask.wanted_mentor, ranked),
        )
    except Refused as refused:
        if refused.fault.code == "payment-action-needed":
            telling.noticed(desk, ask.learner, f"{refused.fault.message} {CONFIRM_FIRST}")
            return False
        await _end(desk, ask.ask_id, "card-refused", str(refused))
        raise
    try:
        await desk.database.write(lambda session: _mark_funded(session, ask.ask_id, desk))
    except Refused:
        # Cancelled while the bank was thinking.
        await charges.void(desk.till, ask.ask_id, ask.attempt)
        raise
    return True


async def _end(desk: Desk, ask_id: AskId, event: states.Event, why: str) -> None:
    def work(session: Session) -> tuple[PostedAsk, list[offers.Offer]]:
        ask = board.move(session, ask_id, event, desk.now_ms(), why)
        return ask, offers.withdraw_of_ask(session, ask_id, why, desk.now_ms())

    ask, withdrawn = await desk.database.write(work)
    for offer in withdrawn:
        telling.offer_ended(desk, offer, "The ask is not asked any more.")
    await charges.void(desk.till, ask.ask_id, ask.attempt)
    telling.ask_changed(desk, ask, ())


async def _of_ask(desk: Desk, ask: PostedAsk) -> list[Ranked]:
    """The ranking for a search; in a stated share of them a newcomer is given the last place of the first wave."""
    wish = _Wish(ask.learner, ask_facets.facets(ask.context), ask.terms, ask.wanted_mentor)
    made = await desk.database.read(lambda session: offers.of_ask(session, ask.ask_id))
    ranked, _ = await _deep_enough(desk, wish, desk.pace.seats, {one.mentor for one in made})
    chance = random.Random(f"{ask.ask_id} {ask.attempt}")  # noqa: S311 - a fair draw, no secret
    return newcomers.with_newcomer(ranked, wish.best_newcomers(desk), desk.pace.seats, chance)


async def _deep_enough(
    desk: Desk, wish: _Wish, free: int, rung: Container[PersonId] = ()
) -> tuple[list[Ranked], set[PersonId]]:
    """So many of the ranking that `free` of them can be asked now, or all; and those among them who cannot."""
    depth = RANKED_AT_ONCE
    while True:
        ranked = wish.best(desk, depth)
        people = [one.mentor for one in ranked]
        taken = await desk.database.read(lambda session: offers.taken(session, people))  # noqa: B023 - awaited at once
        can = sum(one not in taken and one not in rung for one in people)
        if can >= free or len(ranked) < depth:
            return ranked, taken
        depth *= DEEPER


def _most(terms: Terms, wanted: PersonId | None, ranked: list[Ranked]) -> Money:
    """What the cap may cost at most: at the chosen mentor's price, or the dearest who could accept."""
    prices = [one.candidate.price_per_quarter for one in ranked] or [terms.price_max]
    dearest = terms.price_max if wanted is None else max(prices, key=lambda price: price.minor)
    most = rating.cap_hold(terms.cap_minutes * 60, rating.Price(dearest))
    # A card is asked also where the mentor charges nothing: the least the network takes, given back afterwards.
    return max(most, rating.minimum_charge(most.currency), key=lambda amount: amount.minor)
