"""The page on which a mentor says in which country they are paid, before the provider asks the rest.

It cannot be changed afterwards, so it is asked for and never guessed. Does not own links (`pages`).
"""

import html
from typing import Final

from starlette.responses import Response

from cm_server import page_frame
from cm_server.billing import payout_countries

PATH: Final = "/pages/payout"

_FORM: Final = """<p>In which country is your bank account, and do you pay your taxes? It cannot be changed later.</p>
<form method="get" action="{path}"><input type="hidden" name="ticket" value="{ticket}">
<label for="country">Country</label> <select id="country" name="country" required>
<option value="">Choose one</option>{options}</select> <button>Go on</button></form>"""


def response(ticket: str) -> Response:
    """`ticket` is spent by going on."""
    options = "".join(
        f'<option value="{code}">{html.escape(name)}</option>'
        for code, name in sorted(payout_countries.NAMES.items(), key=lambda item: item[1])
    )
    form = _FORM.format(path=PATH, ticket=html.escape(ticket), options=options)
    return page_frame.response("Where you are paid", form)
