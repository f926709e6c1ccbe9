"""accounts jobs and the log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "destroyed_keys",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_destroyed_keys")),
        info={"outlives_grant": "keeps a restored backup from reviving the grant's keys"},
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_leaves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("sink", sa.String(length=16), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("feature", sa.String(length=128), nullable=True),
        sa.Column("purpose", sa.String(length=24), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_leaves")),
        sa.UniqueConstraint("index", name=op.f("uq_log_leaves_index")),
    )
    op.create_index("ix_log_leaves_organisation_id_id", "log_leaves", ["organisation_id", "id"], unique=False)
    op.create_index(
        "ix_log_leaves_pending", "log_leaves", ["id"], unique=False, postgresql_where=sa.text("index IS NULL")
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('due', 'done', 'failed')", name=op.f("ck_runs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_closed", "runs", ["finished_at"], unique=False, postgresql_where=sa.text("state <> 'due'"))
    op.create_index("ix_runs_due_at", "runs", ["due_at"], unique=False, postgresql_where=sa.text("state = 'due'"))
    op.create_index(
        "uq_runs_open", "runs", ["kind", "subject_id"], unique=True, postgresql_where=sa.text("state = 'due'")
    )
    op.create_table(
        "destinations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sink_class", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_destinations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
    )
    op.create_index(op.f("ix_destinations_organisation_id"), "destinations", ["organisation_id"], unique=False)
    op.create_table(
        "log_details",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("leaf_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["leaf_id"], ["log_leaves.id"], name=op.f("fk_log_details_leaf_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_details")),
        info={"outlives_grant": "shows what was done with a grant's data after it ended; dies by its own key"},
    )
    op.create_index(op.f("ix_log_details_grant_id"), "log_details", ["grant_id"], unique=False)
    op.create_index(op.f("ix_log_details_leaf_id"), "log_details", ["leaf_id"], unique=False)
    op.create_index(op.f("ix_log_details_organisation_id"), "log_details", ["organisation_id"], unique=False)
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("google_sub", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_members_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("google_sub", name=op.f("uq_members_google_sub")),
    )
    op.create_index("ix_members_organisation_id_email", "members", ["organisation_id", "email"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["destination_id"], ["destinations.id"], name=op.f("fk_api_tokens_destination_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_api_tokens_member_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_api_tokens_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_tokens_secret_hash")),
    )
    op.create_index(op.f("ix_api_tokens_organisation_id"), "api_tokens", ["organisation_id"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("google_sub", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.String(length=64), nullable=True),
        sa.Column("sharing", sa.String(length=16), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=200)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_grants_member_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_grants_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_member_id"), "grants", ["member_id"], unique=False)
    op.create_index(op.f("ix_grants_organisation_id"), "grants", ["organisation_id"], unique=False)
    op.create_index(
        "uq_grants_organisation_id_google_sub_live",
        "grants",
        ["organisation_id", "google_sub"],
        unique=True,
        postgresql_where=sa.text("status <> 'revoked'"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["invited_by"], ["members.id"], name=op.f("fk_invitations_invited_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_invitations_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_email"), "invitations", ["email"], unique=False)
    op.create_index(
        "uq_invitations_organisation_id_email_open",
        "invitations",
        ["organisation_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL"),
    )
    op.create_table(
        "policy_states",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("ai_allowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ai_allowed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["ai_allowed_by"], ["members.id"], name=op.f("fk_policy_states_ai_allowed_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_policy_states_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_policy_states")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_sign_ins_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sign_ins_secret_hash")),
    )
    op.create_index(op.f("ix_sign_ins_member_id"), "sign_ins", ["member_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("disclosure_version", sa.String(length=20), nullable=False),
        sa.Column("disclosure_hash", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_consents_grant_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_consents_member_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_consents_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        info={"outlives_grant": "evidence of consent, holds no Google data"},
    )
    op.create_index(op.f("ix_consents_organisation_id"), "consents", ["organisation_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_consents_organisation_id"), table_name="consents")
    op.drop_table("consents")
    op.drop_index(op.f("ix_sign_ins_member_id"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_table("policy_states")
    op.drop_index(
        "uq_invitations_organisation_id_email_open",
        table_name="invitations",
        postgresql_where=sa.text("accepted_at IS NULL"),
    )
    op.drop_index(op.f("ix_invitations_email"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(
        "uq_grants_organisation_id_google_sub_live",
        table_name="grants",
        postgresql_where=sa.text("status <> 'revoked'"),
    )
    op.drop_index(op.f("ix_grants_organisation_id"), table_name="grants")
    op.drop_index(op.f("ix_grants_member_id"), table_name="grants")
    op.drop_table("grants")
    op.drop_index(op.f("ix_api_tokens_organisation_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_index("ix_members_organisation_id_email", table_name="members")
    op.drop_table("members")
    op.drop_index(op.f("ix_log_details_organisation_id"), table_name="log_details")
    op.drop_index(op.f("ix_log_details_leaf_id"), table_name="log_details")
    op.drop_index(op.f("ix_log_details_grant_id"), table_name="log_details")
    op.drop_table("log_details")
    op.drop_index(op.f("ix_destinations_organisation_id"), table_name="destinations")
    op.drop_table("destinations")
    op.drop_index("uq_runs_open", table_name="runs", postgresql_where=sa.text("state = 'due'"))
    op.drop_index("ix_runs_due_at", table_name="runs", postgresql_where=sa.text("state = 'due'"))
    op.drop_index("ix_runs_closed", table_name="runs", postgresql_where=sa.text("state <> 'due'"))
    op.drop_table("runs")
    op.drop_table("organisations")
    op.drop_table("log_tiles")
    op.drop_index("ix_log_leaves_pending", table_name="log_leaves", postgresql_where=sa.text("index IS NULL"))
    op.drop_index("ix_log_leaves_organisation_id_id", table_name="log_leaves")
    op.drop_table("log_leaves")
    op.drop_table("log_checkpoints")
    op.drop_table("destroyed_keys")
