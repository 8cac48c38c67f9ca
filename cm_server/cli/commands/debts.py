"""Sessions that are not paid: who owes what, since when, why, and when it is tried again."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit
from cm_wire import printable

if TYPE_CHECKING:
    from cm_server.billing.debts import Debt


def add_arguments(parser: Parser) -> None:
    del parser  # nothing but what every command takes


def run(arguments: argparse.Namespace) -> int:
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
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
