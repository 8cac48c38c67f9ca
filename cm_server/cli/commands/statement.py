"""Print a mentor's statement: each paid session, its commission and share, and where the money is."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser, checked_by
from cm_server.cli.exits import Exit
from cm_server.people import rules

if TYPE_CHECKING:
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("email", type=checked_by(rules.checked_email))


def run(arguments: argparse.Namespace) -> int:
    print(asyncio.run(_text(floor.settings(arguments), arguments.email)), end="")
    return Exit.DONE


async def _text(chosen: "Settings", email: str) -> str:
    from cm_server.billing import statements
    from cm_server.people import accounts

    async with floor.database(chosen) as database:
        mentor = await accounts.find(database, email)
        statement = await database.read(lambda s: statements.of_mentor(s, mentor.id))
    return statements.text(statement, f"{mentor.name} <{mentor.email}>")
