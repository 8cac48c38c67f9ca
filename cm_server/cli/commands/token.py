"""Print a new token for a person; with --revoke, their old ones stop working."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser, checked_by
from cm_server.cli.exits import Exit
from cm_server.people import rules

if TYPE_CHECKING:
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("email", type=checked_by(rules.checked_email))
    parser.add_argument(
        "--revoke", action="store_true", help="sign the person out everywhere first"
    )


def run(arguments: argparse.Namespace) -> int:
    chosen = floor.settings(arguments)
    token, revoked = asyncio.run(_issue(chosen, arguments.email, revoke=arguments.revoke))
    if revoked:
        sys.stderr.write(f"{revoked} older tokens no longer work.\n")
    floor.show_token(token)
    return Exit.DONE


async def _issue(chosen: "Settings", email: str, *, revoke: bool) -> tuple[str, int]:
    from cm_server.clock import SystemClock
    from cm_server.people import accounts, auth

    async with floor.database(chosen) as database:
        person = await accounts.find(database, email)
        revoked = await auth.revoke_all(database, person.id) if revoke else 0
        return await auth.issue(SystemClock(), database, person.id, chosen.token_days), revoked
