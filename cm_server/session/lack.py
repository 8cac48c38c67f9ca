"""What one connection's edits rest on and the room has not got: when to ask for it, when to wait, when to give up.

Decides only. A guess that would be wrong: a gap is a fault. Who types while their connection comes back sends edits that
follow on the answer that is still under way; and after a crash a person's text may rest on the other's, who has to bring it.
"""

from typing import Final, Literal

GAPS_MAX: Final = 2
WAIT_SECONDS_MAX: Final = 60.0

Verdict = Literal["ask", "wait", "refuse"]


class Lack:
    __slots__ = ("_gaps", "_has_dropped", "_is_asked", "_waits_since")

    def __init__(self) -> None:
        """A connection begins with the question what it has."""
        self._gaps = 0
        self._is_asked = True
        self._has_dropped = False
        self._waits_since: float | None = None

    @property
    def waits(self) -> bool:
        """Whether all that this person has was offered, and rests on what somebody else must bring."""
        return self._waits_since is not None

    @property
    def is_nothing(self) -> bool:
        """Whether all that came has been taken, as far as can be known: nothing was left out, nothing is still to be brought."""
        return not self._is_asked and self._waits_since is None

    def asked(self) -> None:
        self._is_asked = True
        self._has_dropped = False
        self._waits_since = None

    def answered(self, now: float, *, is_whole: bool) -> bool:
        """All that the person has came. Not whole: something in it rests on another's text that is not known here.

        Returns whether to ask once more: a piece that came before was left out, and this last one may not repeat it.
        """
        self._is_asked = False
        self._waits_since = None if is_whole else now
        return is_whole and self._has_dropped

    def admitted(self) -> None:
        self._gaps = 0

    def gap(self, now: float) -> Verdict:
        """What to do about an edit that rests on what is not known."""
        if self._waits_since is not None:
            return "wait" if now - self._waits_since < WAIT_SECONDS_MAX else "refuse"
        if self._is_asked:
            self._has_dropped = True
            return "wait"
        self._gaps += 1
        return "ask" if self._gaps <= GAPS_MAX else "refuse"
