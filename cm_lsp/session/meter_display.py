"""The meter in an editor that does not draw it: as progress, and as text for a lens.

Owns the one progress that stands as long as a session does. Never on one channel alone: some editors show progress, some
lenses, some neither.
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

    def moved(self, meter: MeterView) -> None:
        paused_or_warned = self.last is None or (self.last.state, self.last.warned) != (
            meter.state,
            meter.warned,
        )
        self.last = meter
        if self._editor.claims.meter:
            return
        if self._progress is not None:
            self._progress.report(self.text)
        elif not self._is_beginning and meter.state != "ended":
            self._is_beginning = True
            self._editor.later(self._begin())
        if paused_or_warned:
            self._editor.refresh_marks()
        if meter.state == "ended":
            self.over()

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
