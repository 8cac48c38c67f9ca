"""What always holds between our books and the provider's, and what holds once everything has come to rest.

Owns: the comparison, read from our database and from the stand-in's own records. Does not own: the expectation of amounts
(`money_model`). The numbers in the names of the checks' comments are those of the list of invariants in docs/money.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from cm_server.billing import ledger
from cm_server.billing.ledger import Posting
from cm_server.billing.model import Dispute, Hold, OutboxRow, Payment, Payout, Receipt, Refund
from tests.support.market import MENTORS, Market
from tests.support.money_model import LEAST, Paid, mentors_share


def check_rows(session: Session, paid: Mapping[str, Paid]) -> None:
    """Our side alone."""
    for payment in session.exec(select(Payment)):
        holds = session.exec(select(Hold).where(Hold.payment_id == payment.id)).all()
        back = session.exec(select(Refund).where(Refund.payment_id == payment.id)).all()
        captured = sum(hold.captured_minor for hold in holds)
        assert captured <= payment.gross_minor  # 12
        assert all(hold.captured_minor in (0, hold.to_capture_minor) for hold in holds)
        going = sum(one.amount_minor for one in back if one.state != "failed")
        assert going <= payment.refunded_minor <= captured  # 14
        known = paid.get(payment.id)
        if known is not None:
            assert payment.gross_minor == known.gross
            assert sum(one.amount_minor for one in back) == known.asked_back
    for row in session.exec(select(OutboxRow).where(OutboxRow.state == "done")):
        if row.key.endswith(":capture"):
            taken = session.get_one(Hold, row.key.removesuffix(":capture")).captured_minor
            assert not taken or ledger.has(session, row.key)  # 23
    receipts = session.exec(select(Receipt.number).order_by(col(Receipt.number))).all()
    assert list(receipts) == list(range(1, len(receipts) + 1))


def check_books(market: Market, session: Session) -> None:
    """Our books against what our rows say is going on, at any moment."""
    payments = session.exec(select(Payment)).all()
    calls = {row.key: row.state for row in session.exec(select(OutboxRow))}
    for payment in payments:
        _check_ways(session, payment, calls)
    postings = ledger.postings(session)
    assert all(posting.cause for posting in postings)  # 23
    known_there = {line.source for line in market.world.state.balance_lines}
    ours = {p.cause for p in postings if p.phase in ("single", "post") and _moves_gateway(p)}
    assert ours <= known_there, ours - known_there  # 22: nothing is booked that did not happen
    balances = {balance.code: balance.minor for balance in ledger.balances(session)}
    _check_escrow_and_promises(session, payments, balances)
    _check_mentors(session, payments, postings, balances)


def _check_ways(session: Session, payment: Payment, calls: Mapping[str, str]) -> None:
    """Each hold of a payment that is over is at its end, or a call that ends it is on its way. (12, 13)"""
    holds = session.exec(select(Hold).where(Hold.payment_id == payment.id)).all()
    given_up = _moved(session, f"{payment.id}:written-off")
    assert sum(hold.to_capture_minor for hold in holds) == payment.gross_minor - given_up  # 12
    if payment.state in ("authorising", "challenged", "authorised"):
        return
    for hold in holds:
        if hold.state == "requested":
            assert calls[hold.key] != "done", hold
        elif hold.state == "held" and hold.to_capture_minor:
            assert f"{hold.key}:capture" in calls, hold
        elif hold.state in ("held", "challenged") and not hold.to_capture_minor:
            assert f"{hold.key}:void" in calls, hold


def _check_escrow_and_promises(
    session: Session, payments: Sequence[Payment], balances: Mapping[str, int]
) -> None:
    """Escrow is what was taken and is nobody's yet; the reserve is what was promised and has not arrived. (22)"""
    promised: Counter[str] = Counter()
    for payment in payments:
        refunds = session.exec(select(Refund).where(Refund.payment_id == payment.id))
        waiting = [one for one in refunds if one.state in ("requested", "pending", "unsent")]
        promised[payment.currency] += sum(one.amount_minor for one in waiting)
        left = _captured(session, payment.id) - payment.refunded_minor
        escrow = -balances.get(f"{payment.currency}:escrow:{payment.id}", 0)
        assert escrow == (0 if payment.state == "released" else left), payment
    for currency in LEAST:
        assert -balances.get(f"{currency}:refunds-pending", 0) == promised[currency], currency


def _check_mentors(
    session: Session,
    payments: Sequence[Payment],
    postings: Iterable[Posting],
    balances: Mapping[str, int],
) -> None:
    """Sent less reversed, with what is owed either way, is the share of what was taken and not given back. (16)"""
    due: Counter[tuple[str, str]] = Counter()
    for payment in payments:
        if payment.state == "released":
            net = _captured(session, payment.id) - payment.refunded_minor
            due[payment.mentor, payment.currency] += mentors_share(net, payment.currency)
    has: Counter[tuple[str, str]] = Counter()
    for posting in postings:
        currency, _, path = posting.debit.partition(":")
        if posting.kind == "paid-out":
            has[path.split(":")[1], currency] += posting.minor
        if posting.kind == "reversed":
            has[posting.credit.split(":")[2], currency] -= posting.minor
    for mentor in MENTORS:
        for currency in LEAST:
            payable = -balances.get(f"{currency}:mentor:{mentor}:payable", 0)
            owes = balances.get(f"{currency}:mentor:{mentor}:receivable", 0)
            assert has[mentor, currency] + payable - owes == due[mentor, currency]


def _moves_gateway(posting: Posting) -> bool:
    return posting.debit.endswith(":gateway") or posting.credit.endswith(":gateway")


def _moved(session: Session, key: str) -> int:
    return sum(posting.minor for posting in ledger.postings(session) if posting.key == key)


