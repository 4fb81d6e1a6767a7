"""Receipts that are waited for, messages that share one push, and tries that no receipt came for."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0013"
down_revision = "0012"

_RESULTS = "result in ('accepted', 'gone', 'retry', 'refused', 'silent')"
_RESULTS_BEFORE = "result in ('accepted', 'gone', 'retry', 'refused')"


def upgrade() -> None:
    op.add_column("messages", sa.Column("carried_by", Uuid(), nullable=True))
    op.create_index(
        "ix_messages_carried_by",
        "messages",
        ["clinic_id", "carried_by"],
        sqlite_where=sa.text("carried_by is not null"),
        postgresql_where=sa.text("carried_by is not null"),
    )
    op.create_table(
        "awaited_receipts",
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("device_id", Uuid(), nullable=False),
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("due_at", "message_id", "device_id", "clinic_id", name=op.f("pk_awaited_receipts")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["messages.clinic_id", "messages.id"],
            name=op.f("fk_awaited_receipts_clinic_id_message_id"),
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_awaited_receipts_message", "awaited_receipts", ["clinic_id", "message_id"])
    _replace_check(_RESULTS)
    op.create_index(
        "ix_attempts_our_fault",
        "attempts",
        ["at"],
        sqlite_where=sa.text("status_code in (400, 401, 403, 413)"),
        postgresql_where=sa.text("status_code in (400, 401, 403, 413)"),
    )
    isolate_clinics("awaited_receipts")


def downgrade() -> None:
    op.drop_index("ix_attempts_our_fault", "attempts")
    op.execute("delete from attempts where result = 'silent'")
    _replace_check(_RESULTS_BEFORE)
    op.drop_table("awaited_receipts")
    op.drop_index("ix_messages_carried_by", "messages")
    op.drop_column("messages", "carried_by")


def _replace_check(condition: str) -> None:
    # SQLite copies the table; it has no trigger, and no other refers to it, so that nothing is lost.
    with op.batch_alter_table("attempts", table_kwargs={"sqlite_strict": True}) as table:
        table.drop_constraint(op.f("ck_attempts_result_known"), type_="check")
        table.create_check_constraint(op.f("ck_attempts_result_known"), condition)
