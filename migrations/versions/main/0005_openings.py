"""Let one item of a grant be opened to one other member for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("asker_member_id", sa.Uuid(), nullable=False),
        sa.Column("item_kind", sa.String(length=16), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("ground", sa.String(length=16), nullable=True),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asker_member_id"], ["members.id"], name=op.f("fk_openings_asker_member_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("fk_openings_decided_by")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_openings_grant_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_openings_organisation_id")),
        sa.ForeignKeyConstraint(["second_by"], ["members.id"], name=op.f("fk_openings_second_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_openings")),
    )
    op.create_index("ix_openings_asker_member_id_item_id", "openings", ["asker_member_id", "item_id"], unique=False)
    op.create_index(op.f("ix_openings_grant_id"), "openings", ["grant_id"], unique=False)
    op.create_index("ix_openings_organisation_id_state", "openings", ["organisation_id", "state"], unique=False)
    op.create_index(
        "uq_openings_standing",
        "openings",
        ["asker_member_id", "grant_id", "item_kind", "item_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'allowed')"),
    )
    op.create_table(
        "opening_reasons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("opening_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_opening_reasons_grant_id")),
        sa.ForeignKeyConstraint(
            ["opening_id"], ["openings.id"], name=op.f("fk_opening_reasons_opening_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_reasons")),
        sa.UniqueConstraint("opening_id", name=op.f("uq_opening_reasons_opening_id")),
    )
    op.create_index(op.f("ix_opening_reasons_grant_id"), "opening_reasons", ["grant_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_opening_reasons_grant_id"), table_name="opening_reasons")
    op.drop_table("opening_reasons")
    op.drop_index(
        "uq_openings_standing", table_name="openings", postgresql_where=sa.text("state IN ('asked', 'allowed')")
    )
    op.drop_index("ix_openings_organisation_id_state", table_name="openings")
    op.drop_index(op.f("ix_openings_grant_id"), table_name="openings")
    op.drop_index("ix_openings_asker_member_id_item_id", table_name="openings")
    op.drop_table("openings")
