"""The shape of the database: what the models say, which migration a database has, and taking it to the newest.

Every stage's `model` module counts; they are found, not listed. A SQLite file carries our application id, so that
somebody else's is never migrated.
"""

import importlib
import importlib.util
import pkgutil
from enum import Enum
from pathlib import Path
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


class NotOurDatabase(Exception):  # noqa: N818 - reads as what happened
    """The file is no database, or another program's."""


def metadata() -> MetaData:
    """Every table of the server, with all models loaded."""
    for module in pkgutil.iter_modules(cm_server.__path__, "cm_server."):
        if module.ispkg and importlib.util.find_spec(f"{module.name}.model"):
            importlib.import_module(f"{module.name}.model")
    return SQLModel.metadata


def check_file(path: Path) -> None:
    """Look at a SQLite file before anything opens it; raises `NotOurDatabase`."""
    if not path.exists():
        return
    if not path.is_file() or path.is_symlink():
        raise NotOurDatabase(f"{path} is not a plain file.")
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    if not header.startswith(SQLITE_MAGIC):
        raise NotOurDatabase(f"{path} is not a codementor database.")
    owner = int.from_bytes(header[APPLICATION_ID_AT : APPLICATION_ID_AT + 4], "big")
    if owner not in (0, APPLICATION_ID):
        raise NotOurDatabase(f"{path} is another program's database.")


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
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def configuration() -> Config:
    """Alembic's, without its ini file: the scripts lie in the package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration())
