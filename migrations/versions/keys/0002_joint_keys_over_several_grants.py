"""joint keys over several grants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("joint_grants", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("keys", sa.Column("joint", sa.LargeBinary(length=32), nullable=True))
    op.drop_constraint(op.f("uq_keys_organisation_id_grant_id_purpose_version"), "keys", type_="unique")
    op.create_index("ix_keys_joint_grants", "keys", ["joint_grants"], unique=False, postgresql_using="gin")
    op.create_unique_constraint(
        op.f("uq_keys_organisation_id_grant_id_joint_purpose_version"),
        "keys",
        ["organisation_id", "grant_id", "joint", "purpose", "version"],
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_constraint(op.f("uq_keys_organisation_id_grant_id_joint_purpose_version"), "keys", type_="unique")
    op.drop_index("ix_keys_joint_grants", table_name="keys", postgresql_using="gin")
    op.create_unique_constraint(
        op.f("uq_keys_organisation_id_grant_id_purpose_version"),
        "keys",
        ["organisation_id", "grant_id", "purpose", "version"],
        postgresql_nulls_not_distinct=True,
    )
    op.drop_column("keys", "joint")
    op.drop_column("keys", "joint_grants")
