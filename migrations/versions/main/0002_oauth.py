"""oauth."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oauth_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("prefix_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_oauth_tokens_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_tokens")),
        sa.UniqueConstraint("grant_id", name=op.f("uq_oauth_tokens_grant_id")),
    )
    op.create_index(op.f("ix_oauth_tokens_prefix_hash"), "oauth_tokens", ["prefix_hash"], unique=False)
    op.create_index(op.f("ix_oauth_tokens_token_hash"), "oauth_tokens", ["token_hash"], unique=False)
    op.create_table(
        "revocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keys_destroyed", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("google_asked", sa.Integer(), nullable=False),
        sa.Column("google_answer", sa.String(length=32), nullable=True),
        sa.Column("google_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leaf_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_revocations_grant_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_revocations_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocations")),
        sa.UniqueConstraint("grant_id", name=op.f("uq_revocations_grant_id")),
        info={"outlives_grant": "evidence that the grant was ended; holds no Google data"},
    )
    op.create_index(op.f("ix_revocations_organisation_id"), "revocations", ["organisation_id"], unique=False)
    op.create_table(
        "oauth_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("feature", sa.String(length=16), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("state_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("return_path", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_oauth_attempts_consent_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_oauth_attempts_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_attempts")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_oauth_attempts_state_hash")),
    )
    op.create_index(op.f("ix_oauth_attempts_expires_at"), "oauth_attempts", ["expires_at"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("revocation_id", sa.Uuid(), nullable=False),
        sa.Column("denied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_destroyed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_destroyed", sa.Integer(), nullable=False),
        sa.Column("google_answer", sa.String(length=32), nullable=False),
        sa.Column("google_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("leaf_id", sa.BigInteger(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_receipts_member_id")),
        sa.ForeignKeyConstraint(["revocation_id"], ["revocations.id"], name=op.f("fk_receipts_revocation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("revocation_id", name=op.f("uq_receipts_revocation_id")),
        info={"outlives_grant": "evidence that the grant was ended; holds no Google data"},
    )
    op.create_index(op.f("ix_receipts_member_id"), "receipts", ["member_id"], unique=False)
    op.create_index(op.f("ix_receipts_organisation_id"), "receipts", ["organisation_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_receipts_organisation_id"), table_name="receipts")
    op.drop_index(op.f("ix_receipts_member_id"), table_name="receipts")
    op.drop_table("receipts")
    op.drop_index(op.f("ix_oauth_attempts_expires_at"), table_name="oauth_attempts")
    op.drop_table("oauth_attempts")
    op.drop_index(op.f("ix_revocations_organisation_id"), table_name="revocations")
    op.drop_table("revocations")
    op.drop_index(op.f("ix_oauth_tokens_token_hash"), table_name="oauth_tokens")
    op.drop_index(op.f("ix_oauth_tokens_prefix_hash"), table_name="oauth_tokens")
    op.drop_table("oauth_tokens")
