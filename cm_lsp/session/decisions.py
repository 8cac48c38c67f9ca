"""What a session asks its user to decide, in an editor without a plugin: as a question, when the moment comes.

Owns the moment and the wording. Each question has a twin among the code actions, since some editors never answer one, and its
first answer is the one that does no harm, since others answer with the first. Plugins have buttons of their own.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from cm_lsp.session import meter_view, views
from cm_lsp.to_editor import Editor
from cm_wire import faults, printable
from cm_wire.ids import SessionId
from cm_wire.session import MeterView, SessionView
from cm_wire.to_client import Result
from cm_wire.to_server import Command, ExtendCap, RateSession, StartMeter

EXTENSION_MINUTES: Final = 15

_NOT_YET: Final = "Not yet"
_START: Final = "Start the meter"
_LET_END: Final = "Let it end there"
_EXTEND: Final = f"{EXTENSION_MINUTES} minutes more"
_NO_RATING: Final = "Not now"
RATING_SOLVED: Final = 5
_RATINGS: Final = {"5, solved": RATING_SOLVED, "4": 4, "3": 3, "2": 2, "1": 1}


class Decisions:
    """Each question is put once a session, whatever is answered."""

    def __init__(self, editor: Editor, send: Callable[[Command], Awaitable[Result]]) -> None:
        self._editor = editor
        self._send = send
        self._put: set[tuple[str, SessionId]] = set()

    def session_changed(self, view: SessionView) -> None:
        if view.you == "learner" and view.state == "triage" and view.diagnosis:
            self._once("start", view.session_id, lambda: self._ask_start(view))
        if views.is_over(view) and not view.rated:
            self._once("rate", view.session_id, lambda: self._ask_rating(view))

    def meter_moved(self, view: SessionView, meter: MeterView) -> None:
        if view.you == "learner" and meter.warned and meter.state == "running":
            self._once("extend", view.session_id, lambda: self._ask_extension(meter))

    def _once(
        self, what: str, session_id: SessionId, ask: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        if not self._editor.has_plugin and (what, session_id) not in self._put:
            self._put.add((what, session_id))
            self._editor.later(ask())

    async def _ask_start(self, view: SessionView) -> None:
        mentor, minutes = views.display_name(view.mentor), view.estimate_minutes
        estimate = f" About {minutes} min." if minutes is not None else ""
        answer = await self._editor.ask(
            f"{mentor} says: {printable.line(view.diagnosis)}.{estimate} "
            f"Start the meter, at {meter_view.per_minute(view.price_per_quarter)}?",
            [_NOT_YET, _START],
        )
        if answer == _START:
            await self._do(StartMeter(session_id=view.session_id))

    async def _ask_extension(self, meter: MeterView) -> None:
        answer = await self._editor.ask(
            f"The cap is near: {meter_view.text(meter)}.", [_LET_END, _EXTEND]
        )
        if answer == _EXTEND:
            await self._do(ExtendCap(session_id=meter.session_id, minutes=EXTENSION_MINUTES))

    async def _ask_rating(self, view: SessionView) -> None:
        partner = view.mentor if view.you == "learner" else view.learner
        answer = await self._editor.ask(
            f"How was it with {views.display_name(partner)}, 1 to 5?", [_NO_RATING, *_RATINGS]
        )
        if answer in _RATINGS:
            solved = True if _RATINGS[answer] == RATING_SOLVED else None
            rating = RateSession(
                session_id=view.session_id, stars=_RATINGS[answer], solved=solved, comment=""
            )
            await self._do(rating)

    async def _do(self, command: Command) -> None:
        try:
            await self._send(command)
        except faults.Refused as refused:
            self._editor.say_wrong(f"Codementor: {refused}")
