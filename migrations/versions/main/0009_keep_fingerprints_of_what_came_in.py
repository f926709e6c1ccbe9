"""keep fingerprints of what came in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "repeats",
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(length=81), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("grant_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_repeats_organisation_id")),
        sa.PrimaryKeyConstraint("row_id", "field", name=op.f("pk_repeats")),
    )
    op.create_index(op.f("ix_repeats_organisation_id"), "repeats", ["organisation_id"], unique=False)
    op.create_table(
        "body_readings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["allowed_by"], ["members.id"], name=op.f("fk_body_readings_allowed_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_body_readings_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_body_readings")),
    )
    op.create_table(
        "fingerprints",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("thread", sa.BigInteger(), nullable=False),
        sa.Column("prints", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_fingerprints_grant_id")),
        sa.PrimaryKeyConstraint("item_id", "part", name=op.f("pk_fingerprints")),
    )
    op.create_index(op.f("ix_fingerprints_grant_id"), "fingerprints", ["grant_id"], unique=False)
    op.create_index(
        "ix_fingerprints_prints",
        "fingerprints",
        ["prints"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    )


def downgrade() -> None:
    op.drop_index("ix_fingerprints_prints", table_name="fingerprints", postgresql_using="gin")
    op.drop_index(op.f("ix_fingerprints_grant_id"), table_name="fingerprints")
    op.drop_table("fingerprints")
    op.drop_table("body_readings")
    op.drop_index(op.f("ix_repeats_organisation_id"), table_name="repeats")
    op.drop_table("repeats")
