"""Turns what happened into facts for the people it concerns. Tells; decides nothing."""

from collections.abc import Iterable

from cm_server.ask.board import PostedAsk
from cm_server.billing.debts import Debt
from cm_server.flow.desk import Desk
from cm_server.flow.works import Works
from cm_server.matching import facets as ask_facets
from cm_server.matching import ranking, ways_out
from cm_server.matching.offers import Offer
from cm_server.matching.ranking import Ranked
from cm_server.matching.ways_out import WaysOut
from cm_server.meter import rating
from cm_server.session.standing import Standing, view
from cm_wire import limits, printable
from cm_wire.asking import AskView, OfferView, RankedMentor
from cm_wire.ids import PersonId
from cm_wire.money import Money
from cm_wire.to_client import (
    AskChanged,
    Noticed,
    OfferEnded,
    OfferMade,
    PresenceChanged,
    SessionChanged,
)

WARNING = 2
HOW_TO_PAY = "Save a card, or ask again: either opens the page on which you pay it."


def ask_changed(desk: Desk, ask: PostedAsk, made: Iterable[Offer]) -> None:
    desk.hub.tell(ask.learner, AskChanged(ask=ask_view(desk, ask, tuple(made))))


def ask_view(desk: Desk, ask: PostedAsk, made: tuple[Offer, ...]) -> AskView:
    out = _why_nobody(desk, ask) if ask.state == "nobody" else WaysOut(ask.why, ())
    open_offers = [offer for offer in made if offer.state == "open"]
    return AskView(
        ask_id=ask.ask_id,
        state=ask.state,
        wave=max((offer.wave for offer in made if offer.attempt == ask.attempt), default=0),
        offers_open=len(open_offers),
        eta_seconds=_eta_seconds(desk, open_offers) if ask.state == "offered" else None,
        why=out.why,
        ways_out=out.ways,
        raise_to=out.raise_to,
        tell_only=ask.tell_only,
        someone_fits=ask.told and ask.state == "nobody",
    )


def offer_made(desk: Desk, ask: PostedAsk, offer: Offer) -> None:
    """Show the ask to the mentor; what is left of the window, so that one who comes back sees the same countdown."""
    desk.hub.tell(
        offer.mentor,
        OfferMade(
            offer=OfferView(
                offer_id=offer.offer_id,
                ask_id=offer.ask_id,
                learner_name=printable.display_name(ask.learner_name, limits.NAME_CHARACTERS_MAX),
                context=ask.context,
                price_per_quarter=offer.price_per_quarter,
                cap_minutes=ask.terms.cap_minutes,
                earns_at_most=_earns_at_most(desk, offer.price_per_quarter, ask.terms.cap_minutes),
                answer_within_ms=max(0, offer.answer_by_ms - desk.pace.grace_ms - desk.now_ms()),
            )
        ),
    )


def offer_ended(desk: Desk, offer: Offer, why: str) -> None:
    desk.hub.tell(offer.mentor, OfferEnded(offer_id=offer.offer_id, why=why))


def presence_changed(desk: Desk, person: PersonId, *, online: bool, why: str = "") -> None:
    desk.hub.tell(person, PresenceChanged(online=online, why=why))


def session_changed(works: Works, standing: Standing, person: PersonId) -> None:
    connected = [one for one in standing.people if works.desk.hub.is_connected(one)]
    shown = view(standing, person, connected)
    works.desk.hub.tell(person, SessionChanged(session=shown))


def noticed(desk: Desk, person: PersonId, text: str) -> None:
    desk.hub.tell(person, Noticed(level=WARNING, text=text))


def owes(desk: Desk, debt: Debt) -> None:
    noticed(desk, debt.learner, f"{debt.says} {HOW_TO_PAY}")


def ranked_mentor(ranked: Ranked) -> RankedMentor:
    candidate = ranked.candidate
    return RankedMentor(
        mentor=candidate.person,
        name=candidate.name,
        price_per_quarter=candidate.price_per_quarter,
        reasons=ranked.reasons,
        eta_seconds=_seconds(ranked.answer_ms),
        rating=candidate.record.rating_text,
        sessions=candidate.record.sessions,
    )


def _why_nobody(desk: Desk, ask: PostedAsk) -> WaysOut:
    if ask.told:
        return WaysOut("A mentor who fits is online now.", ("Ask now.",))
    facets = ask_facets.facets(ask.context)
    reach = desk.roster.reach(facets, ask.terms, {ask.learner})
    return ways_out.why_nobody(reach, ask.terms, ask.wanted_mentor)


def _eta_seconds(desk: Desk, open_offers: list[Offer]) -> int | None:
    """The soonest answer to be expected of those who are being rung, counted from now."""
    now_ms = desk.now_ms()
    expected = [
        offer.made_at_ms + ranking.expected_answer_ms(candidate) - now_ms
        for offer in open_offers
        if (candidate := desk.roster.get(offer.mentor))
    ]
    return _seconds(min(expected)) if expected else None


def _earns_at_most(desk: Desk, price_per_quarter: Money, cap_minutes: int) -> Money:
    most = rating.gross(cap_minutes * 60, rating.Price(price_per_quarter))
    share, _ = rating.split(most, desk.till.commission)
    return share


def _seconds(milliseconds: int) -> int:
    """Rounded up: an estimate should rather be beaten than missed."""
    return max(1, -(-milliseconds // 1000))
