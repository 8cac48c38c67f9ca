"""Writes a migration: `python -m cm_server.migrations "add ratings"`. For developers; needs an empty directory, no database."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from cm_server import schema


def main() -> int:
    name = " ".join(sys.argv[1:]).strip()
    if not name:
        sys.stderr.write('try: make migration NAME="add ratings"\n')
        return 2
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.sqlite3'}")
        if schema.newest():
            schema.migrate(engine)
        with engine.begin() as connection:
            config = schema.configuration()
            config.attributes["connection"] = connection
            command.revision(config, message=name, autogenerate=True, rev_id=_next_number())
        engine.dispose()
    return 0


def _next_number() -> str:
    newest = schema.newest()
    return f"{int(newest or 0) + 1:04d}"


if __name__ == "__main__":
    sys.exit(main())
