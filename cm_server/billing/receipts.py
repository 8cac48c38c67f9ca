"""Issues receipts: numbered without gaps, immutable, one for each session, in the transaction that queues the charge.

Owns: numbers and the stored documents. Does not own: what a bill comes to (`receipt_document`) or its text for people.
"""

import base64
import hashlib
from dataclasses import dataclass

import msgspec
from sqlmodel import Session, col, func, select

from cm_server.billing import receipt_document
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Payment, Receipt
from cm_server.billing.receipt_document import Document
from cm_server.session import events
from cm_server.session.standing import Standing
from cm_wire.ids import ReceiptId, SessionId
from cm_wire.money import Money


@dataclass(frozen=True, slots=True)
class Issued:
    """What is told at the end; `amount` is what is taken, which is nothing below the card network's minimum."""

    receipt_id: ReceiptId
    number: int
    payment_id: PaymentId
    amount: Money
    billed_seconds: int


def issue(session: Session, standing: Standing, payment: Payment, *, at_ms: int) -> Issued:
    """The caller has decided what is taken (`payment.gross_minor`); the rest follows from the session's log."""
    log = events.read(session, standing.session_id)
    number = (session.exec(select(func.max(Receipt.number))).one() or 0) + 1
    document = receipt_document.sealed(
        Document(
            format=receipt_document.FORMAT,
            number=number,
            receipt_id=_id_of(standing.session_id),
            payment_id=payment.id,
            session_id=standing.session_id,
            learner=standing.learner,
            learner_name=standing.learner_name,
            mentor=standing.mentor,
            mentor_name=standing.mentor_name,
            issued_at_ms=at_ms,
            bill=receipt_document.bill_of(log),
            charged=Money(payment.gross_minor, payment.currency),
            log=receipt_document.entries(log),
            log_hash=log[-1].hash,
        )
    )
    session.add(
        Receipt(
            number=number,
            id=document.receipt_id,
            session_id=standing.session_id,
            payment_id=payment.id,
            document=receipt_document.encoded(document),
            sha256=document.digest,
            issued_at_ms=at_ms,
        )
    )
    session.flush()
    return _issued(document)


def of_session(session: Session, session_id: SessionId) -> Issued | None:
    document = document_of(session, session_id)
    return None if document is None else _issued(document)


def document_of(session: Session, session_id: SessionId) -> Document | None:
    row = session.exec(select(Receipt).where(Receipt.session_id == session_id)).one_or_none()
    return None if row is None else msgspec.json.decode(row.document, type=Document)


def by_number(session: Session, number: int) -> Document | None:
    row = session.get(Receipt, number)
    return None if row is None else msgspec.json.decode(row.document, type=Document)


def all_documents(session: Session) -> list[Document]:
    rows = session.exec(select(Receipt).order_by(col(Receipt.number)))
    return [msgspec.json.decode(row.document, type=Document) for row in rows]


def _id_of(session_id: SessionId) -> ReceiptId:
    """From the session's id, so that issuing needs no randomness and a repetition gives the same."""
    digest = hashlib.sha256(f"receipt {session_id}".encode()).digest()[:16]
    return ReceiptId(f"rcp_{base64.b32encode(digest).decode().rstrip('=').lower()}")


def _issued(document: Document) -> Issued:
    return Issued(
        receipt_id=ReceiptId(document.receipt_id),
        number=document.number,
        payment_id=PaymentId(document.payment_id),
        amount=document.charged,
        billed_seconds=document.bill.billed_seconds,
    )
