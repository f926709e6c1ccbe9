"""meetings contacts and work."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("resource_name", sa.String(length=128), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_contacts_grant_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_contacts_person_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("grant_id", "resource_name", name=op.f("uq_contacts_grant_id_resource_name")),
    )
    op.create_index(op.f("ix_contacts_person_id"), "contacts", ["person_id"], unique=False)
    op.create_table(
        "deals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_deals_company_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_deals_organisation_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name=op.f("fk_deals_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_deals_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deals")),
    )
    op.create_index(op.f("ix_deals_company_id"), "deals", ["company_id"], unique=False)
    op.create_index(op.f("ix_deals_organisation_id"), "deals", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_deals_person_id"), "deals", ["person_id"], unique=False)
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("event_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("series_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("uid_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("original_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("is_series", sa.Boolean(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=True),
        sa.Column("location", sa.LargeBinary(), nullable=True),
        sa.Column("recurrence", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_meetings_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
        sa.UniqueConstraint(
            "grant_id", "calendar_index", "event_index", name=op.f("uq_meetings_grant_id_calendar_index_event_index")
        ),
    )
    op.create_index(op.f("ix_meetings_grant_id"), "meetings", ["grant_id"], unique=False)
    op.create_index(op.f("ix_meetings_series_index"), "meetings", ["series_index"], unique=False)
    op.create_index(op.f("ix_meetings_uid_index"), "meetings", ["uid_index"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["members.id"], name=op.f("fk_notes_author_id")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_notes_company_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_notes_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notes_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_company_id"), "notes", ["company_id"], unique=False)
    op.create_index(op.f("ix_notes_organisation_id"), "notes", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_notes_person_id"), "notes", ["person_id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_tasks_organisation_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name=op.f("fk_tasks_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_tasks_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(op.f("ix_tasks_organisation_id"), "tasks", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_tasks_owner_id"), "tasks", ["owner_id"], unique=False)
    op.create_index(op.f("ix_tasks_person_id"), "tasks", ["person_id"], unique=False)
    op.create_table(
        "attendances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("correspondent_id", sa.Uuid(), nullable=False),
        sa.Column("response", sa.String(length=16), nullable=False),
        sa.Column("is_organizer", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correspondent_id"], ["correspondents.id"], name=op.f("fk_attendances_correspondent_id")
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_attendances_grant_id")),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=op.f("fk_attendances_meeting_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendances")),
        sa.UniqueConstraint("meeting_id", "correspondent_id", name=op.f("uq_attendances_meeting_id_correspondent_id")),
    )
    op.create_index("ix_attendances_correspondent_id", "attendances", ["correspondent_id"], unique=False)
    op.create_index(op.f("ix_attendances_grant_id"), "attendances", ["grant_id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("correspondent_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(grant_id IS NULL) = (source IN ('user', 'import', 'form'))", name=op.f("ck_facts_google_has_grant")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_facts_company_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_facts_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["correspondent_id"], ["correspondents.id"], name=op.f("fk_facts_correspondent_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_facts_grant_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_facts_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_facts_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index(op.f("ix_facts_company_id"), "facts", ["company_id"], unique=False)
    op.create_index(op.f("ix_facts_contact_id"), "facts", ["contact_id"], unique=False)
    op.create_index(op.f("ix_facts_correspondent_id"), "facts", ["correspondent_id"], unique=False)
    op.create_index("ix_facts_grant_id_source", "facts", ["grant_id", "source"], unique=False)
    op.create_index("ix_facts_organisation_id_value_index", "facts", ["organisation_id", "value_index"], unique=False)
    op.create_index(op.f("ix_facts_person_id"), "facts", ["person_id"], unique=False)
    op.create_table(
        "occurrences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_occurrences_grant_id")),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=op.f("fk_occurrences_meeting_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrences")),
        sa.UniqueConstraint("meeting_id", "starts_at", name=op.f("uq_occurrences_meeting_id_starts_at")),
    )
    op.create_index("ix_occurrences_grant_id_starts_at", "occurrences", ["grant_id", "starts_at"], unique=False)
    op.create_table(
        "fact_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"], name=op.f("fk_fact_terms_fact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_fact_terms_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_terms")),
        sa.UniqueConstraint("fact_id", "term", name=op.f("uq_fact_terms_fact_id_term")),
    )
    op.create_index(op.f("ix_fact_terms_grant_id"), "fact_terms", ["grant_id"], unique=False)
    op.create_index("ix_fact_terms_organisation_id_term", "fact_terms", ["organisation_id", "term"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_fact_terms_organisation_id_term", table_name="fact_terms")
    op.drop_index(op.f("ix_fact_terms_grant_id"), table_name="fact_terms")
    op.drop_table("fact_terms")
    op.drop_index("ix_occurrences_grant_id_starts_at", table_name="occurrences")
    op.drop_table("occurrences")
    op.drop_index(op.f("ix_facts_person_id"), table_name="facts")
    op.drop_index("ix_facts_organisation_id_value_index", table_name="facts")
    op.drop_index("ix_facts_grant_id_source", table_name="facts")
    op.drop_index(op.f("ix_facts_correspondent_id"), table_name="facts")
    op.drop_index(op.f("ix_facts_contact_id"), table_name="facts")
    op.drop_index(op.f("ix_facts_company_id"), table_name="facts")
    op.drop_table("facts")
    op.drop_index(op.f("ix_attendances_grant_id"), table_name="attendances")
    op.drop_index("ix_attendances_correspondent_id", table_name="attendances")
    op.drop_table("attendances")
    op.drop_index(op.f("ix_tasks_person_id"), table_name="tasks")
    op.drop_index(op.f("ix_tasks_owner_id"), table_name="tasks")
    op.drop_index(op.f("ix_tasks_organisation_id"), table_name="tasks")
    op.drop_table("tasks")
    op.drop_index(op.f("ix_notes_person_id"), table_name="notes")
    op.drop_index(op.f("ix_notes_organisation_id"), table_name="notes")
    op.drop_index(op.f("ix_notes_company_id"), table_name="notes")
    op.drop_table("notes")
    op.drop_index(op.f("ix_meetings_uid_index"), table_name="meetings")
    op.drop_index(op.f("ix_meetings_series_index"), table_name="meetings")
    op.drop_index(op.f("ix_meetings_grant_id"), table_name="meetings")
    op.drop_table("meetings")
    op.drop_index(op.f("ix_deals_person_id"), table_name="deals")
    op.drop_index(op.f("ix_deals_organisation_id"), table_name="deals")
    op.drop_index(op.f("ix_deals_company_id"), table_name="deals")
    op.drop_table("deals")
    op.drop_index(op.f("ix_contacts_person_id"), table_name="contacts")
    op.drop_table("contacts")
