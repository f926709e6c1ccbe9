"""Who showed that they know a record: nobody yet of those that are there.

Who wrote to them is not kept in full, so it appears again with the owner's next act.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("people", "companies"):
        known_by = sa.Column("known_by", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False)
        op.add_column(table, known_by)


def downgrade() -> None:
    for table in ("people", "companies"):
        op.drop_column(table, "known_by")
