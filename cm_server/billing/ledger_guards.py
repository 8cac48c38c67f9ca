"""The ledger's rules as database triggers, once for SQLite and once for PostgreSQL.

Owns: their text. A row that breaks a rule fails with a sentence that starts with `ledger:`. Both dialects say the same;
the conformance suite holds them to it.
"""

from typing import Final

APPEND_ONLY: Final = ("ledger_journal", "ledger_transfer", "receipt")

_MOVE: Final = """
UPDATE ledger_account SET
  dr = dr + CASE WHEN NEW.phase IN ('single', 'post') THEN NEW.amount ELSE 0 END,
  dr_pending = dr_pending + CASE NEW.phase
    WHEN 'pending' THEN NEW.amount
    WHEN 'single' THEN 0
    ELSE -(SELECT amount FROM ledger_transfer WHERE id = NEW.pending_id) END
WHERE code = NEW.debit;
UPDATE ledger_account SET
  cr = cr + CASE WHEN NEW.phase IN ('single', 'post') THEN NEW.amount ELSE 0 END,
  cr_pending = cr_pending + CASE NEW.phase
    WHEN 'pending' THEN NEW.amount
    WHEN 'single' THEN 0
    ELSE -(SELECT amount FROM ledger_transfer WHERE id = NEW.pending_id) END
WHERE code = NEW.credit;
"""

_RULES: Final = (
    (
        "two currencies in one transfer",
        """(SELECT currency FROM ledger_account WHERE code = NEW.debit)
        <> (SELECT currency FROM ledger_account WHERE code = NEW.credit)""",
    ),
    (
        "the reservation is not one between these accounts",
        """NEW.pending_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM ledger_transfer reserved WHERE reserved.id = NEW.pending_id
          AND reserved.phase = 'pending' AND reserved.debit = NEW.debit
          AND reserved.credit = NEW.credit)""",
    ),
    (
        "more than was reserved",
        """NEW.phase = 'post' AND NEW.amount >
        (SELECT amount FROM ledger_transfer WHERE id = NEW.pending_id)""",
    ),
    (
        "a void is of the whole reservation",
        """NEW.phase = 'void' AND NEW.amount <>
        (SELECT amount FROM ledger_transfer WHERE id = NEW.pending_id)""",
    ),
)


def statements(dialect: str) -> tuple[str, ...]:
    return _sqlite() if dialect == "sqlite" else _postgresql()


def _sqlite() -> tuple[str, ...]:
    rules = "\n".join(
        f"SELECT RAISE(ABORT, 'ledger: {sentence}') WHERE {broken};" for sentence, broken in _RULES
    )
    moves = (
        f"CREATE TRIGGER IF NOT EXISTS ledger_transfer_rules BEFORE INSERT ON ledger_transfer "
        f"BEGIN {rules} END",
        f"CREATE TRIGGER IF NOT EXISTS ledger_transfer_moves AFTER INSERT ON ledger_transfer "
        f"BEGIN {_MOVE} END",
        "CREATE TRIGGER IF NOT EXISTS ledger_account_stays BEFORE DELETE ON ledger_account "
        "BEGIN SELECT RAISE(ABORT, 'ledger: accounts are never deleted'); END",
    )
    return moves + tuple(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'ledger: {table} is append-only'); END"
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    )


def _postgresql() -> tuple[str, ...]:
    rules = "\n".join(
        f"IF {broken} THEN RAISE EXCEPTION 'ledger: {sentence}'; END IF;"
        for sentence, broken in _RULES
    )
    refuse = "RAISE EXCEPTION USING MESSAGE = 'ledger: ' || TG_TABLE_NAME || ' is append-only';"
    functions = (
        _function("ledger_check", f"{rules} RETURN NEW;"),
        _function("ledger_move", f"{_MOVE} RETURN NULL;"),
        _function("ledger_refuse", refuse),
    )
    triggers = [
        ("ledger_transfer_rules", "BEFORE INSERT", "ledger_transfer", "ledger_check"),
        ("ledger_transfer_moves", "AFTER INSERT", "ledger_transfer", "ledger_move"),
        ("ledger_account_stays", "BEFORE DELETE", "ledger_account", "ledger_refuse"),
    ]
    triggers += [
        (f"{table}_append_only", "BEFORE UPDATE OR DELETE", table, "ledger_refuse")
        for table in APPEND_ONLY
    ]
    truncates = tuple(
        f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        for table in APPEND_ONLY
    )
    return (
        functions
        + tuple(
            f"CREATE OR REPLACE TRIGGER {name} {moment} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
            for name, moment, table, function in triggers
        )
        + truncates
    )


def _function(name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN {body} END $$"
    )
