"""Pages of ours that a person meets in a browser: the way to the payment provider's pages, and back to the editor.

Owns: links that work once, made for an editor to open, and the few words at the end. Does not own cards, accounts or any
form: those are the provider's. A link leads to this server first, so that an editor need open no address but that of the
server it was set up with; the provider's page is made when the link is followed.
"""

import html
import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cm_server.billing import payees
from cm_server.billing.gateway_outcomes import HostedPage
from cm_server.billing.till import Till
from cm_server.endpoints import Call, Endpoint
from cm_server.people import auth
from cm_server.people.person import Person
from cm_wire import faults

LINK_SECONDS: Final = 600
"""Long enough to copy the address out of a terminal editor into a browser elsewhere."""

COUNTRY_DEFAULT: Final = "US"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FRAME: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }}</style>
</head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>"""


class Link(msgspec.Struct, frozen=True):
    """An address of this server to open in a browser; it works once, for `seconds`."""

    url: str
    seconds: int


def endpoints(till: Till, address: str) -> list[Endpoint]:
    async def card_page(call: Call) -> Link:
        return await _link(till, call.caller, f"{address}/pages/card")

    async def payout_page(call: Call) -> Link:
        if not call.caller.is_mentor:
            raise faults.refusal(
                "not-allowed", "Only mentors are paid.", "Ask the operator to make you one."
            )
        country = _country(call.request.query_params.get("country", COUNTRY_DEFAULT))
        return await _link(till, call.caller, f"{address}/pages/payout/{country}")

    return [
        Endpoint("POST", "/me/card-page", "Where to save a card", Link, card_page, status=201),
        Endpoint("POST", "/me/payout-page", "Where to be paid", Link, payout_page, status=201),
    ]


def routes(till: Till, address: str) -> list[BaseRoute]:
    async def card(request: Request) -> Response:
        async def page(person: Person) -> HostedPage:
            return await payees.card_page(
                till,
                person.id,
                email=person.email,
                done_url=f"{till.return_url}/card",
                cancel_url=f"{till.return_url}/nothing",
            )

        return await _follow(till, request, page)

    async def payout(request: Request) -> Response:
        country = _country(request.path_params["country"])

        async def page(person: Person) -> HostedPage:
            return await payees.mentor_page(
                till,
                person.id,
                email=person.email,
                name=person.name,
                country=country,
                base_url=address,
            )

        return await _follow(till, request, page)

    return [
        Route("/pages/card", card, methods=["GET"]),
        Route("/pages/payout/{country}", payout, methods=["GET"]),
        *(
            Route(path, _saying(title, text), methods=["GET"])
            for path, (title, text) in _ENDS.items()
        ),
    ]


async def _link(till: Till, person: Person, address: str) -> Link:
    ticket = await auth.issue_ticket(till.clock, till.database, person.id, LINK_SECONDS)
    return Link(f"{address}?ticket={ticket}", LINK_SECONDS)


async def _follow(
    till: Till, request: Request, page: Callable[[Person], Awaitable[HostedPage]]
) -> Response:
    """On to the provider's page; a browser gets words where a program would get a problem document."""
    try:
        ticket = request.query_params.get("ticket", "")
        person = await auth.redeem_ticket(till.clock, till.database, ticket)
    except faults.Refused:
        return _shown("This link does not work", _SPENT, 410)
    try:
        target = await page(person)
    except faults.Refused as refused:
        return _shown("Not now", f"{refused.fault} {_SPENT}", 503)
    return RedirectResponse(target.url, 303, headers=_HEADERS)


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise faults.refusal(
            "bad-value", "country must be two capital letters, such as DE.", field="country"
        )
    return text


def _saying(title: str, text: str) -> Callable[[Request], Awaitable[Response]]:
    async def say(_: Request) -> Response:
        return _shown(title, text)

    return say


def _shown(title: str, text: str, status: int = 200) -> Response:
    shown = _FRAME.format(title=html.escape(title), text=html.escape(text))
    return HTMLResponse(shown, status, headers=_HEADERS)


_SPENT: Final = (
    "A link works once and for ten minutes. Ask again in your editor, it gives you a new one."
)
_BACK: Final = "You may close this page and go back to your editor."
_ENDS: Final = {
    "/paid": ("Thank you", f"Your bank has answered. {_BACK}"),
    "/paid/card": ("Your card is saved", f"Nothing has been charged. {_BACK} Ask again there."),
    "/paid/nothing": ("Nothing was saved", _BACK),
    "/paid/onboarded": ("Thank you", f"What you have earned is sent to you. {_BACK}"),
    "/paid/onboarding": ("This page was too old", f"{_BACK} Ask for a new link there."),
}
