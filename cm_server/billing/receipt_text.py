"""A receipt as a page of text for people: each billed minute, and why the other time costs nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from cm_server.billing.receipt_document import Document
from cm_wire.printable import terminal

WHY: Final = MappingProxyType(
    {
        "triage": "free until your go",
        "free-part": "free part of the plan",
        "step-not-completed": "no completed minute",
        "learner-paused": "paused by the learner",
        "mentor-paused": "paused by the mentor",
        "learner-away": "the learner was away",
        "mentor-away": "the mentor was away",
        "idle": "nobody did anything",
        "out-of-sync": "the texts were not in sync",
        "cap-reached": "the cap was reached",
        "server-restarted": "the server restarted",
        "ending": "after the end",
    }
)


def text(document: Document) -> str:
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    bill = document.bill
    yield f"Receipt {document.number}  ({document.receipt_id})"
    yield f"Session {document.session_id}, {_day(document.issued_at_ms)}"
    yield f"{terminal(document.learner_name)} was helped by {terminal(document.mentor_name)}"
    yield f"Price: {bill.terms.price_per_quarter} per 15 minutes, completed steps only"
    yield ""
    for minute in bill.minutes:
        spans = ", ".join(f"{_clock(first)}–{_clock(last)}" for first, last in minute.spans)  # noqa: RUF001 - a range
        yield f"  minute {minute.number:>3}   {minute.seconds:>3} s   {spans}"
    if bill.not_billed:
        yield ""
        yield "Not billed:"
    for gap in bill.not_billed:
        seconds = max(0, gap.until_utc_ms - gap.from_utc_ms) // 1000
        yield f"  {_clock(gap.from_utc_ms)}  {seconds:>6} s   {WHY.get(gap.why, terminal(gap.why))}"
    yield ""
    yield f"Billed: {bill.billed_seconds // 60} min {bill.billed_seconds % 60} s"
    yield f"Amount: {bill.amount}"
    if document.charged != bill.amount:
        yield f"Charged: {document.charged} (the rest is waived)"
    yield f"Of it to the mentor: {bill.mentor_share}, commission: {bill.commission}"
    yield "Money back within 72 hours if it did not help."
    yield f"Digest {document.digest}"


def _day(utc_ms: int) -> str:
    return f"{datetime.fromtimestamp(utc_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _clock(utc_ms: int) -> str:
    return f"{datetime.fromtimestamp(utc_ms / 1000, UTC):%H:%M:%S}"
