"""what a rotation of keys left as it was, because it is damaged."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("damaged_keys", "damaged_values"):
        op.add_column("key_rotations", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("damaged_values", "damaged_keys"):
        op.drop_column("key_rotations", name)
