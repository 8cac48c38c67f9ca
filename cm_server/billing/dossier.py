"""All that one transaction knows of some payments, and all it will write of them, each read and written once.

Owns: locking payments in one order, reading them and their holds together, writing calls and journals together at the
end. Does not own: any decision. A guess that would be wrong: what is queued or booked here is in the database at once. It
is there after `close`; changes of payments and holds likewise, so nothing in between may read them by SQL.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby

from sqlmodel import Session, col, select

from cm_server.billing import calls, ledger, store
from cm_server.billing.ledger import Journal
from cm_server.billing.model import Hold, Payment
from cm_server.billing.store import NewCall
from cm_wire import faults


class Dossier:
    """`at_ms` is the moment of everything in it."""

    def __init__(self, session: Session, at_ms: int) -> None:
        self.session = session
        self.at_ms = at_ms
        self._payments: dict[str, Payment] = {}
        self._holds: dict[str, list[Hold]] = {}
        self._calls: list[NewCall] = []
        self._journals: list[Journal] = []

    def load(self, payment_ids: Iterable[str]) -> None:
        """Read and lock payments with their holds. Who needs several loads them at once, so that none waits in a circle."""
        wanted = sorted(set(payment_ids) - self._payments.keys())
        if not wanted:
            return
        locked = select(Payment).where(col(Payment.id).in_(wanted)).order_by(col(Payment.id))
        for payment in self.session.exec(locked.with_for_update()):
            self._payments[payment.id] = payment
            self._holds[payment.id] = []
        holds = select(Hold).where(col(Hold.payment_id).in_(wanted))
        rows = self.session.exec(holds.order_by(col(Hold.payment_id), col(Hold.number)))
        for payment_id, of_payment in groupby(rows, key=lambda hold: hold.payment_id):
            self._holds[payment_id] = list(of_payment)

    def find(self, payment_id: str) -> Payment | None:
        self.load([payment_id])
        return self._payments.get(payment_id)

    def payment(self, payment_id: str) -> Payment:
        found = self.find(payment_id)
        if found is None:
            raise faults.refusal("no-such-ask", "There is no payment for this ask.")
        return found

    def holds(self, payment: Payment) -> list[Hold]:
        """By number, those added here too."""
        self.load([payment.id])
        return self._holds[payment.id]

    def hold(self, payment: Payment, key: str) -> Hold:
        return next(hold for hold in self.holds(payment) if hold.key == key)

    def add_hold(self, payment: Payment, hold: Hold) -> None:
        self.session.add(hold)
        self.holds(payment).append(hold)

    def queue(self, key: str, payment: Payment, call: calls.Call) -> None:
        """A call to make, once for each key."""
        self._calls.append(NewCall(key, payment.id, payment.id, call, self.at_ms))

    def book(self, journal: Journal) -> None:
        self._journals.append(journal)

    def queued(self, payment: Payment) -> list[str]:
        """The keys of the calls queued here for a payment, in their order."""
        return [call.key for call in self._calls if call.payment_id == payment.id]

    def close(self) -> None:
        """Write it all; raises what the ledger refuses."""
        self.session.flush()
        store.enqueue_all(self.session, self._calls)
        ledger.append_all(self.session, self._journals, at_ms=self.at_ms)


@contextmanager
def opened(session: Session, at_ms: int, payment_ids: Iterable[str] = ()) -> Iterator[Dossier]:
    """A dossier that is closed at the end of the block; an exception writes nothing of it."""
    papers = Dossier(session, at_ms)
    with session.no_autoflush:
        papers.load(payment_ids)
        yield papers
        papers.close()
