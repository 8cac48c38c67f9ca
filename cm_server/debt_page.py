"""The page on which a learner pays what they owe: how much, for what, and the two ways to pay it.

Owns: its words and its one button that takes money. Does not own: what happens then (`collection`), links (`pages`). A
form carries a ticket of its own, spent by pressing the button: no cookie, so nobody else's page can press it.
"""

import html
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cm_server import page_frame
from cm_server.billing import collection, debts, payees
from cm_server.billing.debts import Debt
from cm_server.billing.gateway import GatewayUnavailable
from cm_server.billing.till import Till
from cm_server.people import auth
from cm_server.people.person import Person
from cm_wire.faults import Refused

PATH: Final = "/pages/debt"
OTHER_CARD_PATH: Final = "/pages/card/new"
_FORM_BYTES_MAX: Final = 4096

_PAID: Final = (
    "Thank you. Nothing is open any more; you may close this page and ask again in your editor."
)
_FORMS: Final = """<p>{says}</p>
<form method="post" action="{pay}"><input type="hidden" name="ticket" value="{pay_ticket}">
<button>Pay {amount}{card}</button></form>
<form method="get" action="{other}"><input type="hidden" name="ticket" value="{other_ticket}">
<button>Save another card</button></form>
<p>A card you save is charged {amount} at once. Then you can ask again.</p>"""


async def shown(
    till: Till, person: Person, debt: Debt, seconds: int, said: str = "", status: int = 200
) -> Response:
    """`seconds` is how long its buttons work; `said` is what came of the last try."""
    tickets = [
        await auth.issue_ticket(till.clock, till.database, person.id, seconds) for _ in range(2)
    ]
    content = _FORMS.format(
        says=html.escape(f"{said} {debt.says}".strip()),
        pay=PATH,
        other=OTHER_CARD_PATH,
        pay_ticket=tickets[0],
        other_ticket=tickets[1],
        amount=html.escape(str(debt.amount)),
        card=html.escape(await _card(till, person)),
    )
    return page_frame.response("A session is not paid", content, status)


async def pay(till: Till, request: Request, seconds: int) -> Response:
    """The button: what came of it, on a page, or on to the bank's."""
    try:
        person = await auth.redeem_ticket(till.clock, till.database, await _ticket(request))
    except Refused:
        return page_frame.spent()
    try:
        bank = await collection.pay(till, person.id)
    except Refused as refused:
        debt = await till.database.read(lambda s: debts.of_learner(s, person.id))
        if debt is not None:
            return await shown(till, person, debt, seconds, refused.fault.message, 402)
        bank = ""
    if bank:
        return RedirectResponse(bank, 303, headers=page_frame.HEADERS)
    return page_frame.said("Paid", _PAID)


async def _card(till: Till, person: Person) -> str:
    try:
        saved = await payees.saved_card(till, person.id)
    except GatewayUnavailable:
        return ""
    return f" with the {saved.brand} card that ends in {saved.last4}" if saved else ""


async def _ticket(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES_MAX:
            return ""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
    return fields.get("ticket", [""])[0]
