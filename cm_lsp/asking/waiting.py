"""The learner waits: what the server says of the open ask is shown, and where nobody is there each way out is taken.

Owns the progress that is shown and the question about the ways out. Does not own how an ask is made (`ask`).
"""

from collections.abc import Awaitable, Callable
from typing import Final

from cm_lsp import commands
from cm_lsp.asking import ways_out
from cm_lsp.to_editor import Editor, Progress
from cm_wire import faults, money, printable
from cm_wire.asking import AskView
from cm_wire.ids import AskId
from cm_wire.money import Money
from cm_wire.to_client import Result
from cm_wire.to_server import CancelAsk, Command, KeepAsk, RaiseLimit

NOT_NOW: Final = "Not now"
TAKE_BACK: Final = "Take the ask back"

SendCommand = Callable[[Command], Awaitable[Result]]


class Waiting:
    """For the one open ask of this user."""

    def __init__(self, editor: Editor, send: SendCommand, currency: str) -> None:
        self._editor = editor
        self._send = send
        self._currency = currency
        self._progress: Progress | None = None
        self.open_ask: AskId | None = None
        self.nobody: AskView | None = None
        """How the open ask stands, while nobody who fits is there."""

    async def begin(self, ask_id: AskId, text: str = "looking for a mentor") -> None:
        self.open_ask = ask_id
        self.end("")

        def cancel() -> None:
            self._editor.later(self._cancel(ask_id))

        self._progress = await self._editor.progress("Codementor", text, cancel)

    def end(self, text: str) -> None:
        if self._progress is not None:
            self._progress.end(text)
            self._progress = None

    async def cancel(self, ask_id: str | None) -> None:
        await self._send(CancelAsk(ask_id=self._named(ask_id)))

    async def keep(self, ask_id: str | None, *, tell_only: bool) -> None:
        """Let an ask that found nobody wait."""
        await self._send(KeepAsk(ask_id=self._named(ask_id), tell_only=tell_only))

    async def raise_limit(self, ask_id: str | None, max_price: str | None) -> None:
        """To what is given, or to the least that somebody who fits costs."""
        chosen, price = self._named(ask_id), self.nobody.raise_to if self.nobody else None
        if max_price is not None:
            price = amount(max_price, self._currency)
        if price is None:
            raise faults.refusal(
                "bad-value", "maxPrice must say how much.", "Give it as text.", field="maxPrice"
            )
        await self._send(RaiseLimit(ask_id=chosen, price_max=price))

    def changed(self, view: AskView) -> bool:
        """The server says how the ask stands; true for one that is open and that nobody here waits for yet."""
        before, self.nobody = self.nobody, view if view.state == "nobody" else None
        if view.state in {"matched", "cancelled", "expired"}:
            self._ended(view)
            return False
        is_unknown = self._progress is None and self.open_ask != view.ask_id
        self.open_ask = view.ask_id
        if self._progress is not None:
            self._progress.report(_text(view))
        is_news = before is None or before.someone_fits != view.someone_fits
        if view.state == "nobody" and is_news:
            self._editor.later(self._put_ways_out(view))
        return is_unknown

    def found_open(self, view: AskView) -> None:
        """Wait for one that was not made here and now."""
        if view.state != "nobody":
            self._editor.say("Codementor: your ask is with the server; it looks for a mentor.")
        self._editor.later(self.begin(view.ask_id, _text(view)))

    def _ended(self, view: AskView) -> None:
        self.end(printable.line(view.why) or f"ask {view.state}")
        if self.open_ask == view.ask_id:
            self.open_ask = None
        if view.state == "expired":
            self._editor.say("Codementor: nobody took your ask; it has expired.")

    async def _put_ways_out(self, view: AskView) -> None:
        """The question and what its answer does; no answer leaves the ask as it is."""
        ways = ways_out.offered(view)
        harmless = [NOT_NOW] if view.someone_fits else []
        answer = await self._editor.ask(ways_out.question(view), [*harmless, *ways, TAKE_BACK])
        try:
            if answer == TAKE_BACK:
                await self.cancel(view.ask_id)
            elif answer in ways:
                command, arguments = ways[answer]
                if command == commands.RAISE_LIMIT:
                    await self.raise_limit(view.ask_id, None)
                else:
                    await self.keep(view.ask_id, tell_only=bool(arguments.get("tellOnly")))
        except faults.Refused as refused:
            self._editor.say_wrong(f"Codementor: {refused}")

    async def _cancel(self, ask_id: AskId) -> None:
        try:
            await self._send(CancelAsk(ask_id=ask_id))
        except faults.Refused as refused:
            self._editor.say_wrong(f"Codementor: {refused}")

    def _named(self, ask_id: str | None) -> AskId:
        chosen = AskId(ask_id) if ask_id else self.open_ask
        if chosen is None:
            raise faults.refusal("no-such-ask", "You have no open ask.")
        return chosen


def amount(text: str, currency: str) -> Money:
    """What a user wrote as the most they pay; refuses what is no amount."""
    try:
        return money.parse(text, currency)
    except ValueError as error:
        raise faults.refusal("bad-value", f"maxPrice: {error}.", field="maxPrice") from None


def _text(view: AskView) -> str:
    if view.state == "nobody":
        if view.someone_fits:
            return "somebody who fits is there now"
        waits = "waiting to tell you of somebody" if view.tell_only else "still trying"
        return f"nobody is free now; {waits}"
    if not view.offers_open:
        return "looking for a mentor"
    mentors = "mentor" if view.offers_open == 1 else "mentors"
    eta = f", about {view.eta_seconds} s" if view.eta_seconds is not None else ""
    return f"ringing {view.offers_open} {mentors}{eta}"
