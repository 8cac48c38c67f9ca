"""When to look at a text that is being typed: once its user pauses, and now and then while they do not."""

from dataclasses import dataclass
from typing import Final

SETTLED_SECONDS: Final = 1.0
LATEST_SECONDS: Final = 5.0
"""Who types without a pause is looked after all the same."""


@dataclass(slots=True)
class Settling:
    """Of one text. Times are the loop's, in seconds; noting a change is all that happens on a key's path."""

    _since: float | None = None
    """When the first change came that was not looked at yet."""

    _last: float = 0.0
    is_looking: bool = False
    """Set by `taken`; whoever looks takes it back."""

    def changed(self, now: float) -> None:
        self._last = now
        self._since = self._since or now

    def taken(self, now: float) -> bool:
        """Whether to look now; what was noted counts as looked at from here on."""
        if self._since is None or self.is_looking:
            return False
        if now - self._last < SETTLED_SECONDS and now - self._since < LATEST_SECONDS:
            return False
        self._since, self.is_looking = None, True
        return True
