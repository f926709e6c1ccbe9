"""Share single people and threads more or less than a grant, and never some addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "protected_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_protected_addresses_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protected_addresses")),
        sa.UniqueConstraint("grant_id", "address_index", name=op.f("uq_protected_addresses_grant_id_address_index")),
    )
    op.create_table(
        "sharing_exceptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("thread_id", sa.String(length=32), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(person_id, thread_id) = 1", name=op.f("ck_sharing_exceptions_one_subject")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_sharing_exceptions_grant_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_sharing_exceptions_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_exceptions")),
        sa.UniqueConstraint("grant_id", "thread_id", name=op.f("uq_sharing_exceptions_grant_id_thread_id")),
    )
    op.create_index(
        "ix_sharing_exceptions_grant_id_person_id", "sharing_exceptions", ["grant_id", "person_id"], unique=False
    )
    op.create_index(op.f("ix_sharing_exceptions_person_id"), "sharing_exceptions", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sharing_exceptions_person_id"), table_name="sharing_exceptions")
    op.drop_index("ix_sharing_exceptions_grant_id_person_id", table_name="sharing_exceptions")
    op.drop_table("sharing_exceptions")
    op.drop_table("protected_addresses")
