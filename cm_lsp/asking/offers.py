"""A mentor is asked: offers that can still be accepted, and the question about each.

Owns the open offers of this editor. The first answer of a question is always the harmless one, and no answer is a "not now": the
server lets the offer lapse by itself. A declined offer is declined at the server, so that the next mentor is rung at once.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from cm_lsp import files_to_show, lsp_ext
from cm_lsp.asking import preview
from cm_lsp.to_editor import Editor
from cm_wire import faults, printable
from cm_wire.asking import OfferView
from cm_wire.ids import OfferId
from cm_wire.to_client import Result, SessionOpened
from cm_wire.to_server import AcceptOffer, Command, DeclineOffer

log = logging.getLogger(__name__)

NOT_NOW: Final = "Not now"
ACCEPT: Final = "Accept"


class Offers:
    def __init__(
        self, editor: Editor, send: Callable[[Command], Awaitable[Result]], cache_folder: Path
    ) -> None:
        self._editor = editor
        self._send = send
        self._cache_folder = cache_folder
        self._open: dict[OfferId, OfferView] = {}

    def open_offers(self) -> tuple[OfferView, ...]:
        return tuple(self._open.values())

    def made(self, offer: OfferView) -> None:
        """Show it; in an editor without a plugin, as a question."""
        if offer.offer_id in self._open:
            return
        self._open[offer.offer_id] = offer
        if self._editor.claims.offers:
            self._editor.notify(lsp_ext.OFFER, preview.offer_shape(offer))
        else:
            self._editor.later(self._put(offer))

    def ended(self, offer_id: OfferId, why: str) -> None:
        if self._open.pop(offer_id, None) is None:
            return
        said = printable.line(why)
        ended = lsp_ext.Offer(offer_id=offer_id, state="ended", why=said, text=said)
        self._editor.notify(lsp_ext.OFFER, ended)

    async def accept(self, offer_id: str) -> dict[str, str]:
        """`{sessionId}` when the mentor has it."""
        chosen = OfferId(offer_id)
        result = await self._send(AcceptOffer(offer_id=chosen))
        self.ended(chosen, "accepted")
        return {"sessionId": result.session_id} if isinstance(result, SessionOpened) else {}

    async def decline(self, offer_id: str, reason: str) -> None:
        chosen = OfferId(offer_id)
        await self._send(DeclineOffer(offer_id=chosen, reason=reason))
        self.ended(chosen, "declined")

    async def _put(self, offer: OfferView) -> None:
        uri = files_to_show.write(
            self._cache_folder, f"codementor-offer-{offer.offer_id}.md", preview.of_offer(offer)
        )
        shown = await self._editor.show_document(uri)
        where = "" if shown else f" You can read it all in {uri}."
        answer = await self._editor.ask(
            preview.offer_line(offer) + where, [NOT_NOW, ACCEPT], offer.answer_within_ms / 1000
        )
        if offer.offer_id not in self._open:
            return
        try:
            if answer == ACCEPT:
                await self.accept(offer.offer_id)
            elif answer == NOT_NOW:
                await self.decline(offer.offer_id, "")
        except faults.Refused as refused:
            self._editor.say_wrong(f"Codementor: {refused}")
