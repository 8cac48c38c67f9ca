"""Compares our ledger with the provider's own statement, line by line, and names each difference and its likely cause.

Owns: that comparison, and booking what only the provider knows: its fees and the payouts to our bank. Does not own:
repairing anything else; a difference is for a person, after the sweeper had its chance. Both sides are summed for each of the
provider's references, so the order and number of lines on either side do not matter.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from cm_server.billing import accounts, journals, ledger, store
from cm_server.billing.gateway_reports import BalanceEntry, BalanceKind
from cm_server.billing.ledger import Posting
from cm_server.billing.till import Till
from cm_wire import money
from cm_wire.money import CURRENCIES

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """`ledger_minor` and `provider_minor` are what each says moved into our balance there for `source`."""

    source: str
    currency: str
    ledger_minor: int
    provider_minor: int
    cause: str

    def __str__(self) -> str:
        theirs, ours = self._written(self.provider_minor), self._written(self.ledger_minor)
        return f"{self.source}: the provider says {theirs}, the ledger {ours}: {self.cause}"

    def _written(self, minor: int) -> str:
        if self.currency in CURRENCIES:
            return money.written(minor, self.currency)
        return f"{minor} minor units of {self.currency}"


@dataclass(frozen=True, slots=True)
class Reconciled:
    lines: int
    booked: int
    differences: tuple[Difference, ...]
    ledger_problems: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not self.differences and not self.ledger_problems


async def reconcile(till: Till) -> Reconciled:
    """Reads the provider's whole statement; books missing fees and payouts; changes nothing else."""
    lines = [line async for line in till.gateway.balance_entries(EPOCH)]
    balances = await till.gateway.balances()
    booked = await till.database.write(lambda s: _book_known(s, lines, till.now_ms()))

    def compare(session: Session) -> Reconciled:
        postings = ledger.postings(session)
        differences = differences_between(lines, postings)
        for balance in balances:
            ours = ledger.balance_of(session, accounts.gateway(balance.currency.upper()))
            theirs = balance.available_minor + balance.pending_minor
            if ours != theirs:
                differences.append(
                    Difference("balance", balance.currency.upper(), ours, theirs, _BALANCE)
                )
        return Reconciled(
            len(lines),
            booked,
            tuple(differences),
            tuple(ledger.verify(session)),
            tuple(store.waiting_calls(session)),
        )

    return await till.database.read(compare)


_BALANCE = (
    "the sum of both books differs; the lines above say where, or money moved outside this server"
)


def differences_between(
    lines: Iterable[BalanceEntry], postings: Iterable[Posting]
) -> list[Difference]:
    """Pure: one difference for each reference and currency whose sums are not equal."""
    theirs: defaultdict[tuple[str, str], int] = defaultdict(int)
    kinds: dict[tuple[str, str], BalanceKind] = {}
    for line in lines:
        at = (line.source or line.ref, line.currency.upper())
        theirs[at] += line.net_minor
        kinds[at] = line.kind
    ours: defaultdict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        if posting.phase in ("single", "post"):
            for code, sign in ((posting.debit, 1), (posting.credit, -1)):
                currency, _, name = code.partition(":")
                if name == "gateway":
                    ours[posting.cause, currency] += sign * posting.minor
    return [
        Difference(*at, ours.get(at, 0), theirs.get(at, 0), _cause(at in ours, kinds.get(at)))
        for at in sorted({*theirs, *ours})
        if ours.get(at, 0) != theirs.get(at, 0)
    ]


def _cause(in_ledger: bool, kind: BalanceKind | None) -> str:  # noqa: FBT001 - one private table
    if kind is None:
        return (
            "booked here, but not on the provider's statement: not yet there, or it never happened"
        )
    if not in_ledger:
        return f"a {kind.value} that no call or event of ours explains: a lost webhook, or made by hand there"
    return f"both know this {kind.value}, with different amounts"


def _book_known(session: Session, lines: Iterable[BalanceEntry], at_ms: int) -> int:
    booked = 0
    for line in lines:
        currency = line.currency.upper()
        if currency not in CURRENCIES:
            continue
        source = line.source or line.ref
        if line.fee_minor and line.kind in (BalanceKind.CHARGE, BalanceKind.DISPUTE):
            hold = store.hold_of_charge(session, source)
            payment = hold.payment_id if hold else ""
            journal = journals.fee(source, payment, currency, line.fee_minor)
            booked += _book_once(session, journal, at_ms)
        if line.kind is BalanceKind.FEE:
            booked += _book_once(
                session, journals.fee(source, "", currency, -line.net_minor), at_ms
            )
        if line.kind is BalanceKind.PAYOUT:
            journal = journals.bank_payout(source, currency, -line.net_minor)
            booked += _book_once(session, journal, at_ms)
    return booked


def _book_once(session: Session, journal: ledger.Journal, at_ms: int) -> bool:
    """A fee booked from the answer may differ from the statement; then the difference is reported, not overwritten."""
    return not ledger.has(session, journal.key) and ledger.append(session, journal, at_ms=at_ms)
