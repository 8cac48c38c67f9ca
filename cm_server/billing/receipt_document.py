"""A receipt as data: what it says, and the part of it that anyone can recompute from the log inside it.

Owns: the document's members and their meaning. Does not own: issuing (`receipts`), checking (`receipt_check`), storage.
Pure: the same log gives the same bill on any machine.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from cm_server.meter import minutes, rating
from cm_server.meter import store as meter_store
from cm_server.meter.facts import MeterOpened
from cm_server.session.events import Moment, Recorded
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money, zero

FORMAT: Final = "codementor-receipt/1"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of the session's log, sealed by `hash` over itself and all before it."""

    number: int
    kind: str
    payload: str
    by: str
    at_ms: int
    boot_id: str
    monotonic_ms: int
    hash: str


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """`spans` are UTC milliseconds, from and until, more than one when the minute was interrupted."""

    number: int
    seconds: int
    spans: tuple[tuple[int, int], ...]


class Unbilled(msgspec.Struct, frozen=True, kw_only=True):
    from_utc_ms: int
    until_utc_ms: int
    why: str


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """All of this follows from the log. `amount` is the price of the minutes; `payable` is 0 where cards take no so small sum."""

    terms: MeterOpened
    cap_seconds: int
    counted_ms: int
    billed_seconds: int
    amount: Money
    payable: Money
    mentor_share: Money
    commission: Money
    minutes: tuple[Minute, ...]
    not_billed: tuple[Unbilled, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """`charged` is what is taken from the card; less than `payable` only where the holds could not be captured to it."""

    format: str
    number: int
    receipt_id: str
    payment_id: str
    session_id: str
    learner: str
    learner_name: str
    mentor: str
    mentor_name: str
    issued_at_ms: int
    bill: Bill
    charged: Money
    log: tuple[Entry, ...]
    log_hash: str
    digest: str = ""


def bill_of(log: Sequence[Recorded]) -> Bill:
    """Recompute a session's bill; raises `minutes.FactsContradict` or `msgspec.ValidationError` for a log that lies."""
    folded = minutes.fold(meter_store.facts_in(log))
    amount = folded.amount
    payable = amount if rating.is_chargeable(amount) else zero(amount.currency)
    commission = rating.BasisPoints(folded.terms.commission_basis_points)
    mentor_share, ours = rating.split(payable, commission)
    return Bill(
        terms=folded.terms,
        cap_seconds=folded.cap_seconds,
        counted_ms=folded.counted_ms,
        billed_seconds=folded.billed_seconds,
        amount=amount,
        payable=payable,
        mentor_share=mentor_share,
        commission=ours,
        minutes=tuple(
            Minute(number=piece.number, seconds=piece.seconds, spans=piece.spans)
            for piece in minutes.billed_pieces(folded)
        ),
        not_billed=tuple(
            Unbilled(from_utc_ms=gap.from_utc_ms, until_utc_ms=gap.until_utc_ms, why=gap.why)
            for gap in minutes.unbilled(folded)
        ),
    )


def entries(log: Sequence[Recorded]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            number=fact.number,
            kind=fact.kind,
            payload=fact.payload,
            by=fact.by,
            at_ms=fact.moment.at_ms,
            boot_id=fact.moment.boot_id,
            monotonic_ms=fact.moment.monotonic_ms,
            hash=fact.hash,
        )
        for fact in log
    )


def recorded(document: Document) -> list[Recorded]:
    """The log inside a receipt, as the session's log has it."""
    return [
        Recorded(
            session_id=SessionId(document.session_id),
            number=entry.number,
            kind=entry.kind,
            payload=entry.payload,
            by=PersonId(entry.by),
            moment=Moment(entry.at_ms, entry.boot_id, entry.monotonic_ms),
            hash=entry.hash,
        )
        for entry in document.log
    ]


def sealed(document: Document) -> Document:
    return msgspec.structs.replace(document, digest=digest_of(document))


def digest_of(document: Document) -> str:
    """SHA-256 over the canonical JSON of everything but the digest itself."""
    blank = msgspec.structs.replace(document, digest="")
    return hashlib.sha256(msgspec.json.encode(blank, order="deterministic")).hexdigest()


def encoded(document: Document) -> str:
    return msgspec.json.encode(document, order="deterministic").decode()
