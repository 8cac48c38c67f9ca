"""How a page of ours looks and what a browser may do with it: words, no scripts, no frames, nothing kept."""

import html
from types import MappingProxyType
from typing import Final

from starlette.responses import HTMLResponse, Response

HEADERS: Final = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
SPENT: Final = (
    "A link works once and for ten minutes. Ask again in your editor, it gives you a new one."
)
_FRAME: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .3rem 1rem }}</style>
</head><body><main><h1>{title}</h1>{content}</main></body></html>"""


def response(title: str, content: str, status: int = 200) -> Response:
    """`content` is HTML already."""
    shown = _FRAME.format(title=html.escape(title), content=content)
    return HTMLResponse(shown, status, headers=HEADERS)


def said(title: str, text: str, status: int = 200) -> Response:
    return response(title, f"<p>{html.escape(text)}</p>", status)


def spent() -> Response:
    return said("This link does not work", SPENT, 410)