def released(session: Session) -> set[str]:
    return set(session.exec(select(Payment.id).where(Payment.state == "released")))


def check_released(session: Session, fresh: Iterable[str], paid: Mapping[str, Paid], now_ms: int, window_ms: int) -> None:  # fmt: skip
    """Of payments released just now: nothing held them back. (15)"""
    for payment_id in fresh:
        assert now_ms >= paid[payment_id].ended_at_ms + window_ms
        refunds = session.exec(select(Refund).where(Refund.payment_id == payment_id))
        assert not [one for one in refunds if one.state in ("requested", "pending")]
        disputes = session.exec(select(Dispute).where(Dispute.payment_id == payment_id))
        assert not [one for one in disputes if one.state in ("open", "warning")]
        payouts = session.exec(select(Payout).where(Payout.payment_id == payment_id))
        sent = sum(one.amount_minor for one in payouts)
        net = _captured(session, payment_id) - session.get_one(Payment, payment_id).refunded_minor
        assert sent <= mentors_share(net, paid[payment_id].currency)


def _captured(session: Session, payment_id: str) -> int:
    holds = session.exec(select(Hold).where(Hold.payment_id == payment_id))
    return sum(hold.captured_minor for hold in holds)


def check_provider(market: Market) -> None:
    """Their side alone: whatever they were asked, and however often."""
    state = market.world.state
    for table in (state.intents, state.refunds, state.transfers, state.reversals):
        keys = Counter(market.key_of(record) for record in table)
        assert max(keys.values(), default=0) <= 1, keys  # 17
    lines = Counter((line.category, line.source) for line in state.balance_lines if not line.owner)
    assert max(lines.values(), default=0) <= 1, lines
    for intent in state.intents:
        least = LEAST[intent.currency.upper()]
        taken = intent.amount_received
        assert taken == 0 or least <= taken <= intent.amount  # 11
    back: defaultdict[str, int] = defaultdict(int)
    for refund in state.refunds:
        back[refund.charge] += refund.amount if refund.status != "failed" else 0
    for charge in state.charges:
        assert back[charge.id] <= charge.amount_captured  # 14
    for transfer in state.transfers:
        taken = sum(charge.amount_captured for charge in market.charges_of(transfer.group or ""))
        assert transfer.amount <= mentors_share(taken, transfer.currency.upper())


def check_rest(market: Market, session: Session, paid: Mapping[str, Paid]) -> None:
    """Both sides, when nothing moves any more."""
    payments = {payment.id: payment for payment in session.exec(select(Payment))}
    for intent in market.world.state.intents:
        assert intent.status in ("succeeded", "canceled", "requires_payment_method"), intent  # 13
    for known in paid.values():
        captured = sum(charge.amount_captured for charge in market.charges_of(known.id))
        owed = _owed(session, payments[known.id])
        assert captured + owed + known.given_up == known.gross, known  # 12
    _check_accounts(session, payments)
    _check_shares(market, session, payments, paid)
    _check_refunds(market, session, payments)


def _owed(session: Session, payment: Payment) -> int:
    if payment.state != "owed":
        return 0
    holds = session.exec(select(Hold).where(Hold.payment_id == payment.id))
    waiting = ("declined", "challenged", "requested")
    return sum(hold.to_capture_minor for hold in holds if hold.state in waiting)


def _check_accounts(session: Session, payments: Mapping[str, Payment]) -> None:
    owed = sum(_owed(session, payment) for payment in payments.values())
    debts = 0
    for balance in ledger.balances(session):
        kind = balance.code.split(":")[1]
        if kind == "escrow":
            payment = payments[balance.code.split(":", 2)[2]]
            assert balance.minor == 0 or payment.state == "owed", balance  # 22
        if balance.code.endswith((":payable", ":disputes")):
            assert balance.minor == 0, balance
        if balance.code.endswith(":debt"):
            debts += balance.minor
        assert balance.pending_minor == 0, balance  # 21
    assert debts == owed


def _check_shares(
    market: Market, session: Session, payments: Mapping[str, Payment], paid: Mapping[str, Paid]
) -> None:
    """Transfers less reversals are the mentor's share of what is left, as far as it was not set off. (16)"""
    due: Counter[tuple[str, str]] = Counter()
    sent: Counter[tuple[str, str]] = Counter()
    for known in paid.values():
        payment = payments[known.id]
        if payment.state == "released":
            net = _captured(session, known.id) - payment.refunded_minor
            due[known.mentor, known.currency] += mentors_share(net, known.currency)
    for transfer in market.world.state.transfers:
        left = transfer.amount - transfer.amount_reversed
        sent[paid[transfer.group or ""].mentor, transfer.currency.upper()] += left
    balances = {balance.code: balance.minor for balance in ledger.balances(session)}
    for mentor in MENTORS:
        for currency in LEAST:
            owes = balances.get(f"{currency}:mentor:{mentor}:receivable", 0)
            assert sent[mentor, currency] - owes == due[mentor, currency], (mentor, currency)


def _check_refunds(market: Market, session: Session, payments: Mapping[str, Payment]) -> None:
    """Every promise has arrived, was paid another way or was withdrawn. (22)"""
    promised: Counter[str] = Counter()
    for payment in payments.values():
        promised[payment.currency] += payment.refunded_minor
    for refund in market.world.state.refunds:
        assert refund.status != "pending", refund
        if refund.status == "succeeded":
            promised[refund.currency.upper()] -= refund.amount
    for posting in ledger.postings(session):
        if posting.kind in ("refund-paid-otherwise", "refund-withdrawn"):
            promised[posting.debit.partition(":")[0]] -= posting.minor
    assert not any(promised.values()), promised
