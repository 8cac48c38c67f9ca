"""Say everything that is wrong before anything starts."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped

if TYPE_CHECKING:
    from cm_server.settings import Settings

OPEN_FILES_MIN: Final = 256
BUILT_IN: Final = datetime(2025, 1, 1, tzinfo=UTC)


def add_arguments(parser: Parser) -> None:
    """There is nothing to choose."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    from cm_server import settings_sources

    try:
        chosen = floor.loaded(arguments)
    except settings_sources.SettingsInvalid as invalid:
        for fault in invalid.faults:
            print(f"wrong  {fault}")
        return Exit.FAULTS_FOUND
    faults = 0
    for look in (_data_folder, _database, _port, _open_files, _clock):
        subject, problem = look(chosen)
        print(f"{'wrong' if problem else 'fine '}  {subject}{': ' if problem else ''}{problem}")
        faults += bool(problem)
    return Exit.FAULTS_FOUND if faults else Exit.DONE


Look = Callable[["Settings"], tuple[str, str]]
"""What was looked at, and what is wrong with it or nothing."""


def _data_folder(chosen: "Settings") -> tuple[str, str]:
    from cm_server import data_folder

    subject = f"data folder {chosen.data_folder}"
    try:
        data_folder.prepare(chosen.data_folder)
    except data_folder.DataFolderUnusable as unusable:
        return subject, str(unusable)
    return subject, ""


def _database(chosen: "Settings") -> tuple[str, str]:
    from cm_server.schema import Standing

    try:
        found = floor.standing(chosen)
    except Stopped as stopped:
        return "database", str(stopped)
    problem = {
        Standing.OLDER: "is older than this program; cm-server migrate",
        Standing.NEWER: "belongs to a newer program than this",
    }
    return f"database, {found.value}", problem.get(found, "")


def _port(chosen: "Settings") -> tuple[str, str]:
    from cm_server import serve

    subject = f"{chosen.host} port {chosen.port}"
    try:
        serve.listen(chosen.host, chosen.port).close()
    except serve.CannotListen as cannot:
        return subject, str(cannot)
    return subject, ""


def _open_files(_: "Settings") -> tuple[str, str]:
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = allowed == resource.RLIM_INFINITY or allowed >= OPEN_FILES_MIN
    return "open files", "" if enough else f"{allowed} are allowed; raise it to {OPEN_FILES_MIN}"


def _clock(_: "Settings") -> tuple[str, str]:
    from cm_server.clock import SystemClock

    now = SystemClock().now()
    return "clock", "" if now > BUILT_IN else f"the machine's clock says {now:%Y-%m-%d}"
