"""The shape of the database: what the models say, which migration a database has, and taking it to the newest.

Every stage's `model` module counts, and those named `…_model`; they are found, not listed. One that needs more than
tables (triggers) has a function `install(connection)`, which may be repeated. A SQLite file carries our application id,
so that somebody else's is never migrated.
"""

import importlib
import os
import pkgutil
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData
from sqlmodel import SQLModel

import cm_server

APPLICATION_ID: Final = 0x434D4C53
SQLITE_MAGIC: Final = b"SQLite format 3\0"
APPLICATION_ID_AT: Final = 68
"""Where a SQLite file's header keeps its application id, four bytes, high byte first."""


class Standing(Enum):
    """How a database compares with this program."""

    NEW = "new"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


class DatabaseFileUnusable(Exception):  # noqa: N818 - reads as what happened
    """The file is no database, another program's, or not ours to write."""


def metadata() -> MetaData:
    """Every table of the server, with all models loaded."""
    _models()
    return SQLModel.metadata


def check_file(path: Path) -> None:
    """Look at a SQLite file before anything opens it; raises `DatabaseFileUnusable`."""
    if not path.exists():
        return
    if not path.is_file() or path.is_symlink():
        raise DatabaseFileUnusable(f"{path} is not a plain file.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise DatabaseFileUnusable(f"{path} is read-only, or not ours to read.")
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    if not header.startswith(SQLITE_MAGIC):
        raise DatabaseFileUnusable(f"{path} is not a codementor database.")
    owner = int.from_bytes(header[APPLICATION_ID_AT : APPLICATION_ID_AT + 4], "big")
    if owner not in (0, APPLICATION_ID):
        raise DatabaseFileUnusable(f"{path} is another program's database.")


def standing(engine: Engine) -> Standing:
    with engine.connect() as connection:
        present = revision(connection)
    if present is None:
        return Standing.NEW
    if present == newest():
        return Standing.CURRENT
    known = {script.revision for script in _scripts().walk_revisions()}
    return Standing.OLDER if present in known else Standing.NEWER


def revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    return _scripts().get_current_head()


def migrate(engine: Engine) -> None:
    """Take the database to the newest shape, each step in one transaction; again is nothing."""
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for model in _models():
            if hasattr(model, "install"):
                model.install(connection)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def configuration() -> Config:
    """Alembic's, without its ini file: the scripts lie in the package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _models() -> list[ModuleType]:
    return [
        importlib.import_module(f"{stage.name}.{module.name}")
        for stage in pkgutil.iter_modules(cm_server.__path__, "cm_server.")
        if stage.ispkg
        for module in pkgutil.iter_modules(importlib.import_module(stage.name).__path__)
        if module.name == "model" or module.name.endswith("_model")
    ]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration())
