"""What most commands stand on: settings, the data folder, the database in the right shape."""

import argparse
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cm_server.cli.exits import Exit, Stopped
from cm_wire import faults

if TYPE_CHECKING:
    from cm_server.db import Database
    from cm_server.schema import Standing
    from cm_server.settings import Settings


def version() -> str:
    return metadata.version("codementor-lsp")


def loaded(arguments: argparse.Namespace, **overrides: Any) -> "Settings":
    """The settings with the command line's on top; an override of `None` was not given. Raises `SettingsInvalid`."""
    from cm_server import settings_sources

    given = {name: value for name, value in overrides.items() if value is not None}
    if arguments.data is not None:
        given["data_folder"] = Path(arguments.data)
    config = Path(arguments.config) if arguments.config else None
    return settings_sources.load(config=config, overrides=given)


def settings(arguments: argparse.Namespace, **overrides: Any) -> "Settings":
    """As `loaded`; faults end the command, each on a line."""
    from cm_server import settings_sources

    try:
        return loaded(arguments, **overrides)
    except settings_sources.SettingsInvalid as invalid:
        for fault in invalid.faults[:-1]:
            sys.stderr.write(f"cm-server: error: {fault}\n")
        raise Stopped(str(invalid.faults[-1]), "cm-server check", Exit.CONFIGURATION) from None


def prepare_data_folder(chosen: "Settings") -> None:
    from cm_server import data_folder

    try:
        made = data_folder.prepare(chosen.data_folder)
    except data_folder.DataFolderUnusable as unusable:
        raise Stopped(
            str(unusable), "another --data FOLDER, or CM_DATA_FOLDER", Exit.CONFIGURATION
        ) from None
    if made:
        sys.stderr.write(f"Made the data folder {chosen.data_folder}.\n")


@contextmanager
def folder_alone(chosen: "Settings") -> Iterator[None]:
    """The data folder, made if need be, and nobody else's while this lasts."""
    from cm_server import data_folder

    prepare_data_folder(chosen)
    try:
        with data_folder.used_alone(chosen.data_folder):
            yield
    except data_folder.DataFolderInUse as in_use:
        raise Stopped(str(in_use), "stop that one, or another --data FOLDER") from None


def show_token(token: str) -> None:
    """Bare to a pipe; a person is told what it is."""
    if sys.stdout.isatty():
        sys.stderr.write("Keep it secret: whoever has it is that person. Shown only now:\n")
    print(token)


@asynccontextmanager
async def database(chosen: "Settings") -> "AsyncIterator[Database]":
    """The database of a server that has been migrated, for commands that read or write it."""
    from cm_server.db import Database, StorageUnavailable

    prepare_data_folder(chosen)
    check_shape(chosen)
    opened = Database(chosen.database)
    try:
        yield opened
    except StorageUnavailable as error:
        raise Stopped(str(error), "cm-server check") from error
    except faults.Refused as refused:
        raise Stopped(refused.fault.message, refused.fault.do) from None
    finally:
        await opened.close()


def check_shape(chosen: "Settings", *, may_migrate: bool = False) -> None:
    """Refuse a database this program does not fit; a new one is always given its tables, an older one if allowed."""
    from cm_server.schema import Standing

    found = standing(chosen)
    if found is Standing.NEW or (found is Standing.OLDER and may_migrate):
        migrate(chosen)
    elif found is Standing.OLDER:
        raise Stopped(
            "The database is older than this program.", "cm-server migrate", Exit.CONFIGURATION
        )
    elif found is Standing.NEWER:
        raise Stopped(
            f"The database belongs to a newer program than this ({version()}).",
            "the newer program, or another data folder",
            Exit.CONFIGURATION,
        )


def standing(chosen: "Settings") -> "Standing":
    from cm_server import db, schema

    with _database_faults_named():
        if path := db.sqlite_file(chosen.database):
            schema.check_file(path)
        engine = db.open_engine(chosen.database, writes=False)
        try:
            return schema.standing(engine)
        finally:
            engine.dispose()


def migrate(chosen: "Settings") -> None:
    from cm_server import db, schema

    with _database_faults_named():
        engine = db.open_engine(chosen.database, writes=True)
        try:
            schema.migrate(engine)
        finally:
            engine.dispose()


@contextmanager
def _database_faults_named() -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    from cm_server.schema import DatabaseFileUnusable

    try:
        yield
    except DatabaseFileUnusable as error:
        raise Stopped(str(error), "another data folder", Exit.CONFIGURATION) from None
    except SQLAlchemyError as error:
        raise Stopped(
            f"The database cannot be used: {getattr(error, 'orig', error)}",
            "cm-server check",
            Exit.CONFIGURATION,
        ) from error
