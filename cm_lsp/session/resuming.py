"""How far in the server's log we are, so that after a lost line only what came behind it travels, either way.

Owns when to ask what is on disk, and what an answer means. Does not own our updates (`SessionDocument`) or the line. A guess that
would be wrong: numbers are counted here. Our own edits get numbers too, and only the server knows which; it is asked, and
answers when all that either side had sent by then is on disk, so that no crash takes back what an answer said.
"""

from typing import Final

UPDATES_PER_QUERY: Final = 64
"""What is sent twice after a lost line, at most, besides what came while it was lost."""


class Resuming:
    """Of one document. Begins, as each connection does, behind: what we have is not yet all that the server sent before."""

    def __init__(self, queries: int = 0) -> None:
        """`queries` is how many were sent before, for other documents: answers to them may still come."""
        self.after: int | None = None
        """The number of an update up to which we hold everything; `None` while we know of none."""
        self._query = queries
        self._own_at_query: int | None = None
        self._heard = 0
        self._is_behind = True
        self._is_due = True
        self._is_void = False

    def for_another_document(self) -> "Resuming":
        return Resuming(self._query)

    def fell_behind(self) -> None:
        """The line is new, or something was missing on it."""
        self._is_behind = self._is_due = True
        self._own_at_query = None

    def caught_up(self) -> None:
        """The server's answer to our state is in, or what it sent in place of that."""
        self._is_behind = False

    def heard(self) -> None:
        """An update of somebody else's is in."""
        self._heard += 1

    def left_out(self) -> None:
        """An update was refused here: the state vector alone can tell what we hold, now and later."""
        self._is_void = True
        self.after = None

    def is_due(self, own_unconfirmed: int) -> bool:
        """Whether to ask now."""
        if self._is_behind:
            return False
        news = self._heard + own_unconfirmed - (self._own_at_query or 0)
        return self._is_due or news >= UPDATES_PER_QUERY

    def query(self, own_unconfirmed: int) -> int | None:
        """The query to send, if it is time for one; all our updates were sent before it."""
        if not self.is_due(own_unconfirmed):
            return None
        self._query += 1
        self._heard, self._own_at_query, self._is_due = 0, own_unconfirmed, False
        return self._query

    def answered(self, query: int, number: int) -> int:
        """How many of our oldest unconfirmed updates are on disk by this answer."""
        if query != self._query or self._own_at_query is None:
            return 0
        confirmed, self._own_at_query = self._own_at_query, None
        if not self._is_void:
            self.after = number
        return confirmed
