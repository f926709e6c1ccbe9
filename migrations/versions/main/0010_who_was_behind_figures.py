"""Remember who was behind figures over many people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aggregate_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("shape", sa.String(length=40), nullable=False),
        sa.Column("window", sa.String(length=20), nullable=False),
        sa.Column("of_grants", sa.Integer(), nullable=False),
        sa.Column("people", postgresql.ARRAY(sa.LargeBinary(length=16)), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_aggregate_parts_grant_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_aggregate_parts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aggregate_parts")),
    )
    op.create_index(op.f("ix_aggregate_parts_grant_id"), "aggregate_parts", ["grant_id"], unique=False)
    op.create_index(
        "ix_aggregate_parts_organisation_id_shape_window",
        "aggregate_parts",
        ["organisation_id", "shape", "window"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_aggregate_parts_organisation_id_shape_window", table_name="aggregate_parts")
    op.drop_index(op.f("ix_aggregate_parts_grant_id"), table_name="aggregate_parts")
    op.drop_table("aggregate_parts")
