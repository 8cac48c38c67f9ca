"""The whole ledger as plain-text accounting for Beancount: a checker that shares no code with us.

Owns: the text. Does not own: running `bean-check`. Every journal is a transaction with its key; at the end each account is
asserted to have the balance the ledger stores, so a row the database lost would be found by another program.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Final

from cm_server.billing.ledger import Balance, Posting
from cm_wire.money import CURRENCIES

_ROOTS: Final = MappingProxyType(
    {
        "gateway": "Assets",
        "bank": "Assets",
        "escrow": "Liabilities",
        "mentor": "Liabilities",
        "learner": "Assets",
        "refunds-pending": "Liabilities",
        "disputes": "Assets",
        "uncollected": "Liabilities",
        "revenue": "Income",
        "fees": "Expenses",
        "losses": "Expenses",
        "memo": "Equity",
    }
)
OPENED: Final = "2020-01-01"


def text(postings: Sequence[Posting], balances: Sequence[Balance]) -> str:
    return "\n".join(_lines(postings, balances)) + "\n"


def account_name(code: str) -> str:
    """`USD:mentor:per_x:payable` becomes `Liabilities:Mentor:Per-x:Payable:USD`: what Beancount takes for a name."""
    currency, _, path = code.partition(":")
    parts = path.split(":")
    root = _ROOTS[parts[0]]
    if parts[0] == "mentor" and parts[-1] == "receivable":
        root = "Assets"
    return ":".join([root, *(_component(part) for part in parts), currency])


def _lines(postings: Sequence[Posting], balances: Sequence[Balance]) -> Iterator[str]:
    yield 'option "title" "codementor"'
    yield 'option "operating_currency" "USD"'
    yield ""
    for balance in balances:
        yield f"{OPENED} open {account_name(balance.code)} {balance.currency}"
    yield ""
    booked = [posting for posting in postings if posting.phase in ("single", "post")]
    last = OPENED
    for _, legs in groupby(sorted(booked, key=_order), key=lambda posting: posting.journal_id):
        rows = list(legs)
        last = _day(rows[0].at_ms)
        yield from _transaction(last, rows)
    after = _next_day(last)
    for balance in balances:
        amount = _amount(balance.minor, balance.currency)
        yield f"{after} balance {account_name(balance.code)} {amount}"


def _transaction(day: str, legs: Iterable[Posting]) -> Iterator[str]:
    first, *others = legs
    yield f'{day} * "{first.kind}" "{first.key}"'
    for leg in (first, *others):
        currency = leg.debit.partition(":")[0]
        yield f"  {account_name(leg.debit)}  {_amount(leg.minor, currency)}"
        yield f"  {account_name(leg.credit)}  {_amount(-leg.minor, currency)}"
    yield ""


def _order(posting: Posting) -> tuple[str, int]:
    return _day(posting.at_ms), posting.journal_id


def _component(part: str) -> str:
    """Begins with a capital or digit; only letters, digits and hyphens. Ids differ in more than their punctuation."""
    plain = re.sub(r"[^A-Za-z0-9]", "-", part)
    return plain[:1].upper() + plain[1:]


def _amount(minor: int, currency: str) -> str:
    exponent = CURRENCIES[currency].exponent
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**exponent)
    return f"{sign}{whole}{f'.{fraction:0{exponent}}' if exponent else ''} {currency}"


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def _next_day(day: str) -> str:
    return f"{datetime.fromisoformat(day) + timedelta(days=1):%Y-%m-%d}"
