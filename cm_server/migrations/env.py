"""Run by Alembic for each command; the connection is handed in by `cm_server.schema`, transaction and all."""

from typing import Any, Literal

from alembic import context

from cm_server import schema
from cm_server.db import UtcDateTime


def render_type(kind: str, value: Any, _autogen_context: Any) -> str | Literal[False]:
    """Migrations stand alone: types of ours are written as what they are in the database."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and type(value).__name__ == "AutoString":
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata(),
    render_as_batch=True,
    render_item=render_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
