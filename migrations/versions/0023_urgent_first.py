"""What is urgent is claimed before everything else that is due."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid, YesNo

revision = "0023"
down_revision = "0022"

_ORDER = ("due_at", "message_id", "clinic_id")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "create table kept as select urgency = 'high', due_at, message_id, due.clinic_id from due_messages as due "
            "join messages on messages.clinic_id = due.clinic_id and messages.id = due.message_id"
        )
        _make_anew(sa.Column("is_urgent", YesNo(), nullable=False))
        return
    op.execute("select set_config('companion.scope', 'every clinic', true)")
    op.add_column("due_messages", sa.Column("is_urgent", YesNo(), nullable=True))
    op.execute(
        "update due_messages as due set is_urgent = urgency = 'high' from messages "
        "where messages.clinic_id = due.clinic_id and messages.id = due.message_id"
    )
    op.alter_column("due_messages", "is_urgent", nullable=False)
    op.drop_constraint("pk_due_messages", "due_messages")
    op.create_primary_key("pk_due_messages", "due_messages", ["is_urgent", *_ORDER])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("create table kept as select due_at, message_id, clinic_id from due_messages")
        _make_anew()
        return
    op.drop_constraint("pk_due_messages", "due_messages")
    op.drop_column("due_messages", "is_urgent")
    op.create_primary_key("pk_due_messages", "due_messages", list(_ORDER))


def _make_anew(*first: sa.Column[bool]) -> None:
    # SQLite changes no primary key. No other table refers to this one, and it has no trigger.
    op.drop_table("due_messages")
    op.create_table(
        "due_messages",
        *first,
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(*(column.name for column in first), *_ORDER, name=op.f("pk_due_messages")),
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
