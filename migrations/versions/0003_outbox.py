"""Devices, messages to people and each try to deliver them."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("person_id", Uuid(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_subscriptions")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "person_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_subscriptions_clinic_id_person_id"),
        ),
        sa.UniqueConstraint("endpoint", name=op.f("uq_subscriptions_endpoint")),
        sqlite_strict=True,
    )
    op.create_index("ix_subscriptions_person", "subscriptions", ["clinic_id", "person_id"])
    op.create_table(
        "messages",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("recipient_id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about_kind", sa.Text(), nullable=False),
        sa.Column("about_id", Uuid(), nullable=False),
        sa.Column("params", Json(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_messages")),
        sa.CheckConstraint(
            "state in ('pending', 'sent', 'shown', 'unreachable', 'expired', 'cancelled')",
            name=op.f("ck_messages_state_known"),
        ),
        sa.CheckConstraint("urgency in ('normal', 'high')", name=op.f("ck_messages_urgency_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "recipient_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_messages_clinic_id_recipient_id"),
        ),
        sa.UniqueConstraint("clinic_id", "dedupe_key", name=op.f("uq_messages_clinic_id_dedupe_key")),
        sqlite_strict=True,
    )
    op.create_index("ix_messages_about", "messages", ["clinic_id", "about_kind", "about_id"])
    op.create_index("ix_messages_recipient", "messages", ["clinic_id", "recipient_id", "created_at"])
    op.create_table(
        "due_messages",
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("due_at", "message_id", "clinic_id", name=op.f("pk_due_messages")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["messages.clinic_id", "messages.id"],
            name=op.f("fk_due_messages_clinic_id_message_id"),
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leased_messages",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("fence", Uuid(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "message_id", name=op.f("pk_leased_messages")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["messages.clinic_id", "messages.id"],
            name=op.f("fk_leased_messages_clinic_id_message_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_leased_messages_until", "leased_messages", ["lease_until"])
    op.create_table(
        "attempts",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("message_id", Uuid(), nullable=False),
        sa.Column("device_id", Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("shown_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_attempts")),
        sa.CheckConstraint("result in ('accepted', 'gone', 'retry', 'refused')", name=op.f("ck_attempts_result_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "message_id"],
            ["messages.clinic_id", "messages.id"],
            name=op.f("fk_attempts_clinic_id_message_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_attempts_message", "attempts", ["clinic_id", "message_id"])
    isolate_clinics("subscriptions", "messages", "due_messages", "leased_messages", "attempts")


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("leased_messages")
    op.drop_table("due_messages")
    op.drop_table("messages")
    op.drop_table("subscriptions")
