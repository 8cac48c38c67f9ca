"""The ledger's triggers: balances kept, rows never changed."""

from alembic import op

from cm_server.billing import ledger_model

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ledger_model.install(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("The ledger's guards are never taken off.")
