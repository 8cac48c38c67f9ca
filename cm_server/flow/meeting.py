"""A session from acceptance to receipt: what each command and each end brings about, stage after stage."""

from collections.abc import Callable
from typing import Final, cast

import structlog
from sqlmodel import Session

from cm_server.ask import board
from cm_server.ask.board import PostedAsk
from cm_server.billing import charges, debts, receipt_text, receipts, refunds, settlement
from cm_server.flow import asking, offering, telling
from cm_server.flow.works import Works
from cm_server.matching import facets, offers, records
from cm_server.matching.offers import Offer
from cm_server.meter import store as meters
from cm_server.meter.facts import (
    CapRaised,
    CountingStarted,
    CountingStopped,
    MeterEnded,
    MeterFact,
    MeterOpened,
)
from cm_server.people.person import Person
from cm_server.session import events, lifecycle, register, states
from cm_server.session.events import Moment
from cm_server.session.lifecycle import Opening, Rating
from cm_server.session.standing import Standing
from cm_wire import faults, limits
from cm_wire.ids import OfferId, PersonId, SessionId
from cm_wire.session import Mode, Role
from cm_wire.to_client import ChatSaid, Document, RatingRevealed, ReceiptIssued

FASTER: Final = "Another mentor was faster."

_log = structlog.stdlib.get_logger(__name__)


async def accept(works: Works, mentor: Person, offer_id: OfferId) -> SessionId:
    """The claim, the session, its meter and its payment in one transaction; then both are told."""
    desk = works.desk
    session_id = SessionId(desk.new_id("ses"))
    at = events.moment(works.paid_clock)

    def work(session: Session) -> tuple[PostedAsk, Standing, list[Offer]]:
        now_ms = desk.now_ms()
        offer = offers.accept(session, offer_id, mentor.id, session_id, now_ms)
        ask = board.move(session, offer.ask_id, "accepted", now_ms)
        withdrawn = offers.withdraw_of_ask(session, offer.ask_id, FASTER, now_ms)
        rung_as_mentor = offers.withdraw_of_mentor(session, ask.learner, FASTER, now_ms)
        if rung_as_mentor is not None:
            withdrawn.append(rung_as_mentor)
        opening = _opening(session_id, ask, offer, mentor)
        standing = lifecycle.open_session(session, opening, at)
        meters.open_meter(session, session_id, _terms(works, offer, ask, at), at)
        return ask, standing, withdrawn

    ask, standing, withdrawn = await desk.database.write(work)
    works.live.put(standing)
    await works.recorder.take(session_id)
    telling.ask_changed(desk, ask, ())
    for offer in withdrawn:
        telling.offer_ended(desk, offer, FASTER)
    tell(works, standing)
    await offering.refresh(desk, mentor.id)
    return session_id


def beside(
    session: Session, session_id: SessionId, fact: MeterFact, at: Moment, by: PersonId
) -> None:
    """What else is written in the transaction of a meter's fact: the session moves with its meter, or neither does."""
    standing = register.find(session, session_id)
    match fact:
        case CountingStarted() if standing.state == "triage":
            lifecycle.go_live(session, session_id, by, at)
        case CountingStarted():
            lifecycle.resume(session, session_id, at, by)
        case CountingStopped(why=why) if why:
            lifecycle.pause(session, session_id, why, at, by)
        case CapRaised(cap_seconds=seconds):
            more = seconds // 60 - standing.cap_minutes
            lifecycle.extend_cap(session, session_id, by, more, at)
        case MeterEnded(why=why):
            lifecycle.end(session, session_id, cast("states.EndedWhy", why), at, by)
            offers.release(session, session_id)
        case _:
            pass


async def diagnose(
    works: Works, mentor: PersonId, session_id: SessionId, text: str, minutes: int
) -> None:
    at = events.moment(works.paid_clock)
    await _change(works, lambda s: lifecycle.diagnose(s, session_id, mentor, text, minutes, at))


async def start_meter(works: Works, learner: PersonId, session_id: SessionId) -> None:
    await _member(works, learner, session_id, only="learner", doing="start the meter")
    await works.recorder.start(session_id, by=learner)
    await refresh(works, session_id)


async def pause(works: Works, person: PersonId, session_id: SessionId) -> None:
    _, role = await _member(works, person, session_id)
    await works.recorder.pause(session_id, role, by=person)
    await refresh(works, session_id)


async def resume(works: Works, person: PersonId, session_id: SessionId) -> None:
    _, role = await _member(works, person, session_id)
    await works.recorder.resume(session_id, role, by=person)
    await refresh(works, session_id)


