"""Print the ledger's balances, or its rows, after checking them against each other.

Debits are positive: what we have, what is owed to us, what we spent. What we owe and what we earned is negative.
"""

import argparse
import asyncio
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit
from cm_wire import money

if TYPE_CHECKING:
    from cm_server.billing.ledger import Balance, Posting
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--rows", action="store_true", help="every transfer, not only balances")
    parser.add_argument("--all", action="store_true", help="the accounts at zero too")


def run(arguments: argparse.Namespace) -> int:
    chosen = floor.settings(arguments)
    return asyncio.run(_print(chosen, rows=arguments.rows, zero_too=arguments.all))


async def _print(chosen: "Settings", *, rows: bool, zero_too: bool) -> int:
    from cm_server.billing import ledger

    async with floor.database(chosen) as database:
        postings = await database.read(ledger.postings)
        balances = await database.read(ledger.balances)
        problems = await database.read(ledger.verify)
    for posting in postings if rows else ():
        print(_row(posting))
    shown = [one for one in balances if zero_too or one.minor or one.pending_minor]
    for balance in shown:
        print(_balance(balance))
    for problem in problems:
        print(f"broken  {problem}")
    print(_verdict(len(balances), len(balances) - len(shown), len(problems)))
    return Exit.FAULTS_FOUND if problems else Exit.DONE


def _verdict(accounts: int, not_shown: int, problems: int) -> str:
    left_out = f", {not_shown} at zero not shown" if not_shown else ""
    found = f"{problems} broken" if problems else "each balance is the sum of its rows"
    return f"{accounts} accounts{left_out}; {found}."


def _row(posting: "Posting") -> str:
    amount = money.written(posting.minor, posting.debit.partition(":")[0])
    return (
        f"{posting.journal_id:>6}  {posting.kind:<16} {posting.phase:<8} {amount:>12}  "
        f"{posting.credit} -> {posting.debit}  {posting.key}"
    )


def _balance(balance: "Balance") -> str:
    """What is reserved stands behind."""
    held = money.written(balance.pending_minor, balance.currency) if balance.pending_minor else ""
    amount = money.written(balance.minor, balance.currency)
    return f"{amount:>14}  {balance.code}{f'  (reserved {held})' if held else ''}"
