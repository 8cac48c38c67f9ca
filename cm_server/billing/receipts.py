"""Issues receipts: numbered without gaps, immutable, one for each session, in the transaction that queues the charge.

Owns: numbers and the stored documents. Does not own: what a bill comes to (`receipt_document`) or its text for people.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Table, func, insert, select, text
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from cm_server.billing import receipt_document
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Payment, Receipt
from cm_server.billing.receipt_document import Bill, Document
from cm_server.session.events import Recorded
from cm_server.session.register import Parties
from cm_wire.ids import ReceiptId, SessionId
from cm_wire.money import Money

_RECEIPTS: Final[Table] = Receipt.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Issued:
    """What is told at the end; `amount` is what is taken, which is nothing below the card network's minimum."""

    receipt_id: ReceiptId
    number: int
    payment_id: PaymentId
    amount: Money
    billed_seconds: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What a receipt is made of. What is taken (`payment.gross_minor`) is decided; `bill` follows from `log`."""

    parties: Parties
    payment: Payment
    log: Sequence[Recorded]
    bill: Bill


def issue_all(
    session: Session, endings: Sequence[Ending], *, at_ms: int
) -> dict[SessionId, Issued]:
    """One receipt for each, with the next numbers."""
    if not endings:
        return {}
    number = _last_number(session)
    documents = [
        _document(ending, number + place, at_ms) for place, ending in enumerate(endings, start=1)
    ]
    session.connection().execute(
        insert(_RECEIPTS),
        [
            {
                "number": document.number,
                "id": document.receipt_id,
                "session_id": document.session_id,
                "payment_id": document.payment_id,
                "document": receipt_document.encoded(document),
                "sha256": document.digest,
                "issued_at_ms": at_ms,
            }
            for document in documents
        ],
    )
    return {SessionId(document.session_id): _issued(document) for document in documents}


def of_session(session: Session, session_id: SessionId) -> Issued | None:
    return of_sessions(session, [session_id]).get(session_id)


def of_sessions(session: Session, session_ids: Sequence[SessionId]) -> dict[SessionId, Issued]:
    """Those of them that have a receipt."""
    rows = session.connection().execute(
        select(_RECEIPTS.c.document).where(_RECEIPTS.c.session_id.in_(session_ids))
    )
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    return {SessionId(document.session_id): _issued(document) for document in documents}


def document_of(session: Session, session_id: SessionId) -> Document | None:
    row = session.exec(select_rows(Receipt).where(Receipt.session_id == session_id)).one_or_none()
    return None if row is None else msgspec.json.decode(row.document, type=Document)


def by_number(session: Session, number: int) -> Document | None:
    row = session.get(Receipt, number)
    return None if row is None else msgspec.json.decode(row.document, type=Document)


def all_documents(session: Session) -> list[Document]:
    rows = session.exec(select_rows(Receipt).order_by(col(Receipt.number)))
    return [msgspec.json.decode(row.document, type=Document) for row in rows]


def _last_number(session: Session) -> int:
    """Held until the transaction ends, so that no other process gives the same number."""
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(text("LOCK TABLE receipt IN SHARE ROW EXCLUSIVE MODE"))
    return session.connection().execute(select(func.max(_RECEIPTS.c.number))).scalar() or 0


def _document(ending: Ending, number: int, at_ms: int) -> Document:
    parties, payment = ending.parties, ending.payment
    return receipt_document.sealed(
        Document(
            format=receipt_document.FORMAT,
            number=number,
            receipt_id=_id_of(parties.session_id),
            payment_id=payment.id,
            session_id=parties.session_id,
            learner=parties.learner,
            learner_name=parties.learner_name,
            mentor=parties.mentor,
            mentor_name=parties.mentor_name,
            issued_at_ms=at_ms,
            bill=ending.bill,
            charged=Money(payment.gross_minor, payment.currency),
            log=receipt_document.entries(ending.log),
            log_hash=ending.log[-1].hash,
        )
    )


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
