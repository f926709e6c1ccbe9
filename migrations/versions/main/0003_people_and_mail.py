"""people and mail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.String(length=8), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_companies_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
    )
    op.create_index(op.f("ix_companies_organisation_id"), "companies", ["organisation_id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_suppressions_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint(
            "organisation_id", "address_index", name=op.f("uq_suppressions_organisation_id_address_index")
        ),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.String(length=8), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_people_company_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_people_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_company_id"), "people", ["company_id"], unique=False)
    op.create_index(op.f("ix_people_organisation_id"), "people", ["organisation_id"], unique=False)
    op.create_table(
        "collections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("remote_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("remote_id", sa.LargeBinary(), nullable=True),
        sa.Column("title", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("seen_in", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("pin", sa.Text(), nullable=True),
        sa.Column("page_token", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("skipped", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("retried", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_collections_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("grant_id", "kind", "remote_index", name=op.f("uq_collections_grant_id_kind_remote_index")),
    )
    op.create_table(
        "correspondents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("domain_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.Column("is_colleague", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_list", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_role", sa.Boolean(), nullable=False),
        sa.Column("is_robot", sa.Boolean(), nullable=False),
        sa.Column("written_to", sa.Integer(), nullable=False),
        sa.Column("received_from", sa.Integer(), nullable=False),
        sa.Column("received_bulk", sa.Integer(), nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_correspondents_grant_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_correspondents_person_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correspondents")),
        sa.UniqueConstraint(
            "grant_id", "source", "address_index", name=op.f("uq_correspondents_grant_id_source_address_index")
        ),
    )
    op.create_index(op.f("ix_correspondents_domain_index"), "correspondents", ["domain_index"], unique=False)
    op.create_index(
        "ix_correspondents_organisation_id_address_index",
        "correspondents",
        ["organisation_id", "address_index"],
        unique=False,
    )
    op.create_index(op.f("ix_correspondents_person_id"), "correspondents", ["person_id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("gmail_id", sa.String(length=32), nullable=False),
        sa.Column("thread_id", sa.String(length=32), nullable=False),
        sa.Column("message_id_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("answers_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("label_ids", postgresql.ARRAY(sa.String(length=255)), nullable=False),
        sa.Column("is_bulk", sa.Boolean(), nullable=False),
        sa.Column("is_auto", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("snippet", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_messages_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("grant_id", "gmail_id", name=op.f("uq_messages_grant_id_gmail_id")),
    )
    op.create_index(op.f("ix_messages_answers_index"), "messages", ["answers_index"], unique=False)
    op.create_index("ix_messages_grant_id_sent_at", "messages", ["grant_id", "sent_at"], unique=False)
    op.create_index("ix_messages_grant_id_thread_id", "messages", ["grant_id", "thread_id"], unique=False)
    op.create_index(op.f("ix_messages_message_id_index"), "messages", ["message_id_index"], unique=False)
    op.create_table(
        "participations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("correspondent_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correspondent_id"], ["correspondents.id"], name=op.f("fk_participations_correspondent_id")
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_participations_grant_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_participations_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participations")),
        sa.UniqueConstraint(
            "message_id", "correspondent_id", "role", name=op.f("uq_participations_message_id_correspondent_id_role")
        ),
    )
    op.create_index("ix_participations_correspondent_id", "participations", ["correspondent_id"], unique=False)
    op.create_index(op.f("ix_participations_grant_id"), "participations", ["grant_id"], unique=False)
    op.create_table(
        "skips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("item_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_skips_collection_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_skips_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skips")),
        sa.UniqueConstraint("collection_id", "item_index", name=op.f("uq_skips_collection_id_item_index")),
    )
    op.create_index(op.f("ix_skips_grant_id"), "skips", ["grant_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_skips_grant_id"), table_name="skips")
    op.drop_table("skips")
    op.drop_index(op.f("ix_participations_grant_id"), table_name="participations")
    op.drop_index("ix_participations_correspondent_id", table_name="participations")
    op.drop_table("participations")
    op.drop_index(op.f("ix_messages_message_id_index"), table_name="messages")
    op.drop_index("ix_messages_grant_id_thread_id", table_name="messages")
    op.drop_index("ix_messages_grant_id_sent_at", table_name="messages")
    op.drop_index(op.f("ix_messages_answers_index"), table_name="messages")
    op.drop_table("messages")
    op.drop_index(op.f("ix_correspondents_person_id"), table_name="correspondents")
    op.drop_index("ix_correspondents_organisation_id_address_index", table_name="correspondents")
    op.drop_index(op.f("ix_correspondents_domain_index"), table_name="correspondents")
    op.drop_table("correspondents")
    op.drop_table("collections")
    op.drop_index(op.f("ix_people_organisation_id"), table_name="people")
    op.drop_index(op.f("ix_people_company_id"), table_name="people")
    op.drop_table("people")
    op.drop_table("suppressions")
    op.drop_index(op.f("ix_companies_organisation_id"), table_name="companies")
    op.drop_table("companies")
