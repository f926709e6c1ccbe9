"""keys of decoys."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("is_decoy", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column("keys", "is_decoy")
