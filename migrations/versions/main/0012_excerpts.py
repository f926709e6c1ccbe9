"""Keep copies of mail beside notes and tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "excerpts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(note_id IS NULL) <> (task_id IS NULL)", name=op.f("ck_excerpts_beside_one")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_excerpts_grant_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_excerpts_message_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_excerpts_note_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_excerpts_organisation_id")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_excerpts_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpts")),
    )
    op.create_index(op.f("ix_excerpts_grant_id"), "excerpts", ["grant_id"], unique=False)
    op.create_index(op.f("ix_excerpts_message_id"), "excerpts", ["message_id"], unique=False)
    op.create_index(op.f("ix_excerpts_note_id"), "excerpts", ["note_id"], unique=False)
    op.create_index(op.f("ix_excerpts_task_id"), "excerpts", ["task_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_excerpts_task_id"), table_name="excerpts")
    op.drop_index(op.f("ix_excerpts_note_id"), table_name="excerpts")
    op.drop_index(op.f("ix_excerpts_message_id"), table_name="excerpts")
    op.drop_index(op.f("ix_excerpts_grant_id"), table_name="excerpts")
    op.drop_table("excerpts")
