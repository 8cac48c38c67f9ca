"""Who owns a meter, and which owners are alive."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meter_owner",
        sa.Column("boot_id", sa.String(length=32), nullable=False),
        sa.Column("alive_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("boot_id"),
    )
    with op.batch_alter_table("meter_mark", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("owner", sa.String(length=32), server_default="", nullable=False)
        )
