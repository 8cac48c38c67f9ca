"""Pages of ours that a person meets in a browser: the way to the payment provider's pages, and back to the editor.

Owns: links that work once, made for an editor to open, and the few words at the end. Does not own cards, accounts or any
form: those are the provider's. A link leads to this server first, so that an editor need open no address but that of the
server it was set up with; the provider's page is made when the link is followed.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cm_server import debt_page, page_frame, payout_page
from cm_server.billing import debts, payees, payout_countries
from cm_server.billing.debts import Debt
from cm_server.billing.gateway_outcomes import HostedPage
from cm_server.billing.till import Till
from cm_server.endpoints import Call, Endpoint
from cm_server.people import auth
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.ids import SessionId
from cm_wire.money import Money

LINK_SECONDS: Final = 600
"""Long enough to copy the address out of a terminal editor into a browser elsewhere."""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the caller's that is not paid. Opening the page of `POST /me/card-page` pays it."""

    session_id: SessionId
    amount: Money
    since: str
    says: str


class Link(msgspec.Struct, frozen=True):
    """An address of this server to open in a browser; it works once, for `seconds`."""

    url: str
    seconds: int


def endpoints(till: Till, address: str) -> list[Endpoint]:
    async def card_page(call: Call) -> Link:
        return await _link(till, call.caller, f"{address}/pages/card")

    async def paid_where(call: Call) -> Link:
        if not call.caller.is_mentor:
            raise faults.refusal(
                "not-allowed", "Only mentors are paid.", "Ask the operator to make you one."
            )
        country = call.request.query_params.get("country")
        chosen = "" if country is None else f"?country={payout_countries.checked(country)}"
        return await _link(till, call.caller, f"{address}{payout_page.PATH}{chosen}")

    async def owed(call: Call) -> tuple[Owed, ...]:
        debt = await till.database.read(lambda s: debts.of_learner(s, call.caller.id))
        return () if debt is None else (_owed(debt),)

    return [
        Endpoint("GET", "/me/debts", "What is not paid", tuple[Owed, ...], owed),
        Endpoint("POST", "/me/card-page", "Where to save a card", Link, card_page, status=201),
        Endpoint("POST", "/me/payout-page", "Where to be paid", Link, paid_where, status=201),
    ]


def routes(till: Till, address: str) -> list[BaseRoute]:
    async def card(request: Request) -> Response:
        return await _follow(till, request, lambda person: _debt_or_card(till, person))

    async def other_card(request: Request) -> Response:
        return await _follow(till, request, lambda person: _card(till, person, then="debt"))

    async def pay_debt(request: Request) -> Response:
        return await debt_page.pay(till, request, LINK_SECONDS)

    async def payout(request: Request) -> Response:
        country = request.query_params.get("country")
        if country is not None:
            payout_countries.checked(country)
        return await _follow(
            till, request, lambda person: _payout(till, person, country, base_url=address)
        )

    return [
        Route("/pages/card", card, methods=["GET"]),
        Route(debt_page.OTHER_CARD_PATH, other_card, methods=["GET"]),
        Route(debt_page.PATH, pay_debt, methods=["POST"]),
        Route(payout_page.PATH, payout, methods=["GET"]),
        *(
            Route(path, _saying(title, text), methods=["GET"])
            for path, (title, text) in _ENDS.items()
        ),
    ]


async def _debt_or_card(till: Till, person: Person) -> Response:
    """Who owes something is shown that first: the card they save is charged with it."""
    debt = await till.database.read(lambda s: debts.of_learner(s, person.id))
    if debt is not None:
        return await debt_page.shown(till, person, debt, LINK_SECONDS)
    return await _card(till, person, then="card")


async def _card(till: Till, person: Person, *, then: str) -> Response:
    page = payees.card_page(
        till,
        person.id,
        email=person.email,
        done_url=f"{till.return_url}/{then}",
        cancel_url=f"{till.return_url}/nothing",
    )
    return await _provider(page)


async def _payout(till: Till, person: Person, country: str | None, *, base_url: str) -> Response:
    """Who has no account with the provider yet says first in which country they are paid."""
    if country is None and not await payees.has_account(till, person.id):
        seconds = LINK_SECONDS
        return payout_page.response(
            await auth.issue_ticket(till.clock, till.database, person.id, seconds)
        )
    page = payees.mentor_page(
        till,
        person.id,
        email=person.email,
        name=person.name,
        country=country or "",
        base_url=base_url,
    )
    return await _provider(page)


async def _link(till: Till, person: Person, address: str) -> Link:
    ticket = await auth.issue_ticket(till.clock, till.database, person.id, LINK_SECONDS)
    return Link(f"{address}{'&' if '?' in address else '?'}ticket={ticket}", LINK_SECONDS)


async def _follow(
    till: Till, request: Request, go_on: Callable[[Person], Awaitable[Response]]
) -> Response:
    """For whom the link was made; a browser gets words where a program would get a problem document."""
    try:
        ticket = request.query_params.get("ticket", "")
        person = await auth.redeem_ticket(till.clock, till.database, ticket)
    except faults.Refused:
        return page_frame.spent()
    return await go_on(person)


async def _provider(page: Awaitable[HostedPage]) -> Response:
    """On to the provider's page."""
    try:
        target = await page
    except faults.Refused as refused:
        return page_frame.said("Not now", f"{refused.fault} {page_frame.SPENT}", 503)
    return RedirectResponse(target.url, 303, headers=page_frame.HEADERS)


def _owed(debt: Debt) -> Owed:
    since = datetime.fromtimestamp(debt.since_ms / 1000, UTC).isoformat(timespec="seconds")
    return Owed(session_id=debt.session_id, amount=debt.amount, since=since, says=debt.says)


def _saying(title: str, text: str) -> Callable[[Request], Awaitable[Response]]:
    async def say(_: Request) -> Response:
        return page_frame.said(title, text)

    return say


_BACK: Final = "You may close this page and go back to your editor."
_ENDS: Final = {
    "/paid": ("Thank you", f"Your bank has answered. {_BACK}"),
    "/paid/card": ("Your card is saved", f"Nothing has been charged. {_BACK} Ask again there."),
    "/paid/debt": (
        "Your card is saved",
        f"What you owe is charged to it now. {_BACK} If your bank says no, asking again there tells you.",
    ),
    "/paid/nothing": ("Nothing was saved", _BACK),
    "/paid/onboarded": ("Thank you", f"What you have earned is sent to you. {_BACK}"),
    "/paid/onboarding": ("This page was too old", f"{_BACK} Ask for a new link there."),
}
