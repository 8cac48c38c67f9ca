"""Gives up a debt that will not be paid, for a reason that is kept.

Owns: that what a session's learner owes is expected no more: it is tried on no card again and blocks no ask. Does not own:
what is owed (`debts`). What the card did pay of the session stays the mentor's and ours. A guess that would be wrong: this
is a loss in the books. What is owed is nobody's income until it is paid, so nothing is lost that was ever counted.
"""

from dataclasses import dataclass

from sqlmodel import Session

from cm_server.billing import debts, dossier, effects, journals, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.dossier import Dossier
from cm_server.billing.model import Case, Payment
from cm_wire import faults
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money

CASE_KIND = "debt-written-off"


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """`case_number` is where amount and reason stand, as `says` does; it may have been done before."""

    case_number: int
    says: str
    is_new: bool


def write_off(session: Session, at_ms: int, session_id: SessionId, reason: str) -> WrittenOff:
    """Done again it changes nothing. Refuses where nothing is owed."""
    known = store.payment_of_session(session, session_id)
    if known is None:
        raise faults.refusal(
            "no-such-session", f"There is no paid session {session_id}.", "cm-server debts"
        )
    # Locked, so that of two at once the later sees what the first has done.
    known = store.payment(session, PaymentId(known.id))
    key = journals.debt_written_off_key(PaymentId(known.id))
    before = store.case_by_key(session, key)
    if before is not None:
        return _told(before, is_new=False)
    with dossier.opened(session, at_ms, [known.id]) as papers:
        payment = papers.payment(known.id)
        amount = _take_out(papers, payment)
        learner = PersonId(payment.learner)
        papers.book(journals.debt_written_off(PaymentId(payment.id), learner, amount))
    evidence = {"amount": str(amount)}
    case = store.open_case(session, key, CASE_KIND, known.id, reason, evidence, at_ms)
    case.state, case.decision = "decided", f"{amount} written off. {reason}"
    case.decided_at_ms = at_ms
    return _told(case, is_new=True)


def _take_out(papers: Dossier, payment: Payment) -> Money:
    owing = debts.owing_holds(papers.holds(payment)) if payment.state == "owed" else []
    if not owing or not effects.move(payment, "written-off"):
        raise faults.refusal(
            "wrong-state", f"Nothing is owed for session {payment.session_id}.", "cm-server debts"
        )
    amount = Money(sum(hold.to_capture_minor for hold in owing), payment.currency)
    for hold in owing:
        hold.to_capture_minor = 0
        if hold.state == "challenged":
            effects.queue_void(papers, payment, hold)
    return amount


def _told(case: Case, *, is_new: bool) -> WrittenOff:
    assert case.number is not None
    return WrittenOff(case.number, case.decision, is_new)
