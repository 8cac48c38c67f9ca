"""A mentor's profile: mentor show EMAIL, mentor set EMAIL --price 12.00, mentor vet EMAIL vetted.

`set` makes a mentor of anybody, given a price and skills. A running server takes a change up when the mentor next goes
online, answers an offer or ends a session; the mentor's own change by PATCH /api/v1/me/mentor counts at once.
"""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, get_args

import msgspec

from cm_server.cli import floor
from cm_server.cli.arguments import Parser, checked_by, common, number_between
from cm_server.cli.exits import Exit, Stopped
from cm_server.people import rules
from cm_server.people.person import Vetting
from cm_wire import faults

if TYPE_CHECKING:
    from cm_server.db import Database
    from cm_server.people.accounts import ProfileChange
    from cm_server.people.person import Person
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the profile as JSON", parents=[common()])
    change = actions.add_parser("set", help="change what is given", parents=[common()])
    vet = actions.add_parser("vet", help="write down what you found", parents=[common()])
    for one in (show, change, vet):
        one.add_argument("email", type=checked_by(rules.checked_email))
    vet.add_argument("vetting", choices=get_args(Vetting))
    change.add_argument("--price", help="per 15 minutes, such as 10.00")
    change.add_argument(
        "--skills", type=checked_by(rules.checked_skills), metavar="python:5:8,asyncio",
        help="name:level:years; replaces all",
    )  # fmt: skip
    change.add_argument("--languages", type=checked_by(rules.checked_languages), metavar="en,de")
    change.add_argument("--years", type=number_between(0, rules.YEARS_MAX), help="of experience")
    change.add_argument("--headline", type=checked_by(rules.checked_headline), help="one line")
    change.add_argument(
        "--hours", type=checked_by(rules.checked_hours), metavar="'mon-fri 09:00-17:00'"
    )
    change.add_argument(
        "--time-zone", type=checked_by(rules.checked_time_zone), metavar="Europe/Berlin"
    )


def run(arguments: argparse.Namespace) -> int:
    print(asyncio.run(_done(floor.settings(arguments), arguments)))
    return Exit.DONE


async def _done(chosen: "Settings", arguments: argparse.Namespace) -> str:
    from cm_server.people import accounts

    change = _change(arguments, chosen) if arguments.action == "set" else None
    async with floor.database(chosen) as database:
        person = await accounts.find(database, arguments.email)
        if change is not None:
            await accounts.change_profile(database, person, change)
        elif arguments.action == "vet":
            await accounts.vet(database, person, arguments.vetting)
            sys.stderr.write(f"{person.email} is {arguments.vetting}.\n")
        return await _profile(database, person)


def _change(arguments: argparse.Namespace, chosen: "Settings") -> "ProfileChange":
    from cm_server.people.accounts import ProfileChange

    try:
        price = rules.checked_price(arguments.price, chosen.currency) if arguments.price else None
    except faults.Refused as refused:
        raise Stopped(str(refused.fault), "--price 10.00", Exit.USAGE) from None
    return ProfileChange(
        price_per_quarter=price,
        skills=arguments.skills,
        spoken_languages=arguments.languages,
        years=arguments.years,
        headline=arguments.headline,
        hours=arguments.hours,
        time_zone=arguments.time_zone,
    )


async def _profile(database: "Database", person: "Person") -> str:
    from cm_server import mentor_profiles
    from cm_server.matching import records
    from cm_server.people import accounts

    found, measured = await database.read(
        lambda s: (accounts.mentor(s, person.id), records.of(s, [person.id]))
    )
    if found is None:
        raise Stopped(
            f"{person.email} is no mentor.",
            f"cm-server mentor set {person.email} --price 10.00 --skills python",
        )
    shown = mentor_profiles.of(found, measured[person.id][0])
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
