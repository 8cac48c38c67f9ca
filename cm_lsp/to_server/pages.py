"""Links to the server's own pages, for a browser: asked for over HTTP, because a link is nothing the control channel tells.

Owns: one POST, past the proxy for this machine. Does not own showing the page. What is given back is always an address of
the very server the editor was set up with, whatever name the server has for itself.
"""

import asyncio
import json
import re
from typing import TYPE_CHECKING, Final, Literal

from cm_lsp import settings
from cm_wire import faults

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

PATIENCE_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 65_536

Page = Literal["card", "payout"]
_OURS: Final = re.compile(r"/pages/[A-Za-z/]+\?ticket=[\w-]+\Z", re.ASCII)


async def link(server_url: str, token: str, page: Page) -> str:
    """An address that works once; refuses with `unavailable` when there is none to be had."""
    here = server_url.rstrip("/")
    try:
        told = await asyncio.to_thread(_posted, f"{here}/api/v1/me/{page}-page", token)
    except (OSError, ValueError) as error:
        raise _unavailable() from error
    found = _OURS.search(told)
    if found is None:
        raise _unavailable()
    return here + found[0]


def opener(server_url: str) -> "OpenerDirector":
    """Past the proxy for this machine, as the channels go."""
    import urllib.request

    direct = settings.proxy_for(settings.websocket_url(server_url, "")) is None
    handlers = [urllib.request.ProxyHandler({})] if direct else []
    return urllib.request.build_opener(*handlers)


def _posted(path: str, token: str) -> str:
    import urllib.request

    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(path, b"", headers, method="POST")  # noqa: S310 - the scheme was checked by settings
    with opener(path).open(request, timeout=PATIENCE_SECONDS) as answer:
        told = json.loads(answer.read(ANSWER_BYTES_MAX))
    return str(told.get("url")) if isinstance(told, dict) else ""


def _unavailable() -> faults.Refused:
    return faults.refusal(
        "unavailable", "The server gives no link to its page.", "Try again in a minute."
    )
