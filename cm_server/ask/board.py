"""The board of open asks: post, move, look up. Each function works in the caller's transaction.

A guess that would be wrong: an ask that found nobody is still on the board, and a new ask by the same learner takes its
place; only an ask that is being looked after stands in the way of another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import msgspec
from sqlmodel import Session

from cm_server.ask import rules, states, store
from cm_server.ask.model import Ask, AskEvent
from cm_server.ask.rules import Allowance
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.asking import AskContext, AskState, Terms
from cm_wire.ids import AskId, PersonId
from cm_wire.money import Money

_SEARCH_BEGINS: Final[frozenset[states.Event]] = frozenset({"someone-came", "no-show"})
_KEEPS_MONEY: Final[frozenset[AskState]] = frozenset({"searching", "offered", "matched"})
WAITING_READ_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class PostedAsk:
    """An ask as the later stages read it.

    `attempt` rises each time the search starts anew; `funded` says that the money for the cap is held for this attempt.
    """

    ask_id: AskId
    learner: PersonId
    learner_name: str
    state: AskState
    why: str
    context: AskContext
    terms: Terms
    wanted_mentor: PersonId | None
    attempt: int
    funded: bool
    tell_only: bool
    told: bool
    posted_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class NewAsk:
    ask_id: AskId
    learner: Person
    context: AskContext
    terms: Terms
    wanted_mentor: PersonId | None
    expires_at_ms: int


def post(
    session: Session, new: NewAsk, now_ms: int, allowance: Allowance = rules.USUAL
) -> PostedAsk:
    """Put a new ask on the board; refuses one that breaks a limit or comes beside an open one.

    The very ask that is open already is that ask: its learner lost the connection, or we stopped, before they had its id.
    """
    rules.check(new.context, new.terms)
    learner = new.learner.id
    context, terms = msgspec.json.encode(new.context), msgspec.json.encode(new.terms)
    open_already = store.of_learner(session, learner, states.OPEN)
    for earlier in open_already:
        asked = earlier.context, earlier.terms, earlier.wanted_mentor
        if earlier.state != "nobody" and asked == (context, terms, new.wanted_mentor):
            return _posted(earlier)
    posted_at_ms = store.posted_since(session, learner, now_ms - rules.DAY_MS)
    rules.check_pace([now_ms - at for at in posted_at_ms], allowance)
    for earlier in open_already:
        if earlier.state != "nobody":
            raise faults.refusal(
                "already-busy",
                "You already have an open ask.",
                "Cancel it first, or wait for its answer.",
            )
        move(session, AskId(earlier.id), "cancelled", now_ms, "You asked anew.")
    ask = Ask(
        id=new.ask_id,
        learner=learner,
        learner_name=new.learner.name,
        state="searching",
        context=context,
        terms=terms,
        wanted_mentor=new.wanted_mentor,
        posted_at_ms=now_ms,
        expires_at_ms=new.expires_at_ms,
    )
    store.add(session, ask)
    _record(session, new.ask_id, "posted", "", "searching", now_ms, "")
    return _posted(ask)


def move(
    session: Session, ask_id: AskId, event: states.Event, now_ms: int, why: str = ""
) -> PostedAsk:
    """Take the ask through one transition of `states.TRANSITIONS`, or refuse with `wrong-state`."""
    ask = store.get(session, ask_id)
    if ask is None:
        raise _unknown()
    before = cast("AskState", ask.state)
    after = states.after(before, event)
    anew = event in _SEARCH_BEGINS
    funded = event == "funded" or (ask.funded and not anew and after in _KEEPS_MONEY)
    values = {"state": after, "why": why, "funded": funded, "attempt": ask.attempt + anew}
    if not store.change(session, ask, values):
        raise faults.refusal("wrong-state", "This ask has just changed.", "Look again.")
    session.refresh(ask)
    _record(session, ask_id, event, before, after, now_ms, why)
    return _posted(ask)


def keep(session: Session, ask_id: AskId, until_ms: int, *, tell_only: bool) -> PostedAsk:
    """Let an ask that found nobody wait until `until_ms`; refuses in any other state."""
    return _change_waiting(
        session, ask_id, {"expires_at_ms": until_ms, "tell_only": tell_only, "told": False}
    )


def raise_limit(session: Session, ask_id: AskId, price_max: Money) -> PostedAsk:
    """Let an ask that found nobody pay more; refuses less, and what `rules` refuses in a new ask."""
    ask = find(session, ask_id)
    if ask is None:
        raise _unknown()
    terms = msgspec.structs.replace(ask.terms, price_max=price_max)
    rules.check_terms(terms)
    before = ask.terms.price_max
    if price_max.currency != before.currency or not before < price_max:
        raise faults.refusal(
            "bad-value",
            f"The limit is {before} per 15 minutes already.",
            "Give a higher one.",
            field="price_max",
            limit=before.minor,
            got=price_max.minor,
        )
    return _change_waiting(session, ask_id, {"terms": msgspec.json.encode(terms)})


def tell_of_someone(session: Session, ask_id: AskId) -> bool:
    """Whether the learner has yet to be told that somebody fits; from now on they have been."""
    ask = store.get(session, ask_id)
    return (
        ask is not None and ask.tell_only and not ask.told
        and store.change(session, ask, {"told": True})
    )  # fmt: skip


def find(session: Session, ask_id: AskId) -> PostedAsk | None:
    ask = store.get(session, ask_id)
    return _posted(ask) if ask else None


def of_learner(session: Session, ask_id: AskId, learner: PersonId) -> PostedAsk:
    """The learner's own ask; another's is refused in the same words as one that is not there."""
    ask = find(session, ask_id)
    if ask is None or ask.learner != learner:
        raise _unknown()
    return ask


def open_ask(session: Session, learner: PersonId) -> PostedAsk | None:
    found = store.of_learner(session, learner, states.OPEN)
    return _posted(found[0]) if found else None


def looking(session: Session) -> list[PostedAsk]:
    """Asks for which someone is to be rung, the longest waiting first."""
    return [_posted(ask) for ask in store.in_states(session, states.OPEN, WAITING_READ_MAX)]


def is_anyone_asking(session: Session) -> bool:
    """Whether any ask is open, so that there can be something to ring, to lapse or to expire."""
    return bool(store.in_states(session, states.OPEN, 1))


def overdue(session: Session, now_ms: int) -> list[AskId]:
    return [AskId(ask) for ask in store.overdue(session, states.OPEN, now_ms)]


def history(session: Session, ask_id: AskId) -> list[AskEvent]:
    return store.events(session, ask_id)


def _change_waiting(session: Session, ask_id: AskId, values: Mapping[str, object]) -> PostedAsk:
    ask = store.get(session, ask_id)
    if ask is None:
        raise _unknown()
    if ask.state != "nobody" or not store.change(session, ask, values):
        raise faults.refusal(
            "wrong-state", "This ask is not waiting for somebody to come.", "Look again."
        )
    session.refresh(ask)
    return _posted(ask)


def _record(
    session: Session, ask_id: AskId, cause: str, before: str, after: str, now_ms: int, why: str
) -> None:
    event = AskEvent(ask=ask_id, at_ms=now_ms, cause=cause, before=before, after=after, why=why)
    store.append_event(session, event)


def _posted(ask: Ask) -> PostedAsk:
    return PostedAsk(
        ask_id=AskId(ask.id),
        learner=PersonId(ask.learner),
        learner_name=ask.learner_name,
        state=cast("AskState", ask.state),
        why=ask.why,
        context=msgspec.json.decode(ask.context, type=AskContext),
        terms=msgspec.json.decode(ask.terms, type=Terms),
        wanted_mentor=PersonId(ask.wanted_mentor) if ask.wanted_mentor else None,
        attempt=ask.attempt,
        funded=ask.funded,
        tell_only=ask.tell_only,
        told=ask.told,
        posted_at_ms=ask.posted_at_ms,
        expires_at_ms=ask.expires_at_ms,
    )


def _unknown() -> faults.Refused:
    return faults.refusal("no-such-ask", "There is no such ask of yours.", "Post a new one.")