async def extend(works: Works, learner: PersonId, session_id: SessionId, minutes: int) -> None:
    """The money first: a cap is raised only as far as the card goes."""
    standing, _ = await _member(works, learner, session_id, only="learner", doing="extend the cap")
    states.after(standing.state, "cap-extended")
    cap_minutes = standing.cap_minutes + minutes
    if minutes < 1 or cap_minutes > limits.CAP_MINUTES_MAX:
        raise faults.refusal(
            "bad-value",
            f"A session's cap is at most {limits.CAP_MINUTES_MAX} minutes; yours is {standing.cap_minutes}.",
            "Extend by fewer minutes.",
            field="minutes",
            limit=limits.CAP_MINUTES_MAX - standing.cap_minutes,
            got=minutes,
        )
    await charges.extend(works.desk.till, session_id, cap_minutes * 60)
    await works.recorder.extend(session_id, cap_minutes * 60, by=learner)
    await refresh(works, session_id)


async def set_mode(works: Works, learner: PersonId, session_id: SessionId, mode: Mode) -> None:
    at = events.moment(works.paid_clock)
    await _change(works, lambda s: lifecycle.set_mode(s, session_id, learner, mode, at))
    works.rooms.set_mode(session_id, mode)
    if mode != "propose":
        works.live.drop_proposals(session_id)


async def say(works: Works, person: PersonId, session_id: SessionId, text: str) -> None:
    standing, role = await _member(works, person, session_id)
    at = events.moment(works.paid_clock)
    line = await works.desk.database.write(lambda s: lifecycle.say(s, session_id, person, text, at))
    works.recorder.hear(session_id, role, active=True)
    works.desk.tell(standing.people, ChatSaid(line=line))


async def end_by(works: Works, person: PersonId, session_id: SessionId) -> None:
    _, role = await _member(works, person, session_id)
    await end(works, session_id, "learner-ended" if role == "learner" else "mentor-ended", person)


async def end(
    works: Works, session_id: SessionId, why: states.EndedWhy, by: PersonId = events.SERVER
) -> None:
    """Stop the meter, close the room, settle, and tell both what it came to."""
    if not works.recorder.owns(session_id):
        await works.recorder.take(session_id)
    await works.recorder.end(session_id, why, by=by)
    await works.rooms.end(session_id)
    standing = await refresh(works, session_id)
    works.live.drop(session_id)
    await works.desk.database.write(lambda s: _count_session(s, standing))
    await settle(works, session_id)
    await offering.refresh(works.desk, standing.mentor)
    await asking.advance_all(works.desk)


async def settle(works: Works, session_id: SessionId) -> None:
    """Take the money and issue the receipt; again gives the same, so that a start after a crash may call it."""
    issued = await settlement.settle(works.desk.till, session_id)
    standing = await works.desk.database.read(lambda s: register.find(s, session_id))
    fact = ReceiptIssued(
        session_id=session_id,
        receipt_id=issued.receipt_id,
        amount=issued.amount,
        billed_seconds=issued.billed_seconds,
    )
    works.desk.tell(standing.people, fact)
    debt = await works.desk.database.read(lambda s: debts.of_learner(s, standing.learner))
    if debt is not None:
        telling.owes(works.desk, debt)


async def receipt(works: Works, person: PersonId, session_id: SessionId) -> Document:
    """The receipt as a page of text, for either of the two."""
    await _member(works, person, session_id)
    issued = await works.desk.database.read(lambda s: receipts.document_of(s, session_id))
    if issued is None:
        raise faults.refusal(
            "wrong-state", "There is no receipt yet.", "It is issued when the session ends."
        )
    return Document(
        name=f"receipt-{issued.number}.txt",
        media_type="text/plain",
        text=receipt_text.text(issued),
    )


async def never_came(works: Works, session_id: SessionId) -> None:
    """The mentor accepted and did not open the document: end it free of charge and search on for the learner."""
    await end(works, session_id, "mentor-never-came")
    desk = works.desk
    standing = await desk.database.read(lambda s: register.find(s, session_id))
    ask = await desk.database.write(
        lambda s: board.move(s, standing.ask_id, "no-show", desk.now_ms())
    )
    telling.noticed(desk, ask.learner, "The mentor did not come; looking for another one.")
    await asking.begin_again(desk, ask)


async def rate(works: Works, person: PersonId, session_id: SessionId, given: Rating) -> None:
    """Keep a rating; what the learner thought counts for the mentor once both have spoken."""
    at = events.moment(works.paid_clock)

    def work(session: Session) -> Standing:
        standing = lifecycle.rate(session, session_id, person, given, at)
        if standing.rated_by >= set(standing.people):
            return _reveal(session, standing, at)
        return standing

    standing = await works.desk.database.write(work)
    tell(works, standing)
    if standing.state == "closed":
        await _revealed(works, standing)


