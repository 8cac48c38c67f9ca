"""Take the database to the shape this program needs; again is nothing."""

import argparse

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit


def add_arguments(parser: Parser) -> None:
    """There is nothing to choose."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    from cm_server import schema

    chosen = floor.settings(arguments)
    with floor.folder_alone(chosen):
        floor.check_shape(chosen, may_migrate=True)
    print(f"The database has shape {schema.newest()}.")
    return Exit.DONE
