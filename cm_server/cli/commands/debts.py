"""Sessions that are not paid: who owes what, since when, why, when it is tried again; and to write one off."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped
from cm_server.clock import SystemClock
from cm_wire import printable

if TYPE_CHECKING:
    from cm_server.billing.debts import Debt


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "write-off"),
        default="list",
        help="list them, or give one up: it is tried on no card again and its learner may ask",
    )
    parser.add_argument("session", nargs="?", help="the session that is not paid; not for list")
    parser.add_argument("--reason", default="", help="why it is written off; kept with it")


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        return asyncio.run(_list(arguments))
    if arguments.session is None:
        raise Stopped("Which session is to be written off?", "cm-server debts", Exit.USAGE)
    if not arguments.reason.strip():
        raise Stopped(
            "A debt is written off for a reason.",
            f"cm-server debts write-off {arguments.session} --reason WHY",
            Exit.USAGE,
        )
    return asyncio.run(_write_off(arguments))


async def _write_off(arguments: argparse.Namespace) -> int:
    from cm_server.billing import write_offs
    from cm_wire.ids import SessionId

    chosen = floor.settings(arguments)
    session_id, reason = SessionId(arguments.session), arguments.reason.strip()
    now_ms = int(SystemClock().now().timestamp() * 1000)
    async with floor.database(chosen) as database:
        done = await database.write(lambda s: write_offs.write_off(s, now_ms, session_id, reason))
    before = "" if done.is_new else "Done before. "
    print(printable.terminal(f"{before}{done.says} It is case {done.case_number}."))
    return Exit.DONE


async def _list(arguments: argparse.Namespace) -> int:
    from cm_server.billing import debts
    from cm_server.people import accounts

    chosen = floor.settings(arguments)
    async with floor.database(chosen) as database:
        owed = await database.read(debts.all_open)
        for debt in owed:
            learner = await accounts.get(database, debt.learner)
            print(printable.terminal(_line(debt, learner.email if learner else debt.learner)))
    print(_sums(owed) if owed else "Nobody owes anything.")
    return Exit.DONE


def _line(debt: "Debt", email: str) -> str:
    tries = f"declined {debt.declines} times" if debt.declines != 1 else "declined once"
    again = "left to the learner"
    if debt.next_try_at_ms is not None:
        again = f"tried again after {_day(debt.next_try_at_ms)}"
    return f"{debt.amount}  {email}  {debt.session_id}  since {_day(debt.since_ms)}  {tries} ({debt.why}), {again}"


def _sums(owed: "list[Debt]") -> str:
    from cm_wire.money import Money

    minor: dict[str, int] = {}
    for debt in owed:
        currency = debt.amount.currency
        minor[currency] = minor.get(currency, 0) + debt.amount.minor
    total = ", ".join(str(Money(sum_, currency)) for currency, sum_ in sorted(minor.items()))
    return f"{len(owed)} open, {total} in all."


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
