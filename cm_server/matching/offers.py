"""Offers: ring mentors, take an answer, let one lapse. Each function works in the caller's transaction.

An acceptance is one atomic claim: the offer still open and in time, both people free. Whoever loses a race changes nothing
and is told which race it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

from sqlmodel import Session

from cm_server.matching import presence, records, states, store
from cm_server.matching.candidate import Candidate
from cm_server.matching.model import OfferRow
from cm_server.matching.waves import Pace
from cm_wire import faults
from cm_wire.ids import AskId, OfferId, PersonId, SessionId
from cm_wire.money import Money


@dataclass(frozen=True, slots=True)
class Offer:
    offer_id: OfferId
    ask_id: AskId
    attempt: int
    wave: int
    mentor: PersonId
    learner: PersonId
    price_per_quarter: Money
    state: states.OfferState
    made_at_ms: int
    answer_by_ms: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """An offer nobody answered, and whether that took the mentor off the list."""

    offer: Offer
    taken_off: bool


@dataclass(frozen=True, slots=True)
class Call:
    """For whom to ring: the ask, which search of it, and who must not be rung twice in it."""

    ask_id: AskId
    attempt: int
    learner: PersonId


def ring(
    session: Session,
    call: Call,
    mentors: Sequence[tuple[OfferId, Candidate]],
    now_ms: int,
    pace: Pace,
) -> list[Offer]:
    """Make the next wave. A mentor who was rung for another ask a moment before, or went off, is left out."""
    wave = 1 + max(
        (
            row.wave
            for row in store.offers_of_ask(session, call.ask_id)
            if row.attempt == call.attempt
        ),
        default=0,
    )
    made: list[Offer] = []
    for offer_id, candidate in mentors:
        mentor = candidate.person
        if not presence.is_online(session, mentor) or store.engagement(session, mentor):
            continue
        row = OfferRow(
            id=offer_id,
            ask=call.ask_id,
            attempt=call.attempt,
            wave=wave,
            mentor=mentor,
            learner=call.learner,
            price_minor_per_quarter=candidate.price_per_quarter.minor,
            currency=candidate.price_per_quarter.currency,
            state="open",
            made_at_ms=now_ms,
            answer_by_ms=now_ms + pace.window_ms + pace.grace_ms,
        )
        if store.add_offer(session, row):
            made.append(_offer(row))
    return made


def accept(
    session: Session, offer_id: OfferId, mentor: PersonId, session_id: SessionId, now_ms: int
) -> Offer:
    """Claim the ask for the mentor: both people are engaged until `release`. Refuses with the reason."""
    row = _own(session, offer_id, mentor)
    if row.state == "open" and now_ms > row.answer_by_ms:
        raise _gone("The time to accept this offer is over.")
    _end(session, row, "accept", now_ms, "")
    if not store.engage(session, mentor, session_id, now_ms):
        raise faults.refusal(
            "already-busy", "You are already in a session.", "End it before you accept another ask."
        )
    if not store.engage(session, row.learner, session_id, now_ms):
        raise _gone("The learner is already in a session.")
    _answered(session, row, now_ms)
    return _offer(row)


def decline(
    session: Session, offer_id: OfferId, mentor: PersonId, reason: str, now_ms: int
) -> Offer:
    row = _own(session, offer_id, mentor)
    _end(session, row, "decline", now_ms, reason)
    _answered(session, row, now_ms)
    return _offer(row)


def lapse_overdue(session: Session, now_ms: int, pace: Pace) -> list[Lapsed]:
    """End every offer whose time is over; a mentor who missed several in a row is taken off the list."""
    lapsed: list[Lapsed] = []
    for row in store.overdue_offers(session, now_ms):
        mentor = PersonId(row.mentor)
        if store.end_offer(session, row.id, "lapsed", now_ms, "not answered in time"):
            records.offer_ended(session, mentor, None)
            off = presence.missed(session, mentor, now_ms, pace.missed_in_row_max)
            lapsed.append(Lapsed(_offer(row), off))
    return lapsed


def withdraw_of_ask(session: Session, ask_id: AskId, why: str, now_ms: int) -> list[Offer]:
    """Take back what is still open for an ask: it was answered by another, or is not asked any more."""
    rows = store.open_offers_of_ask(session, ask_id)
    return [
        _offer(row) for row in rows if store.end_offer(session, row.id, "withdrawn", now_ms, why)
    ]


def withdraw_of_mentor(session: Session, mentor: PersonId, why: str, now_ms: int) -> Offer | None:
    """Take back the offer of a mentor who went off the list or whose connection broke."""
    row = store.open_offer_of_mentor(session, mentor)
    if row is None or not store.end_offer(session, row.id, "withdrawn", now_ms, why):
        return None
    return _offer(row)


def release(session: Session, session_id: SessionId) -> list[PersonId]:
    """The session is over: both people are free again."""
    return [PersonId(person) for person in store.release(session, session_id)]


def is_engaged(session: Session, person: PersonId) -> bool:
    return store.engagement(session, person) is not None


def taken(session: Session, people: Sequence[PersonId]) -> set[PersonId]:
    """Those of `people` who hold an open offer or are in a session."""
    return {PersonId(person) for person in store.taken(session, people)}


def all_taken(session: Session) -> set[PersonId]:
    """Everyone who holds an open offer or is in a session."""
    return {PersonId(person) for person in store.all_taken(session)}


def of_ask(session: Session, ask_id: AskId) -> list[Offer]:
    """Every offer ever made for the ask, the oldest first."""
    return [_offer(row) for row in store.offers_of_ask(session, ask_id)]


def open_for(session: Session, mentor: PersonId) -> Offer | None:
    row = store.open_offer_of_mentor(session, mentor)
    return _offer(row) if row else None


def find(session: Session, offer_id: OfferId) -> Offer | None:
    row = store.offer(session, offer_id)
    return _offer(row) if row else None


def _own(session: Session, offer_id: OfferId, mentor: PersonId) -> OfferRow:
    """The mentor's own offer; another's is refused in the same words as one that is not there."""
    row = store.offer(session, offer_id)
    if row is None or row.mentor != mentor:
        raise faults.refusal("no-such-offer", "There is no such offer to you.")
    return row


def _end(session: Session, row: OfferRow, event: states.OfferEvent, now_ms: int, why: str) -> None:
    before = cast("states.OfferState", row.state)
    following = states.after(before, event)
    if following is None:
        raise _gone(_ENDED[before])
    if not store.end_offer(session, row.id, following, now_ms, why):
        raise _gone("This offer has just ended.")


def _answered(session: Session, row: OfferRow, now_ms: int) -> None:
    mentor = PersonId(row.mentor)
    records.offer_ended(session, mentor, now_ms - row.made_at_ms)
    presence.answered(session, mentor)


_ENDED: Final = MappingProxyType[states.OfferState, str](
    {
        "accepted": "You have already accepted this offer.",
        "declined": "You have already declined this offer.",
        "lapsed": "The time to accept this offer is over.",
        "withdrawn": "This offer was taken back: another mentor has the ask, or it is not asked any more.",
    }
)


def _gone(message: str) -> faults.Refused:
    return faults.refusal("offer-gone", message, "Wait for the next one.")


def _offer(row: OfferRow) -> Offer:
    return Offer(
        offer_id=OfferId(row.id),
        ask_id=AskId(row.ask),
        attempt=row.attempt,
        wave=row.wave,
        mentor=PersonId(row.mentor),
        learner=PersonId(row.learner),
        price_per_quarter=Money(row.price_minor_per_quarter, row.currency),
        state=cast("states.OfferState", row.state),
        made_at_ms=row.made_at_ms,
        answer_by_ms=row.answer_by_ms,
    )
