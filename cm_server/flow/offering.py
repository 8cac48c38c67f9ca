"""The mentor's side: on and off the list, arriving and leaving, answering an offer, letting one pass."""

from sqlmodel import Session

from cm_server.flow import asking, telling
from cm_server.flow.desk import Desk
from cm_server.matching import lineup, offers, presence
from cm_server.matching.candidate import Candidate
from cm_server.matching.offers import Lapsed, Offer
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.ids import OfferId, PersonId
from cm_wire.limits import REASON_CHARACTERS_MAX


async def go_online(desk: Desk, person: Person) -> None:
    _require_mentor(person)
    await desk.database.write(lambda s: presence.go_online(s, person.id, desk.now_ms()))
    await refresh(desk, person.id)
    telling.presence_changed(desk, person.id, online=True)
    await asking.advance_all(desk)


async def go_offline(desk: Desk, person: Person) -> None:
    """Off the list; an offer on the screen goes with it, a session does not."""
    _require_mentor(person)
    await desk.database.write(lambda s: presence.go_offline(s, person.id, desk.now_ms()))
    desk.roster.drop(person.id)
    telling.presence_changed(desk, person.id, online=False)
    await _take_back(desk, person.id, "You went offline.")


async def arrived(desk: Desk, person: Person) -> bool:
    """Someone connected; says whether they are on the list. Who was cut off a moment ago is on it again."""
    if not person.is_mentor:
        return False

    def work(session: Session) -> tuple[bool, bool]:
        back = presence.come_back(session, person.id, desk.now_ms())
        return back, presence.is_online(session, person.id)

    back, online = await desk.database.write(work)
    if online and person.id not in desk.roster:
        await refresh(desk, person.id)
    if back:
        telling.presence_changed(desk, person.id, online=True, why="You are connected again.")
        await asking.advance_all(desk)
    return online


async def left(desk: Desk, person: Person) -> None:
    """Their last connection is gone: off the list at once, so that nobody waits for an editor that died."""
    if not person.is_mentor or desk.hub.is_connected(person.id):
        return
    if await desk.database.write(lambda s: presence.lose(s, person.id, desk.now_ms())):
        desk.roster.drop(person.id)
        telling.presence_changed(
            desk, person.id, online=False, why="Your editor lost its connection."
        )
        await _take_back(desk, person.id, "Your editor lost its connection.")


async def decline(desk: Desk, mentor: PersonId, offer_id: OfferId, reason: str) -> None:
    """No is an answer: the freed seat is offered to the next at once."""
    if len(reason) > REASON_CHARACTERS_MAX:
        raise faults.refusal(
            "too-large",
            f"A reason has at most {REASON_CHARACTERS_MAX} characters.",
            field="reason",
            limit=REASON_CHARACTERS_MAX,
            got=len(reason),
        )
    offer = await desk.database.write(
        lambda s: offers.decline(s, offer_id, mentor, reason, desk.now_ms())
    )
    telling.offer_ended(desk, offer, "You declined.")
    await refresh(desk, mentor)
    await _seat_freed(desk, offer)


async def lapse_overdue(desk: Desk) -> None:
    """End what nobody answered in time, and go on with each of those asks."""
    lapsed = await desk.database.write(lambda s: offers.lapse_overdue(s, desk.now_ms(), desk.pace))
    for one in lapsed:
        await _lapsed(desk, one)


async def refresh(desk: Desk, mentor: PersonId) -> None:
    """Bring what the roster knows of a mentor up to date; off the list means off the roster."""

    def work(session: Session) -> list[Candidate]:
        here = [mentor] if presence.is_online(session, mentor) else []
        return list(lineup.of(session, here, desk.now_ms()))

    found = await desk.database.read(work)
    if found:
        desk.roster.put(found[0])
    else:
        desk.roster.drop(mentor)


async def _lapsed(desk: Desk, lapsed: Lapsed) -> None:
    offer = lapsed.offer
    telling.offer_ended(desk, offer, "The time to answer is over.")
    await refresh(desk, offer.mentor)
    if lapsed.taken_off:
        missed = desk.pace.missed_in_row_max
        why = f"You missed {missed} offers in a row, so you were taken off the list. Go online again when you are ready."
        telling.presence_changed(desk, offer.mentor, online=False, why=why)
    await _seat_freed(desk, offer)


async def _take_back(desk: Desk, mentor: PersonId, why: str) -> None:
    offer = await desk.database.write(
        lambda s: offers.withdraw_of_mentor(s, mentor, why, desk.now_ms())
    )
    if offer is not None:
        telling.offer_ended(desk, offer, why)
        await _seat_freed(desk, offer)


async def _seat_freed(desk: Desk, offer: Offer) -> None:
    """The ask goes on at once, and the mentor may be the one another ask waits for."""
    await asking.advance(desk, offer.ask_id)
    await asking.advance_all(desk)
    await asking.tell(desk, offer.ask_id)


def _require_mentor(person: Person) -> None:
    if not person.is_mentor:
        raise faults.refusal(
            "not-allowed",
            "Only mentors go on the list.",
            "To become one, set a price and your skills.",
        )
