"""The learner's mode, held on the learner's side too: what the server should not have let through does not stay.

Owns the decision; taking back is the buffer's. The server enforces the mode before it stores anything. This is for a server that
fails to. A change that it has stored cannot be refused here, or the texts would differ for good; it is followed and taken
back as the learner's own edit, so that everybody has the text the learner allowed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cm_lsp.session import views
from cm_wire.session import SessionView

GRACE_SECONDS: Final = 3.0
"""What the mentor typed before the change of mode may still be on its way: facts and edits come on two sockets."""

SAID_EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Missing:
    since: float
    is_other_window: bool


class ModeGuard:
    """Times are the loop's, in seconds."""

    def __init__(self, now: float, is_other_window: Callable[[], bool]) -> None:
        """`is_other_window`: the learner is here with another editor as well, whose edits look like anybody's."""
        self._is_other_window = is_other_window
        self._changed_at = now
        self._said_at = now - SAID_EVERY_SECONDS
        self._missing: _Missing | None = None

    def mode_changed(self, now: float) -> None:
        self._changed_at = now

    def line_lost(self, now: float) -> None:
        """From now on changes are missed here, and who is here is not known."""
        self._missing = _Missing(now, self._is_other_window())

    def is_uncalled_for(self, view: SessionView, now: float, *, was_missed: bool) -> bool:
        """Whether a change of somebody else's goes against the mode.

        `was_missed`: it was made before the line was there again. If the mode was the same when the line was lost, it was all
        the while, for nobody but the learner changes it.
        """
        is_other_window = self._is_other_window()
        if was_missed:
            if self._missing is None:
                return False  # the first time: it was made in whatever modes there were
            now = self._missing.since
            is_other_window = is_other_window or self._missing.is_other_window
        return (
            view.you == "learner"
            and view.mode != "live"
            and not views.is_over(view)
            and not is_other_window
            and now - self._changed_at > GRACE_SECONDS
        )

    def words(self, view: SessionView, now: float) -> str:
        """What to tell the learner; nothing where it was said just now, for it comes with every key of the other side's."""
        if now - self._said_at < SAID_EVERY_SECONDS:
            return ""
        self._said_at = now
        mentor = views.display_name(view.mentor)
        return f"a change of {mentor}'s came although they may not type now; it was taken back."
