"""Seeded bugs in the money, each a replacement of one text by another; the suite must notice every one of them.

`python -m tests.mutations.money_mutants` copies the tree, seeds one bug at a time, runs the tests named with it, and
fails if a bug survives. A text that is no longer there is an error, so the list cannot rot.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MACHINE = "tests/property/test_money_machine.py"
NASTY = "tests/integration/billing"
SCENARIOS = "tests/integration/billing/test_nasty_scenarios.py"
EVENTS = "tests/integration/billing/test_events_without_their_charge.py"
RATING = "tests/property/test_rating.py"
MINUTES = "tests/property/test_minutes.py"
LEDGER = "tests/contract/test_ledger_conformance.py"
METER = "tests/integration/test_meter.py"
OWNERS = "tests/integration/test_meter_owners.py"
SECONDS_MAX = 300


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


B, M = "cm_server/billing", "cm_server/meter"
MUTANTS = (
    Mutant(
        "the gap of a restart is billed",
        f"{M}/store.py",
        "until_ms=mark.proved_ms if proved_here else running.from_ms,",
        "until_ms=(mark.proved_ms if proved_here else running.from_ms) + 60_000,",
        (METER, MACHINE),
    ),
    Mutant(
        "one party present suffices",
        f"{M}/counting.py",
        "seen_ms = min(situation.learner.seen_ms, situation.mentor.seen_ms)",
        "seen_ms = max(situation.learner.seen_ms, situation.mentor.seen_ms)",
        (METER, MACHINE),
    ),
    Mutant(
        "pauses are billed",
        f"{M}/counting.py",
        "return seen_ms if situation.block is None else min(seen_ms, situation.block[0])",
        "return seen_ms",
        (METER, MACHINE),
    ),
    Mutant(
        "no cap",
        f"{M}/minutes.py",
        "return min(self.counted_ms + proved_ms, self.cap_seconds * 1000)",
        "return self.counted_ms + proved_ms",
        (MINUTES,),
    ),
    Mutant(
        "a long silence is billed when it ends",
        f"{M}/counting.py",
        "if now_ms - self.seen_ms <= rules.silence_ms:",
        "if True:",
        (METER, MACHINE),
    ),
    Mutant(
        "an old owner may write",
        f"{M}/store.py",
        "    if session.connection().execute(statement).rowcount != 1:",
        "    if session.connection().execute(statement).rowcount > 1:",
        (METER,),
    ),
    Mutant(
        "a meter is taken from a process that lives",
        f"{M}/store.py",
        "return until_ms is not None and until_ms > _now_ms(connection, at)",
        "return False",
        (OWNERS,),
    ),
    Mutant(
        "who lost a call's lease changes it all the same",
        f"{B}/outbox.py",
        'row.state == "done" or row.attempts != leased.attempts:',
        'row.state == "done":',
        (f"{NASTY}/test_settling_together.py",),
    ),
    Mutant(
        "a debt is taken by each way at once",
        f"{B}/collection.py",
        "    for hold in holds:\n        hold.to_capture_minor = 0\n",
        "",
        (f"{NASTY}/test_debts.py",),
    ),
    Mutant(
        "the end bills what was not shown",
        f"{M}/counting.py",
        "counted_ms = min(minutes.counted_at(proved_ms), last_shown_ms)",
        "counted_ms = minutes.counted_at(proved_ms)",
        (METER,),
    ),
    Mutant(
        "started minutes are billed",
        f"{M}/rating.py",
        "increments = (past_free - plan.first_seconds) // plan.increment_seconds",
        "increments = -(-(past_free - plan.first_seconds) // plan.increment_seconds)",
        (RATING,),
    ),
    Mutant(
        "shares round down",
        f"{M}/rating.py",
        "units = (net.minor // step * kept + WHOLE_BASIS_POINTS // 2) // WHOLE_BASIS_POINTS",
        "units = net.minor // step * kept // WHOLE_BASIS_POINTS",
        (RATING,),
    ),
    Mutant(
        "holds are filled greedily",
        f"{B}/allocation.py",
        "if len(chosen) < count and size and size + sum(later) >= missing:",
        "if len(chosen) < count and size:",
        (RATING,),
    ),
    Mutant(
        "a journal key may be used twice",
        f"{B}/ledger.py",
        "        if prints[key] != fingerprint:",
        "        if False:",
        (LEDGER,),
    ),
    Mutant(
        "idempotency keys change with each attempt",
        f"{B}/outbox.py",
        "return await calls.make(till.gateway, row.call_key, call)",
        "return await calls.make(till.gateway, f'{row.call_key}:{row.attempts}', call)",
        (NASTY, MACHINE),
    ),
    Mutant(
        "a timeout counts as done",
        f"{B}/outbox.py",
        "    row.due_at_ms = at_ms + min(1000 * 2 ** min(row.attempts, 20), BACKOFF_MS_MAX)",
        "    row.state = 'done'",
        (NASTY, MACHINE),
    ),
    Mutant(
        "partial refunds go beyond the capture",
        f"{B}/refunds.py",
        "    if not 0 < amount.minor <= left_minor:",
        "    if not 0 < amount.minor:",
        (NASTY, MACHINE),
    ),
    Mutant(
        "no reversal after the payout",
        f"{B}/refunds.py",
        "    payouts.reverse(session, till, payment, share.minor)",
        "    pass",
        (NASTY,),
    ),
    Mutant(
        "payout inside the window",
        f"{B}/payouts.py",
        "till.now_ms() >= over_at_ms",
        "till.now_ms() >= 0",
        (NASTY, MACHINE),
    ),
    Mutant(
        "what a mentor owes is asked back and set off as well",
        f"{B}/payouts.py",
        "    return owed - asked_back",
        "    return owed",
        (f"{NASTY}/test_set_off.py",),
    ),
    Mutant(
        "a refund the bank sent back is forgotten",
        f"{B}/effects.py",
        '"unsent" if released else "failed"',
        '"failed"',
        (f"{NASTY}/test_failed_refunds.py",),
    ),
    Mutant(
        "a debt that was written off is tried again",
        f"{B}/write_offs.py",
        "        hold.to_capture_minor = 0\n",
        "",
        (f"{NASTY}/test_write_offs.py",),
    ),
    Mutant(
        "the payout forgets refunds",
        f"{B}/payouts.py",
        "net_minor = captured_minor(session, payment) - payment.refunded_minor",
        "net_minor = captured_minor(session, payment)",
        (NASTY, MACHINE),
    ),
    Mutant(
        "the whole hold is captured",
        f"{B}/effects.py",
        "    hold.to_capture_minor = minor",
        "    minor = hold.to_capture_minor = hold.amount_minor",
        (NASTY, MACHINE),
    ),
    Mutant(
        "less than a card takes is captured",
        f"{B}/allocation.py",
        "    if count * minimum_minor > amount_minor:",
        "    if False:",
        (RATING,),
    ),
    Mutant(
        "an unused hold stays on the card",
        f"{B}/settlement.py",
        "    effects.void_unused(papers, payment)\n",
        "",
        (NASTY, MACHINE),
    ),
    Mutant(
        "a late hold is kept",
        f"{B}/effects.py",
        '    elif payment.state != "authorised":',
        "    elif False:",
        (NASTY, MACHINE),
    ),
    Mutant(
        "a failed refund leaves escrow short",
        f"{B}/journals.py",
        "        legs.append(Leg(pending, accounts.escrow(payment, currency), amount.minor))",
        "        legs.append(Leg(pending, accounts.losses(currency), amount.minor))",
        (NASTY,),
    ),
    Mutant(
        "an open dispute does not stop the payout",
        f"{B}/payouts.py",
        "        and not store.open_disputes(session, payment.id)\n        and not store.open_cases(session, payment.id)",
        "",
        (NASTY,),
    ),
    Mutant(
        "reconciliation overlooks unknown lines",
        f"{B}/reconcile.py",
        "for at in sorted({*theirs, *ours})",
        "for at in sorted(ours)",
        (NASTY,),
    ),
    Mutant(
        "amounts that cannot be charged or paid out",
        f"{M}/rating.py",
        "return math.lcm(known.charge_step, known.payout_step)",
        "return 1",
        (RATING, MACHINE),
    ),
    Mutant(
        "a won dispute is booked as lost",
        f"{B}/disputes.py",
        'close = journals.dispute_won if row.state == "won" else journals.dispute_lost',
        "close = journals.dispute_lost",
        (SCENARIOS, MACHINE),
    ),
    Mutant(
        "the fee of a dispute is forgotten",
        f"{B}/reconcile.py",
        "line.kind in (BalanceKind.CHARGE, BalanceKind.DISPUTE)",
        "line.kind in (BalanceKind.CHARGE,)",
        (SCENARIOS, MACHINE),
    ),
    Mutant(
        "the event of a confirmed hold is passed over",
        f"{B}/inbox.py",
        "    if await till.database.read(waiting) is None:",
        "    if True:",
        (EVENTS,),
    ),
    Mutant(
        "each time an extension is asked for it is held anew",
        f"{B}/charges.py",
        "for hold in await till.database.read(lambda s: _unanswered(s, session_id)):",
        "for hold in list[Hold]():",
        (SCENARIOS,),
    ),
    Mutant(
        "a hold that waits for the bank is left there",
        f"{B}/effects.py",
        'hold.state in ("held", "challenged")',
        'hold.state in ("held",)',
        (SCENARIOS, MACHINE),
    ),
    Mutant(
        "a mentor's readiness is believed when told alone",
        f"{B}/sweeper.py",
        "    await payees.refresh_awaited(till)\n",
        "",
        (SCENARIOS, MACHINE),
    ),
)


def main(names: list[str]) -> int:
    wanted = [m for m in MUTANTS if not names or any(name in m.name for name in names)]
    survivors = []
    for number, mutant in enumerate(wanted, start=1):
        sys.stdout.write(f"{number:2} of {len(wanted)}  ")
        if not _is_killed(mutant):
            sys.stdout.write(f"SURVIVED  {mutant.name}\n")
            survivors.append(mutant.name)
        sys.stdout.flush()
    sys.stdout.write(f"{len(wanted) - len(survivors)} of {len(wanted)} killed\n")
    return 1 if survivors else 0


def _is_killed(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for package in ("cm_wire", "cm_server", "tests"):
            shutil.copytree(
                ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "pyproject.toml", copy)
        file = copy / mutant.file
        text = file.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(
                f"{mutant.name}: the text stands {text.count(mutant.old)} times in {mutant.file}"
            )
        file.write_text(text.replace(mutant.old, mutant.new))
        for tests in mutant.tests:
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
            environment = {**os.environ, "CM_TESTS_DO_NOT_SHRINK": "1"}
            ended = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS_MAX,
                check=False,
            )
            if ended.returncode == 1:
                sys.stdout.write(f"killed    {mutant.name}  by {_first_failed(ended.stdout)}\n")
                sys.stdout.flush()
                return True
            if ended.returncode != 0:
                raise SystemExit(f"{mutant.name}: {tests} could not run:\n{ended.stdout[-2000:]}")
    return False


def _first_failed(report: str) -> str:
    """So that a reader sees whether it was noticed for its own sake or by a machine that was too busy."""
    return next(
        (line for line in report.splitlines() if line.startswith(("FAILED", "ERROR"))),
        report[-300:],
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
