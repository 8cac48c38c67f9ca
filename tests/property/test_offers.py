"""Any order of going online, asking, ringing, answering, lapsing and cancelling: nobody is ever booked twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, select

from cm_server.ask import model as ask_model
from cm_server.matching import offers, presence
from cm_server.matching.candidate import Candidate
from cm_server.matching.model import EngagementRow, OfferRow
from cm_server.matching.offers import Call
from cm_server.matching.waves import Pace
from cm_wire.faults import Refused
from cm_wire.ids import AskId, OfferId, PersonId, SessionId
from cm_wire.money import Money

MENTORS = [PersonId(f"per_m{number}") for number in range(4)]
LEARNERS = [PersonId(f"per_l{number}") for number in range(3)]
PACE = Pace()
_ = ask_model  # its table belongs to the same metadata


class Offers(RuleBasedStateMachine):
    """Against a model of three sets: who is online, which offers are open until when, who is in which session."""

    rung = Bundle("rung")
    opened = Bundle("opened")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        SQLModel.metadata.create_all(self.engine)
        self.now_ms = 1_000_000
        self.made = 0
        self.online: set[PersonId] = set()
        self.open: dict[OfferId, tuple[PersonId, PersonId, int]] = {}
        self.sessions: dict[SessionId, tuple[PersonId, PersonId]] = {}

    def teardown(self) -> None:
        self.engine.dispose()

    @rule(mentor=st.sampled_from(MENTORS), on=st.booleans())
    def move(self, mentor: PersonId, on: bool) -> None:
        change = presence.go_online if on else presence.go_offline
        with Session(self.engine) as session, session.begin():
            change(session, mentor, self.now_ms)
        (self.online.add if on else self.online.discard)(mentor)

    @rule(
        target=rung,
        learner=st.sampled_from(LEARNERS),
        chosen=st.lists(st.sampled_from(MENTORS), min_size=1, max_size=3, unique=True),
    )
    def ring(self, learner: PersonId, chosen: list[PersonId]) -> OfferId:
        self.made += 1
        asked = [(OfferId(f"off_{self.made}_{mentor}"), _candidate(mentor)) for mentor in chosen]
        with Session(self.engine) as session, session.begin():
            call = Call(AskId(f"ask_{self.made}"), 1, learner)
            made = offers.ring(session, call, asked, self.now_ms, PACE)
        busy = {mentor for mentor, _, _ in self.open.values()} | self._engaged()
        expected = [mentor for mentor in chosen if mentor in self.online - busy]
        assert [offer.mentor for offer in made] == expected
        for offer in made:
            self.open[offer.offer_id] = (offer.mentor, learner, offer.answer_by_ms)
        return made[0].offer_id if made else OfferId("off_none")

    @rule(target=opened, offer=rung)
    def accept(self, offer: OfferId) -> SessionId:
        mentor, learner, by_ms = self.open.get(offer, (MENTORS[0], LEARNERS[0], -1))
        session_id = SessionId(f"ses_{offer}_{self.now_ms}")
        allowed = self.now_ms <= by_ms and not {mentor, learner} & self._engaged()
        accepted = True
        try:
            with Session(self.engine) as session, session.begin():
                offers.accept(session, offer, mentor, session_id, self.now_ms)
        except Refused:
            accepted = False
        assert accepted == allowed
        if accepted:
            del self.open[offer]
            self.sessions[session_id] = (mentor, learner)
        return session_id

    @rule(offer=consumes(rung))
    def decline(self, offer: OfferId) -> None:
        mentor, _, _ = self.open.get(offer, (MENTORS[0], LEARNERS[0], 0))
        was_open = offer in self.open
        try:
            with Session(self.engine) as session, session.begin():
                offers.decline(session, offer, mentor, "", self.now_ms)
        except Refused:
            assert not was_open
        self.open.pop(offer, None)

    @rule(seconds=st.integers(1, 20))
    def pass_time(self, seconds: int) -> None:
        self.now_ms += seconds * 1000
        with Session(self.engine) as session, session.begin():
            lapsed = offers.lapse_overdue(session, self.now_ms, PACE)
        due = {offer for offer, (_, _, by_ms) in self.open.items() if by_ms < self.now_ms}
        assert {one.offer.offer_id for one in lapsed} == due
        for one in lapsed:
            del self.open[one.offer.offer_id]
            if one.taken_off:
                self.online.discard(one.offer.mentor)

    @rule(session_id=consumes(opened))
    def end(self, session_id: SessionId) -> None:
        with Session(self.engine) as session, session.begin():
            freed = offers.release(session, session_id)
        assert set(freed) == set(self.sessions.pop(session_id, ()))

    @invariant()
    def nobody_is_booked_twice(self) -> None:
        with Session(self.engine) as session:
            rows = list(session.exec(select(EngagementRow.person)))
            ringing = list(session.exec(select(OfferRow.mentor).where(OfferRow.state == "open")))
            known = {one for one in MENTORS if presence.is_online(session, one)}
        assert sorted(rows) == sorted(self._engaged())
        assert sorted(ringing) == sorted(mentor for mentor, _, _ in self.open.values())
        assert len(ringing) == len(set(ringing))
        assert known == self.online

    def _engaged(self) -> set[PersonId]:
        return {person for people in self.sessions.values() for person in people}


def _candidate(mentor: PersonId) -> Candidate:
    return Candidate(mentor, "Mo", Money(1000, "USD"), {"python": 4})


TestOffers = Offers.TestCase
TestOffers.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
