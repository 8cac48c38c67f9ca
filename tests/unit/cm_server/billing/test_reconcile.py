"""Each cause that a difference between the two books can have, by its name."""

from datetime import UTC, datetime

import pytest

from cm_server.billing import reconcile
from cm_server.billing.gateway_reports import BalanceEntry, BalanceEntryRef, BalanceKind
from cm_server.billing.ledger import Posting
from cm_server.billing.reconcile import Difference

AT = datetime(2026, 1, 5, tzinfo=UTC)


def line(
    source: str, minor: int, kind: BalanceKind = BalanceKind.CHARGE, currency: str = "usd"
) -> BalanceEntry:
    ref = BalanceEntryRef(f"txn_{source}")
    return BalanceEntry(ref, kind, currency, minor, 0, minor, source, AT, AT)


def booked(cause: str, minor: int, phase: str = "single") -> Posting:
    return Posting(1, "key", "charged", 0, "p", "USD:gateway", "USD:escrow:p", minor, phase, cause)


def only(lines: list[BalanceEntry], postings: list[Posting]) -> Difference:
    [found] = reconcile.differences_between(lines, postings)
    return found


def test_what_both_say_alike_is_no_difference() -> None:
    lines = [line("ch_1", 700), line("ch_1", -34, BalanceKind.FEE)]
    assert reconcile.differences_between(lines, [booked("ch_1", 666)]) == []


def test_booked_here_alone_it_is_not_on_the_statement_or_never_happened() -> None:
    found = only([], [booked("ch_1", 666)])
    assert (found.ledger_minor, found.provider_minor) == (666, 0)
    assert "not on the provider's statement" in found.cause


@pytest.mark.parametrize("kind", list(BalanceKind))
def test_there_alone_it_is_a_lost_webhook_or_was_made_by_hand(kind: BalanceKind) -> None:
    found = only([line("x_1", -500, kind)], [])
    assert (found.ledger_minor, found.provider_minor) == (0, -500)
    assert found.cause.startswith(f"a {kind.value} that no call or event of ours explains")
    assert "lost webhook" in found.cause


def test_with_different_amounts_on_both_sides_the_kind_is_named() -> None:
    found = only([line("re_1", -300, BalanceKind.REFUND)], [booked("re_1", -200)])
    assert found.cause == "both know this refund, with different amounts"


def test_a_reservation_moves_nothing_there() -> None:
    assert reconcile.differences_between([], [booked("hold", 2000, "pending")]) == []


def test_two_currencies_under_one_reference_are_two_comparisons() -> None:
    euros = line("ch_1", 10, currency="eur")
    found = only([line("ch_1", 666), euros], [booked("ch_1", 666)])
    assert (found.currency, found.provider_minor) == ("EUR", 10)


def test_a_difference_is_one_line_a_person_can_act_on() -> None:
    found = only([line("ch_1", 700)], [booked("ch_1", 666)])
    assert str(found) == (
        "ch_1: the provider says $7.00, the ledger $6.66: "
        "both know this charge, with different amounts"
    )
