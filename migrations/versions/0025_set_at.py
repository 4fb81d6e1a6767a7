"""When the time of a message that waits was decided: after a clock was set back, it is due within its own interval."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid, YesNo

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # What waits already was written down with its message.
        op.execute(
            "create table kept as select is_urgent, due_at, message_id, due.clinic_id, created_at from due_messages "
            "as due join messages on messages.clinic_id = due.clinic_id and messages.id = due.message_id"
        )
        _make_anew(sa.Column("set_at", UtcDateTime(), nullable=False))
        return
    op.execute("select set_config('companion.scope', 'every clinic', true)")
    op.add_column("due_messages", sa.Column("set_at", UtcDateTime(), nullable=True))
    op.execute(
        "update due_messages as due set set_at = created_at from messages "
        "where messages.clinic_id = due.clinic_id and messages.id = due.message_id"
    )
    op.alter_column("due_messages", "set_at", nullable=False)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("create table kept as select is_urgent, due_at, message_id, clinic_id from due_messages")
        _make_anew()
        return
    op.drop_column("due_messages", "set_at")


def _make_anew(*more: sa.Column[datetime]) -> None:
    # SQLite adds no column without a default. No other table refers to this one, and it has no trigger.
    op.drop_table("due_messages")
    op.create_table(
        "due_messages",
        sa.Column("is_urgent", YesNo(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("clinic_id", Uuid(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("is_urgent", "due_at", "message_id", "clinic_id", name=op.f("pk_due_messages")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["messages.clinic_id", "messages.id"],
            name=op.f("fk_due_messages_clinic_id_message_id"),
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute("insert into due_messages select * from kept")
    op.drop_table("kept")
