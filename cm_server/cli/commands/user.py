"""Make an account: user add EMAIL [--mentor --price 10.00 --skills python,asyncio].

Prints the person's token. Someone who is to answer asks needs --mentor, a price and skills.
"""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser, checked_by, common, number_between
from cm_server.cli.exits import Exit, Stopped
from cm_server.people import rules
from cm_wire import faults

if TYPE_CHECKING:
    from cm_server.people.accounts import Profile
    from cm_server.settings import Settings

MENTOR_ONLY = ("price", "skills", "languages", "years", "headline")


def add_arguments(parser: Parser) -> None:
    add = parser.add_subparsers(dest="action", required=True, metavar="ACTION").add_parser(
        "add", help="make an account and print its token", parents=[common()]
    )
    add.add_argument("email", type=checked_by(rules.checked_email))
    add.add_argument("--name", type=checked_by(rules.checked_name), help="as others see it")
    add.add_argument("--mentor", action="store_true", help="may be asked, not only ask")
    add.add_argument("--price", help="per 15 minutes, such as 10.00")
    add.add_argument("--skills", type=checked_by(rules.checked_skills), metavar="python:5,asyncio")
    add.add_argument("--languages", type=checked_by(rules.checked_languages), metavar="en,de")
    add.add_argument("--years", type=number_between(0, rules.YEARS_MAX), help="of experience")
    add.add_argument("--headline", type=checked_by(rules.checked_headline), help="one line")


def run(arguments: argparse.Namespace) -> int:
    chosen = floor.settings(arguments)
    profile = _profile(arguments, chosen)
    name = arguments.name or arguments.email.partition("@")[0][:40]
    token = asyncio.run(_add(chosen, arguments.email, name, profile))
    floor.show_token(token)
    return Exit.DONE


def _profile(arguments: argparse.Namespace, chosen: "Settings") -> "Profile | None":
    from cm_server.people.accounts import Profile

    if not arguments.mentor:
        if stray := [name for name in MENTOR_ONLY if getattr(arguments, name) is not None]:
            raise Stopped(f"--{stray[0]} is for mentors.", "add --mentor", Exit.USAGE)
        return None
    for name in ("price", "skills"):
        if getattr(arguments, name) is None:
            raise Stopped(
                f"A mentor needs --{name}.",
                "cm-server user add EMAIL --mentor --price 10.00 --skills python,asyncio",
                Exit.USAGE,
            )
    try:
        price = rules.checked_price(arguments.price, chosen.currency)
    except faults.Refused as refused:
        raise Stopped(str(refused.fault), "--price 10.00", Exit.USAGE) from None
    return Profile(
        price_per_quarter=price,
        skills=arguments.skills,
        spoken_languages=arguments.languages or ("en",),
        years=arguments.years or 0,
        headline=arguments.headline or "",
    )


async def _add(chosen: "Settings", email: str, name: str, profile: "Profile | None") -> str:
    from cm_server import identity
    from cm_server.clock import SystemClock
    from cm_server.people import accounts, auth

    clock = SystemClock()
    async with floor.database(chosen) as database:
        person = await accounts.add(clock, database, identity.random_id, email, name, profile)
        sys.stderr.write(f"{name} has an account now.\n")
        return await auth.issue(clock, database, person.id, chosen.token_days)
