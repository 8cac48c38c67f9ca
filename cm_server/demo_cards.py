"""Gives the demo's learner a test card, by filling in the stand-in's own page, so that a first ask needs no detour.

Never in the way of real money: it is called in a demonstration alone and speaks to the embedded service alone.
"""

from typing import Final

from cm_server.billing import payees
from cm_server.billing.till import Till
from cm_server.payment_service import in_process_client
from cm_server.payment_service.embedded import PaymentService
from cm_server.people import accounts
from cm_wire.faults import Refused

LEARNER_EMAIL: Final = "lena@example.org"
ALWAYS_WORKS: Final = "4242 4242 4242 4242"


async def save(till: Till, service: PaymentService, email: str = LEARNER_EMAIL) -> None:
    """Save the card unless there is one; nothing happens where the demo has no such learner."""
    try:
        learner = await accounts.find(till.database, email)
    except Refused:
        return
    if await payees.saved_card(till, learner.id) is not None:
        return
    page = await payees.card_page(
        till,
        learner.id,
        email=learner.email,
        done_url=till.return_url,
        cancel_url=till.return_url,
    )
    path = page.url.removeprefix(service.settings.pages_url)
    async with in_process_client.client(service.pages) as browser:
        form = {"card": ALWAYS_WORKS, "answer": "save"}
        await browser.post(f"{in_process_client.BASE_URL}{path}", data=form)
