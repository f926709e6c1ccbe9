"""rotation of keys, and counts of their uses."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("made_by", sa.Uuid(), nullable=True))
    op.add_column("keys", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("keys", sa.Column("seals", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("keys", sa.Column("unwraps", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("keys", "unwraps")
    op.drop_column("keys", "seals")
    op.drop_column("keys", "emptied_at")
    op.drop_column("keys", "made_by")
