"""One step of the search for an ask, decided and written in one transaction: ring, wait, or say that nobody is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from sqlmodel import Session

from cm_server.ask import board, states
from cm_server.ask.board import PostedAsk
from cm_server.identity import NewId
from cm_server.matching import offers, waves
from cm_server.matching.offers import Call, Offer
from cm_server.matching.ranking import Ranked
from cm_server.matching.waves import Nobody, Pace, Ring, Search, Step, Wait
from cm_wire.ids import AskId, OfferId


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the ask stands after the step. `someone_came` asks for money to be held before anyone is rung."""

    ask: PostedAsk
    rang: tuple[Offer, ...] = ()
    changed: bool = False
    someone_came: bool = False


def is_due(
    session: Session, ask: PostedAsk, ranked: Sequence[Ranked], now_ms: int, pace: Pace
) -> bool:
    """Whether `advance` would change anything now; a look costs no write, and most looks find nothing to do."""
    match _next_step(session, ask, ranked, now_ms, pace):
        case Ring() if ask.tell_only:
            return not ask.told
        case Ring():
            return ask.funded or ask.state == "nobody"
        case Nobody():
            return ask.state != "nobody"
        case Wait():
            return False


def advance(
    session: Session,
    ask_id: AskId,
    ranked: Sequence[Ranked],
    new_id: NewId,
    now_ms: int,
    pace: Pace,
) -> Outcome | None:
    """Do what is to be done for this ask now; `None` when it is not looking any more.

    Nobody is rung twice for one ask, unless we took the offer back ourselves.
    """
    ask = board.find(session, ask_id)
    if ask is None or ask.state not in states.OPEN:
        return None
    step = _next_step(session, ask, ranked, now_ms, pace)
    match step:
        case Ring():
            return _ring(session, ask, step, new_id, now_ms, pace)
        case Wait():
            return Outcome(ask)
        case Nobody():
            if ask.state == "nobody":
                return Outcome(ask)
            moved = board.move(session, ask_id, "found-nobody", now_ms)
            return Outcome(moved, changed=True)
        case _:
            assert_never(step)


def _next_step(
    session: Session, ask: PostedAsk, ranked: Sequence[Ranked], now_ms: int, pace: Pace
) -> Step:
    made = offers.of_ask(session, ask.ask_id)
    search = Search(
        ranked=ranked,
        rung={offer.mentor for offer in made if offer.state != "withdrawn"},
        taken=offers.taken(session, [one.mentor for one in ranked]),
        open_offers=sum(offer.state == "open" for offer in made),
        searching_ms=now_ms - ask.posted_at_ms,
    )
    return waves.next_step(search, pace)


def _ring(
    session: Session,
    ask: PostedAsk,
    step: Ring,
    new_id: NewId,
    now_ms: int,
    pace: Pace,
) -> Outcome:
    if ask.tell_only:
        return Outcome(ask, changed=board.tell_of_someone(session, ask.ask_id))
    if ask.state == "nobody":
        moved = board.move(session, ask.ask_id, "someone-came", now_ms)
        return Outcome(moved, changed=True, someone_came=True)
    if not ask.funded:
        return Outcome(ask)
    call = Call(ask.ask_id, ask.attempt, ask.learner)
    chosen = [(OfferId(new_id("off")), one.candidate) for one in step.mentors]
    rang = offers.ring(session, call, chosen, now_ms, pace)
    if not rang:
        return Outcome(ask)
    return Outcome(board.move(session, ask.ask_id, "rang", now_ms), tuple(rang), changed=True)
