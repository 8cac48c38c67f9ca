"""Tables of billing beside the ledger: payments and what belongs to them, the outbox and inbox, receipts, cases.

Times are UTC milliseconds since 1970. A payment belongs to an attempt of an ask, for
money is held before there is a session.
Every amount is in minor units of the payment's currency. What moved is the ledger's to say; these rows say what is
going on. Receipts are append-only by the same guards as the ledger.
"""

from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlmodel import Field, Index, SQLModel

from cm_server.billing import ledger_model

_ = ledger_model  # its tables belong to this stage's


class Customer(SQLModel, table=True):
    """A learner at the payment provider."""

    __tablename__ = "billing_customer"

    person: str = Field(primary_key=True, max_length=31)
    ref: str = Field(unique=True)
    setups: int = 0


class Payee(SQLModel, table=True):
    """A mentor's account at the payment provider."""

    __tablename__ = "billing_payee"

    person: str = Field(primary_key=True, max_length=31)
    ref: str = Field(unique=True)
    can_receive: bool = False
    pages: int = 0


class Payment(SQLModel, table=True):
    """All money of one ask and the session it became. `state` moves by `payment_states` alone."""

    __tablename__ = "billing_payment"
    __table_args__ = (CheckConstraint("refunded_minor >= 0", name="payment_refunded_whole"),)

    id: str = Field(primary_key=True, max_length=64)
    ask_id: str = Field(index=True, max_length=31)
    learner: str = Field(index=True)
    mentor: str = ""
    session_id: str = Field(default="", index=True)
    currency: str = Field(max_length=3)
    commission_basis_points: int
    state: str = Field(index=True)
    why: str = ""
    gross_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)
    opened_at_ms: int = Field(sa_type=BigInteger)
    ended_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class Hold(SQLModel, table=True):
    """One reservation on the card, or the charge made in place of a lost one; `key` is its outbox key."""

    __tablename__ = "billing_hold"
    __table_args__ = (
        CheckConstraint("captured_minor <= amount_minor", name="hold_covers_capture"),
        Index("hold_by_payment", "payment_id", "number"),
    )

    key: str = Field(primary_key=True, max_length=255)
    payment_id: str = Field(foreign_key="billing_payment.id")
    number: int
    amount_minor: int = Field(sa_type=BigInteger)
    state: str
    ref: str = Field(default="", index=True)
    card_ref: str
    capture_before_ms: int | None = Field(default=None, sa_type=BigInteger)
    challenge_url: str = Field(default="", sa_type=Text)
    to_capture_minor: int = Field(default=0, sa_type=BigInteger)
    captured_minor: int = Field(default=0, sa_type=BigInteger)
    charge_ref: str = Field(default="", index=True)
    reason: str = ""


class Refund(SQLModel, table=True):
    """One part of a refund: what goes back to one charge."""

    __tablename__ = "billing_refund"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="refund_positive"),)

    key: str = Field(primary_key=True, max_length=255)
    payment_id: str = Field(foreign_key="billing_payment.id", index=True)
    hold_key: str = Field(foreign_key="billing_hold.key")
    number: int
    amount_minor: int = Field(sa_type=BigInteger)
    state: str
    ref: str = ""
    reason: str = Field(default="", sa_type=Text)


class Payout(SQLModel, table=True):
    """What the mentor gets of one charge, once the window is over; `reversed_minor` was asked back since."""

    __tablename__ = "billing_payout"
    __table_args__ = (
        CheckConstraint("reversed_minor <= amount_minor", name="payout_covers_reversal"),
    )

    key: str = Field(primary_key=True, max_length=255)
    payment_id: str = Field(foreign_key="billing_payment.id", index=True)
    mentor: str = Field(index=True)
    hold_key: str = Field(foreign_key="billing_hold.key")
    amount_minor: int = Field(sa_type=BigInteger)
    state: str
    ref: str = Field(default="", index=True)
    reversed_minor: int = Field(default=0, sa_type=BigInteger)
    reversals: int = 0
    reason: str = ""


class OutboxRow(SQLModel, table=True):
    """A call to make, with its arguments as they will be sent each time. Done in order within a `lane`."""

    __tablename__ = "billing_outbox"
    __table_args__ = (Index("outbox_open", "state", "lane", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=255)
    call_key: str = Field(unique=True, max_length=255)
    lane: str
    payment_id: str
    call: str = Field(sa_type=Text)
    state: str
    attempts: int = 0
    stored_failures: int = 0
    due_at_ms: int = Field(sa_type=BigInteger)
    leased_until_ms: int = Field(default=0, sa_type=BigInteger)
    first_sent_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    made_at_ms: int = Field(sa_type=BigInteger)
    last_error: str = Field(default="", sa_type=Text)


class InboxRow(SQLModel, table=True):
    """An event of the provider that had its effect; the same id with another body is an alarm."""

    __tablename__ = "billing_inbox"

    event_id: str = Field(primary_key=True, max_length=255)
    type: str
    body_sha256: str = Field(max_length=64)
    received_at_ms: int = Field(sa_type=BigInteger)
    effect: str


class Dispute(SQLModel, table=True):
    __tablename__ = "billing_dispute"

    ref: str = Field(primary_key=True, max_length=255)
    payment_id: str = Field(index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    state: str


class Case(SQLModel, table=True):
    """Something an operator must decide; `evidence` is JSON as it was when the case was opened."""

    __tablename__ = "billing_case"

    number: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=255)
    kind: str
    payment_id: str = Field(index=True)
    state: str = Field(index=True)
    said: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    decision: str = Field(default="", sa_type=Text)
    opened_at_ms: int = Field(sa_type=BigInteger)
    decided_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class Receipt(SQLModel, table=True):
    """Numbered without gaps, never changed; `document` is the whole JSON."""

    __tablename__ = "receipt"

    number: int = Field(primary_key=True)
    id: str = Field(unique=True, max_length=31)
    session_id: str = Field(unique=True, max_length=31)
    payment_id: str = Field(index=True)
    document: str = Field(sa_type=Text)
    sha256: str = Field(max_length=64)
    issued_at_ms: int = Field(sa_type=BigInteger)