async def refund(works: Works, learner: PersonId, session_id: SessionId, reason: str) -> None:
    """One action of the learner; what came of it is told, and the receipt shows it."""
    await _member(works, learner, session_id, only="learner", doing="ask for the money back")
    if len(reason) > limits.REASON_CHARACTERS_MAX:
        raise faults.refusal(
            "too-large",
            f"A reason has at most {limits.REASON_CHARACTERS_MAX} characters.",
            field="reason",
            limit=limits.REASON_CHARACTERS_MAX,
            got=len(reason),
        )
    answer = await refunds.request(works.desk.till, session_id, learner, reason)
    telling.noticed(works.desk, learner, answer.says)


async def close_unrated(works: Works) -> None:
    """Ratings are shown after a while even where the other side never gave one."""
    at = events.moment(works.paid_clock)
    before_ms = at.at_ms - works.deadlines.rating_ms

    def work(session: Session) -> list[Standing]:
        ended = register.ended_before(session, before_ms)
        return [_reveal(session, standing, at) for standing in ended]

    for standing in await works.desk.database.write(work):
        tell(works, standing)
        await _revealed(works, standing)


async def tell_ratings(works: Works, person: PersonId) -> None:
    """What others gave them, once it may be seen; whoever is away is told on coming back."""
    desk = works.desk
    untold = await desk.database.read(lambda s: register.has_untold(s, person))
    if not untold or not desk.hub.is_connected(person):
        return
    for one in await desk.database.write(lambda s: register.take_revealed(s, person)):
        revealed = RatingRevealed(
            session_id=one.session_id,
            name=one.author_name,
            stars=one.rating.stars,
            solved=one.rating.solved,
            comment=one.rating.comment,
        )
        desk.tell([person], revealed)


async def refresh(works: Works, session_id: SessionId) -> Standing:
    """Read how the session stands and show it to both."""
    standing = await works.desk.database.read(lambda s: register.find(s, session_id))
    tell(works, standing)
    return standing


def tell(works: Works, standing: Standing) -> None:
    if standing.state in states.OPEN:
        works.live.put(standing)
    for person in standing.people:
        telling.session_changed(works, standing, person)


async def member(works: Works, person: PersonId, session_id: SessionId) -> tuple[Standing, Role]:
    """The session and the person's role; `no-such-session` for everybody else."""
    return await _member(works, person, session_id)


async def _change(works: Works, work: Callable[[Session], Standing]) -> Standing:
    standing = await works.desk.database.write(work)
    tell(works, standing)
    return standing


async def _member(
    works: Works,
    person: PersonId,
    session_id: SessionId,
    only: Role | None = None,
    doing: str = "",
) -> tuple[Standing, Role]:
    standing, role = await works.desk.database.read(
        lambda s: lifecycle.of_member(s, session_id, person)
    )
    if only is not None and role != only:
        raise faults.refusal("not-allowed", f"Only the {only} may {doing}.")
    return standing, role


async def _revealed(works: Works, standing: Standing) -> None:
    """The learner's rating counts from now on, and each is told the other's."""
    await offering.refresh(works.desk, standing.mentor)
    for person in standing.people:
        await tell_ratings(works, person)


def _reveal(session: Session, standing: Standing, at: Moment) -> Standing:
    """Close the session; the learner's rating becomes part of the mentor's record."""
    given = register.rating_about(session, standing.session_id, standing.mentor)
    ask = board.find(session, standing.ask_id)
    if given is not None:
        asked = facets.facets(ask.context).complaints if ask else ()
        records.session_rated(session, standing.mentor, given.stars, given.solved, asked)
    return lifecycle.close(session, standing.session_id, at)


def _count_session(session: Session, standing: Standing) -> None:
    if standing.diagnosis:
        records.session_ended(session, standing.mentor)


def _opening(session_id: SessionId, ask: PostedAsk, offer: Offer, mentor: Person) -> Opening:
    return Opening(
        session_id=session_id,
        ask_id=ask.ask_id,
        learner=ask.learner,
        learner_name=ask.learner_name,
        mentor=mentor.id,
        mentor_name=mentor.name,
        price_per_quarter=offer.price_per_quarter,
        cap_minutes=ask.terms.cap_minutes,
        question=ask.context.question,
    )


def _terms(works: Works, offer: Offer, ask: PostedAsk, at: Moment) -> MeterOpened:
    plan = works.plan
    return MeterOpened(
        price_per_quarter=offer.price_per_quarter,
        free_seconds=plan.free_seconds,
        first_seconds=plan.first_seconds,
        increment_seconds=plan.increment_seconds,
        commission_basis_points=works.desk.till.commission,
        cap_seconds=ask.terms.cap_minutes * 60,
        opened_utc_ms=at.at_ms,
    )
