"""What learners owe: the price of a session whose card said no when it was to be taken.

Owns: what is owed, since when, how often it was tried and when next. Does not own: charging it anew (`collection`), how it
came about (`effects`). Each function reads in the caller's transaction.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlmodel import Session

from cm_server.billing import store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Hold, Payment
from cm_server.session import register
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money

DAY_MS: Final = 86_400_000
TRIED_AGAIN_AFTER_DAYS: Final = (1, 3, 7)
"""After the session's end, each once; a bank that is asked more often than that trusts us less. Then only the learner can."""


@dataclass(frozen=True, slots=True)
class Debt:
    """`declines` counts every time a card said no to it; `next_try_at_ms` is None once it is the learner's to pay."""

    payment_id: PaymentId
    learner: PersonId
    session_id: SessionId
    mentor_name: str
    amount: Money
    why: str
    since_ms: int
    declines: int
    next_try_at_ms: int | None

    @property
    def says(self) -> str:
        day = datetime.fromtimestamp(self.since_ms // 1000, UTC)
        return (
            f"{self.amount} of your session with {self.mentor_name} on {day:%Y-%m-%d} is not paid: "
            "your card was declined."
        )


def of_learner(session: Session, learner: PersonId) -> Debt | None:
    """The oldest, if there is one."""
    owed = store.payments_owed(session, learner)
    return _debt(session, owed[0]) if owed else None


def all_open(session: Session) -> list[Debt]:
    return [_debt(session, payment) for payment in store.payments_owed(session)]


def owing_holds(holds: list[Hold]) -> list[Hold]:
    """Where what is owed stands: charges that were declined, and holds to pay it that wait for the learner's bank."""
    return [hold for hold in holds if hold.state in _OWING and hold.to_capture_minor]


_OWING: Final = ("declined", "challenged", "requested")


def _debt(session: Session, payment: Payment) -> Debt:
    session_id = SessionId(payment.session_id)
    met = register.parties(session, [session_id]).get(session_id)
    holds = store.holds(session, payment.id)
    since_ms = payment.ended_at_ms or payment.opened_at_ms
    declines = sum(hold.state == "declined" for hold in holds)
    return Debt(
        payment_id=PaymentId(payment.id),
        learner=PersonId(payment.learner),
        session_id=session_id,
        mentor_name=met.mentor_name if met else "a mentor",
        amount=Money(sum(h.to_capture_minor for h in owing_holds(holds)), payment.currency),
        why=payment.why,
        since_ms=since_ms,
        declines=declines,
        next_try_at_ms=_next_try_at_ms(since_ms, declines),
    )


def _next_try_at_ms(since_ms: int, declines: int) -> int | None:
    if declines > len(TRIED_AGAIN_AFTER_DAYS):
        return None
    return since_ms + TRIED_AGAIN_AFTER_DAYS[max(0, declines - 1)] * DAY_MS
