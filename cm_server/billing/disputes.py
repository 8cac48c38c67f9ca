"""A bank took money back for its customer: freeze the payout, book what moved, tell the operator.

Owns: the effect of a dispute's states. Does not own: the evidence sent (an operator does, from the receipt).
"""

from sqlmodel import Session

from cm_server.billing import journals, ledger, store
from cm_server.billing import model as tables
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway_reports import Dispute, DisputeStatus

_CLOSED = {
    DisputeStatus.WON: "won",
    DisputeStatus.LOST: "lost",
    DisputeStatus.WARNING_CLOSED: "closed",
}


def apply(session: Session, dispute: Dispute, at_ms: int) -> str:
    """Again, or late, it changes nothing. Returns what it did, for the inbox."""
    hold = store.hold_of_charge(session, dispute.charge)
    if hold is None:
        return "unknown charge"
    payment = PaymentId(hold.payment_id)
    row = session.get(tables.Dispute, dispute.ref)
    if row is None:
        row = tables.Dispute(
            ref=dispute.ref,
            payment_id=payment,
            amount_minor=dispute.amount.minor,
            state="warning" if dispute.status is DisputeStatus.WARNING else "open",
        )
        session.add(row)
    if row.state in _CLOSED.values():
        return "over already"
    if dispute.status in (DisputeStatus.WARNING, DisputeStatus.WARNING_CLOSED):
        row.state = _CLOSED.get(dispute.status, row.state)
        return row.state
    ledger.append(
        session, journals.dispute_opened(dispute.ref, payment, dispute.amount), at_ms=at_ms
    )
    row.state = _CLOSED.get(dispute.status, "open")
    _open_case(session, dispute, payment, at_ms)
    if row.state in ("won", "lost"):
        close = journals.dispute_won if row.state == "won" else journals.dispute_lost
        ledger.append(session, close(dispute.ref, payment, dispute.amount), at_ms=at_ms)
    return row.state


def _open_case(session: Session, dispute: Dispute, payment: PaymentId, at_ms: int) -> None:
    due = f" before {dispute.evidence_due_at:%Y-%m-%d}" if dispute.evidence_due_at else ""
    store.open_case(
        session,
        f"dispute:{dispute.ref}",
        "dispute",
        payment,
        f"A bank disputes {dispute.amount} ({dispute.reason}); send the receipt as evidence{due}.",
        {"dispute": dispute.ref, "charge": dispute.charge},
        at_ms,
    )
