"""rotation of keys, and counts of their uses."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_rotations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_cursor", sa.Uuid(), nullable=True),
        sa.Column("table", sa.String(length=63), nullable=True),
        sa.Column("row_cursor", sa.Uuid(), nullable=True),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=False),
        sa.Column("walked", sa.BigInteger(), nullable=False),
        sa.Column("resealed", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_key_rotations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_rotations")),
    )
    op.create_index(op.f("ix_key_rotations_organisation_id"), "key_rotations", ["organisation_id"], unique=False)
    op.add_column(
        "destroyed_keys",
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index(op.f("ix_destroyed_keys_recorded_at"), "destroyed_keys", ["recorded_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_destroyed_keys_recorded_at"), table_name="destroyed_keys")
    op.drop_column("destroyed_keys", "recorded_at")
    op.drop_index(op.f("ix_key_rotations_organisation_id"), table_name="key_rotations")
    op.drop_table("key_rotations")
