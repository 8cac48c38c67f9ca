"""A rate with a burst: so many a second, and that many saved up at most."""


class TokenBucket:
    """Times are monotonic milliseconds of one boot; kept in thousandths of a token so that no float drifts."""

    def __init__(self, per_second: int, burst: int, now_ms: int) -> None:
        self._per_second = per_second
        self._full = burst * 1000
        self._left = self._full
        self._at_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Whether one more is within the rate; if so it is counted."""
        if self.is_empty(now_ms):
            return False
        self._left -= 1000
        return True

    def is_empty(self, now_ms: int) -> bool:
        """Whether one more would be too much."""
        earned = max(0, now_ms - self._at_ms) * self._per_second
        self._left = min(self._full, self._left + earned)
        self._at_ms = max(self._at_ms, now_ms)
        return self._left < 1000
