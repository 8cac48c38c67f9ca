"""What waits for an operator's decision: list, show, refund, paid, dismiss."""

import argparse
import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped
from cm_wire import printable

if TYPE_CHECKING:
    from sqlmodel import Session

    from cm_server.billing.model import Case
    from cm_server.billing.till import Till


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "action",
        choices=("list", "show", "refund", "paid", "dismiss"),
        help="paid: a refund that the bank sent back was paid another way, and is only booked",
    )
    parser.add_argument("number", nargs="?", type=int, help="the case; not for list")
    parser.add_argument(
        "--amount",
        metavar="10.00",
        help="refund this much; default: all that is left, or what failed",
    )
    parser.add_argument(
        "--note",
        default="",
        help="why, in a sentence that the learner may read; a decision needs one",
    )
    parser.add_argument("--all", action="store_true", help="list the decided ones too")


def run(arguments: argparse.Namespace) -> int:
    if arguments.action != "list" and arguments.number is None:
        raise Stopped(f"Which case is {arguments.action} for?", "cm-server case list", Exit.USAGE)
    if arguments.action in ("refund", "paid", "dismiss") and not arguments.note.strip():
        raise Stopped(
            "A decision needs its reason.",
            f"cm-server case {arguments.action} {arguments.number} --note WHY",
            Exit.USAGE,
        )
    if arguments.amount is not None and arguments.action != "refund":
        raise Stopped(
            "--amount is for refund alone.",
            f"cm-server case {arguments.action} {arguments.number}",
            Exit.USAGE,
        )
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from cm_server import app
    from cm_server.billing import cases
    from cm_server.clock import SystemClock

    chosen = floor.settings(arguments)
    async with floor.database(chosen):
        built = app.build(chosen, SystemClock())
        till = built.assembly.works.desk.till
        try:
            if arguments.action == "list":
                listed = await cases.listed(till, decided=arguments.all)
                lines = [_line(case) for case in listed] or ["No case is open."]
                print(*lines, sep="\n")
                return Exit.DONE
            case = await cases.find(till, arguments.number)
            if arguments.action == "show":
                print(printable.plain(_page(case, await _about(till, case))), end="")
                return Exit.DONE
            print(await _decide(till, case, arguments))
        finally:
            await built.database.close()
            await built.payments.gateway.close()
    return Exit.DONE


async def _decide(till: "Till", case: "Case", arguments: argparse.Namespace) -> str:
    """A refund's call is made by the running server, or by the next one that starts."""
    from cm_server.billing import cases

    assert case.number is not None
    number, action, note = case.number, arguments.action, arguments.note
    amount_minor = await _amount(till, case, arguments.amount)
    decided, keys = await till.database.write(
        lambda s: cases.decide_in(s, till, number, action, note, amount_minor)
    )
    sent = "; the server sends it within seconds of running" if keys else ""
    return f"Case {decided.number}: {decided.says}{sent}."


async def _amount(till: "Till", case: "Case", typed: str | None) -> int | None:
    from cm_server.billing.model import Payment
    from cm_wire import money

    if typed is None:
        return None
    payment = await till.database.read(lambda s: s.get(Payment, case.payment_id))
    if payment is None:
        raise Stopped(f"Case {case.number} is about no payment.", "leave --amount out")
    try:
        return money.parse(typed, payment.currency).minor
    except ValueError as error:
        raise Stopped(str(error), "--amount 10.00", Exit.USAGE) from None


def _line(case: "Case") -> str:
    said = case.said if len(case.said) <= 60 else f"{case.said[:59]}…"
    shown = printable.terminal(f"{case.kind:<16} {case.payment_id}  {said}")
    return f"{case.number:>5}  {case.state:<7}  {shown}"


async def _about(till: "Till", case: "Case") -> str:
    """Between whom, what was charged and what of it can still go back, where the case is about a payment."""
    from cm_server.billing import payouts, receipts
    from cm_server.billing.model import Payment
    from cm_wire.ids import SessionId
    from cm_wire.money import Money

    def read(session: "Session") -> str:
        payment = session.get(Payment, case.payment_id)
        if payment is None:
            return ""
        charged = payouts.captured_minor(session, payment)
        back = Money(payment.refunded_minor, payment.currency)
        left = Money(charged - payment.refunded_minor, payment.currency)
        money = f"Charged {Money(charged, payment.currency)}, given back {back}, left {left}.\n"
        met = receipts.document_of(session, SessionId(payment.session_id))
        if met is None:
            return money
        between = (
            f"{met.learner_name} ({met.learner}) was helped by {met.mentor_name} ({met.mentor})"
        )
        return f"{between}, session {met.session_id}, receipt {met.number}.\n{money}"

    return await till.database.read(read)


def _page(case: "Case", money: str) -> str:
    evidence = json.dumps(json.loads(case.evidence), indent=2)
    decision = ""
    if case.decided_at_ms is not None:
        decision = f"Decided {_minute(case.decided_at_ms)}: {case.decision}\n"
    if case.state == "open":
        decision = _ways(case)
    head = f"Case {case.number}, {case.kind}, {case.state}, opened {_minute(case.opened_at_ms)}"
    return f"{head}\n{case.payment_id}\n{money}Said: {case.said}\n{evidence}\n{decision}"


def _ways(case: "Case") -> str:
    from cm_server.billing import failed_refunds

    number, paid = case.number, ""
    if case.kind == failed_refunds.CASE_KIND:
        paid = f"\n  cm-server case paid {number} --note WHY       you paid it from your own bank"
    return (
        "Decide it:\n"
        f"  cm-server case refund {number} --note WHY     money goes back; --amount for a part"
        f"{paid}\n"
        f"  cm-server case dismiss {number} --note WHY    it does not\n"
    )


def _minute(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
