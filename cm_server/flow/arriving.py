"""People come and go: what a connection that opens is told, and what one that breaks brings about."""

from sqlmodel import Session

from cm_server.ask import board
from cm_server.billing import debts
from cm_server.billing.debts import Debt
from cm_server.flow import meeting, offering, telling
from cm_server.flow.works import Works
from cm_server.matching import offers
from cm_server.people.person import Person
from cm_server.session import register
from cm_server.session.standing import Standing
from cm_wire.ids import PersonId
from cm_wire.to_client import DiagnosticsReported, MeterMoved, Proposed


async def arrived(works: Works, person: Person) -> bool:
    """Someone connected; says whether they are on the list of mentors."""
    return await offering.arrived(works.desk, person)


async def left(works: Works, person: Person) -> None:
    """One of their connections ended; only the last one matters."""
    if works.desk.hub.is_connected(person.id):
        return
    _show_reachable(works, person.id)
    await offering.left(works.desk, person)


def heard(works: Works, person: PersonId) -> None:
    """Any frame on the control channel is a sign of life."""
    works.live.heard(person)


async def tell_present_state(works: Works, person: Person) -> None:
    """The whole of it: open ask, open offer, session, meter, debt. Nobody who comes back has to add anything up."""
    desk = works.desk

    def read(
        session: Session,
    ) -> tuple[
        board.PostedAsk | None,
        list[offers.Offer],
        tuple[board.PostedAsk, offers.Offer] | None,
        Standing | None,
        Debt | None,
    ]:
        ask = board.open_ask(session, person.id)
        made = offers.of_ask(session, ask.ask_id) if ask else []
        open_sessions = register.open_sessions(session, person.id)
        latest = open_sessions[-1] if open_sessions else None
        return (
            ask,
            made,
            _rung(session, person.id),
            latest or register.waiting_for_rating(session, person.id),
            debts.of_learner(session, person.id),
        )

    ask, made, rung, standing, debt = await desk.database.read(read)
    if ask is not None:
        telling.ask_changed(desk, ask, made)
    if rung is not None:
        telling.offer_made(desk, *rung)
    if standing is not None:
        _tell_session(works, standing, person.id)
        _show_reachable(works, person.id)
    await meeting.tell_ratings(works, person.id)
    if debt is not None:
        telling.owes(desk, debt)


def _rung(session: Session, mentor: PersonId) -> tuple[board.PostedAsk, offers.Offer] | None:
    offer = offers.open_for(session, mentor)
    ask = board.find(session, offer.ask_id) if offer else None
    return (ask, offer) if ask is not None and offer is not None else None


def _tell_session(works: Works, standing: Standing, person: PersonId) -> None:
    telling.session_changed(works, standing, person)
    role = standing.role_of(person)
    if role is None or not works.recorder.owns(standing.session_id):
        return
    hub = works.desk.hub
    hub.tell(person, MeterMoved(meter=works.recorder.view(standing.session_id, role)))
    if role == "mentor":
        for report in works.live.reports(standing.session_id):
            hub.tell(person, DiagnosticsReported(report=report))
    else:
        for proposals in works.live.proposals(standing.session_id):
            hub.tell(person, Proposed(proposals=proposals))


def _show_reachable(works: Works, person: PersonId) -> None:
    """The other one in a session sees who is reachable."""
    standing = works.live.of(person)
    if standing is not None:
        meeting.tell(works, standing)
