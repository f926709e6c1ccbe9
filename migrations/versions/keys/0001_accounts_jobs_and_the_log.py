"""accounts jobs and the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, minvalue=1, maxvalue=4294967295), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint(
            "organisation_id",
            "grant_id",
            "purpose",
            "version",
            name=op.f("uq_keys_organisation_id_grant_id_purpose_version"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_keys_grant_id", "keys", ["grant_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_keys_grant_id", table_name="keys")
    op.drop_table("keys")
