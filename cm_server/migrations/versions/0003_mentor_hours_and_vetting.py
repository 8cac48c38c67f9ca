"""A mentor's hours, time zone and vetting, and years for each skill."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mentor", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("hours", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("time_zone", sa.String(length=64), server_default="UTC", nullable=False)
        )
        batch_op.add_column(
            sa.Column("vetting", sa.String(length=20), server_default="not-vetted", nullable=False)
        )

    with op.batch_alter_table("mentor_skill", schema=None) as batch_op:
        batch_op.add_column(sa.Column("years", sa.Integer(), server_default="0", nullable=False))
