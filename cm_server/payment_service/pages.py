"""Hosted pages a person meets: saving a card, the bank's challenge, a mentor's onboarding.

Owns: their HTML and what pressing their buttons does. Does not own: the rules behind them.
Each page says in its first line that no real money is involved, and takes test cards only.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cm_server.payment_service import accounts, cards, checkout, payment_intents
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import CheckoutSession
from cm_server.payment_service.world import World
from cm_wire.money import Money

_FORM_MAX_BYTES = 4_096
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>DEMO: {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }}
.demo {{ background: #ffd54a; color: #222; padding: .6rem 1rem; font-weight: bold }}
.fault {{ color: #a00 }}
label {{ display: block }} input {{ font: inherit; width: 100%; box-sizing: border-box }}
button {{ font: inherit; margin: 1rem .5rem 0 0; padding: .3rem 1rem }}
</style></head><body>
<p class="demo" role="note">DEMO: NO REAL MONEY. Never enter a real card or real data here.</p>
<main><h1>{title}</h1>{content}</main></body></html>"""
_SETUP = """{fault}<form method="post">
<label for="card">Test card number</label>
<input id="card" name="card" value="4242 4242 4242 4242" inputmode="numeric" autocomplete="off">
<p>4242 4242 4242 4242 always works; 4000 0000 0000 0341 saves, then is declined;
4000 0027 6000 3184 asks you to confirm each payment.</p>
<button name="answer" value="save">Save this card</button>
<button name="answer" value="cancel">Cancel</button></form>"""
_CHALLENGE = """<p>The bank asks: is this payment of {amount} yours?</p><form method="post">
<button name="answer" value="yes">Yes, confirm</button>
<button name="answer" value="no">No, refuse</button></form>"""
_ONBOARDING = """<p>Stripe would ask for your name, date of birth and bank account here.
In the demo one button stands for all of it.</p><form method="post">
<button name="answer" value="done">I have entered everything</button></form>"""


@dataclass(frozen=True)
class Pages:
    """`after_change` runs when a button changed something, before the browser goes on."""

    world: World
    after_change: Callable[[], Awaitable[None]]

    def routes(self) -> list[Route]:
        pages = {
            "/setup/{id}": self._setup,
            "/challenge/{id}": self._challenge,
            "/onboarding/{id}": self._onboarding,
        }
        return [Route(path, page, methods=["GET", "POST"]) for path, page in pages.items()]

    async def _setup(self, request: Request) -> Response:
        session = self.world.state.checkout_sessions.find(request.path_params["id"])
        if session is None or session.status != "open" or session.expires_at <= self.world.now():
            return _gone("This page was used already or is too old. Start again in your editor.")
        if request.method == "GET":
            return _page("Save a card", _SETUP.format(fault=""))
        form = await _form(request)
        if form.get("answer") == "cancel":
            return _go_on(session.cancel_url or session.success_url)
        try:
            target = _save(self.world, session, form)
        except Problem as problem:
            return _fault_page(problem)
        await self.after_change()
        return _go_on(target)

    async def _challenge(self, request: Request) -> Response:
        intent = self.world.state.intents.find(request.path_params["id"])
        if intent is None or intent.status != "requires_action" or intent.return_url is None:
            return _gone("This payment is no longer waiting for you.")
        if request.method == "GET":
            amount = Money(intent.amount, intent.currency.upper())
            return _page("Confirm your payment", _CHALLENGE.format(amount=html.escape(str(amount))))
        passed = (await _form(request)).get("answer") == "yes"
        payment_intents.finish_challenge(self.world, intent, passed=passed)
        await self.after_change()
        return _go_on(intent.return_url)

    async def _onboarding(self, request: Request) -> Response:
        link = self.world.state.account_links.find(request.path_params["id"])
        if link is None:
            return _gone("This link does not exist.")
        if link.used or link.expires_at <= self.world.now():
            return _go_on(link.refresh_url)
        if request.method == "GET":
            return _page("Get paid as a mentor", _ONBOARDING)
        target = accounts.finish_onboarding(self.world, link)
        await self.after_change()
        return _go_on(target)


def _save(world: World, session: CheckoutSession, form: dict[str, str]) -> str:
    number = "".join(c for c in form.get("card", "") if c not in " -")
    card = cards.BY_NUMBER.get(number)
    if card is None:
        raise Problem(400, "not_a_test_card", "Only the published test cards work here.")
    return checkout.complete(world, session, card)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_MAX_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _fault_page(problem: Problem) -> Response:
    fault = f'<p class="fault" role="alert">{html.escape(problem.message)}</p>'
    return _page("Save a card", _SETUP.format(fault=fault), status=422)


def _page(title: str, content: str, status: int = 200) -> Response:
    shown = _FRAME.format(title=html.escape(title), content=content)
    return HTMLResponse(shown, status_code=status, headers=_HEADERS)


def _gone(message: str) -> Response:
    return _page("Nothing to do here", f"<p>{html.escape(message)}</p>", status=410)


def _go_on(url: str) -> Response:
    return RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
