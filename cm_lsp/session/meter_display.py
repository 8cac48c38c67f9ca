"""The meter in an editor that does not draw it: as progress, and as text for a lens and a hint in the file.

Owns the one progress that stands as long as a session does. Never on one channel alone: some editors show progress, some
lenses, some only diagnostics.
"""

from cm_lsp.session import meter_view
from cm_lsp.to_editor import Editor, Progress
from cm_wire.session import MeterView


class MeterDisplay:
    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._progress: Progress | None = None
        self._is_beginning = False
        self.last: MeterView | None = None

    @property
    def text(self) -> str:
        """What a lens says; nothing before the first session."""
        return meter_view.text(self.last) if self.last is not None else ""

    def moved(self, meter: MeterView) -> bool:
        """Whether what does not tick each second is to be drawn anew: a minute is over, or it stopped or goes on."""
        before, self.last = self.last, meter
        if self._editor.claims.meter:
            return False
        if self._progress is not None:
            self._progress.report(self.text)
        elif not self._is_beginning and meter.state != "ended":
            self._is_beginning = True
            self._editor.later(self._begin())
        is_told = before is not None and _told(before) == _told(meter)
        if not is_told:
            self._editor.refresh_marks()
        if meter.state == "ended":
            self.over()
        return not is_told

    def over(self) -> None:
        if self._progress is not None:
            self._progress.end(self.text)
            self._progress = None

    async def _begin(self) -> None:
        progress = await self._editor.progress("Codementor", self.text)
        self._is_beginning = False
        if self.last is not None and self.last.state == "ended":
            progress.end(self.text)
        else:
            self._progress = progress


def _told(meter: MeterView) -> tuple[object, ...]:
    minutes = meter.counted_seconds // 60
    return meter.state, meter.warned, meter.paused_why, meter.amount, meter.cap_amount, minutes
