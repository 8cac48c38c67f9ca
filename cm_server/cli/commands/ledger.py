"""Print the ledger's balances, or its rows, after checking them against each other."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit

if TYPE_CHECKING:
    from cm_server.billing.ledger import Balance, Posting
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--rows", action="store_true", help="every transfer, not only balances")


def run(arguments: argparse.Namespace) -> int:
    return asyncio.run(_print(floor.settings(arguments), rows=arguments.rows))


async def _print(chosen: "Settings", *, rows: bool) -> int:
    from cm_server.billing import ledger

    async with floor.database(chosen) as database:
        postings = await database.read(ledger.postings)
        balances = await database.read(ledger.balances)
        problems = await database.read(ledger.verify)
    for posting in postings if rows else ():
        print(_row(posting))
    for balance in balances:
        print(_balance(balance))
    for problem in problems:
        print(f"broken  {problem}")
    return Exit.FAULTS_FOUND if problems else Exit.DONE


def _row(posting: "Posting") -> str:
    return (
        f"{posting.journal_id:>6}  {posting.kind:<16} {posting.phase:<8} {posting.minor:>10}  "
        f"{posting.credit} -> {posting.debit}  {posting.key}"
    )


def _balance(balance: "Balance") -> str:
    """Minor units; what is reserved stands behind."""
    reserved = f"  (reserved {balance.pending_minor})" if balance.pending_minor else ""
    return f"{balance.minor:>12}  {balance.code}{reserved}"
