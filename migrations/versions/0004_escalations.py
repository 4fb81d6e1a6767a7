"""Cases of unusual reactions and what happened in them."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "escalations",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("policy", Json(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_step_at", UtcDateTime(), nullable=True),
        sa.Column("step_set_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("respond_by", UtcDateTime(), nullable=False),
        sa.Column("taken_by", Uuid(), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("acted_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", Uuid(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_escalations")),
        sa.CheckConstraint(
            "level in ('clinic_routine', 'clinic_same_day', 'clinic_urgent_1h', 'emergency')",
            name=op.f("ck_escalations_level_known"),
        ),
        sa.CheckConstraint("state in ('open', 'acknowledged', 'resolved')", name=op.f("ck_escalations_state_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_escalations_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "taken_by"], ["people.clinic_id", "people.id"], name=op.f("fk_escalations_clinic_id_taken_by")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_escalations_next_step",
        "escalations",
        ["next_step_at"],
        sqlite_where=sa.text("next_step_at is not null"),
        postgresql_where=sa.text("next_step_at is not null"),
    )
    op.create_index(
        "ix_escalations_one_open",
        "escalations",
        ["clinic_id", "patient_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "escalation_entries",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("escalation_id", Uuid(), nullable=False),
        sa.Column("subject_id", Uuid(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "escalation_id", "subject_id", name=op.f("pk_escalation_entries")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "escalation_id"],
            ["escalations.clinic_id", "escalations.id"],
            name=op.f("fk_escalation_entries_clinic_id_escalation_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_escalation_entries_subject", "escalation_entries", ["clinic_id", "subject_id"])
    op.create_table(
        "escalation_events",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("escalation_id", Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", Uuid(), nullable=True),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_escalation_events")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "actor_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_escalation_events_clinic_id_actor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "escalation_id"],
            ["escalations.clinic_id", "escalations.id"],
            name=op.f("fk_escalation_events_clinic_id_escalation_id"),
        ),
        sa.UniqueConstraint(
            "clinic_id",
            "escalation_id",
            "dedupe_key",
            name=op.f("uq_escalation_events_clinic_id_escalation_id_dedupe_key"),
        ),
        sqlite_strict=True,
    )
    isolate_clinics("escalations", "escalation_entries", "escalation_events")


def downgrade() -> None:
    op.drop_table("escalation_events")
    op.drop_table("escalation_entries")
    op.drop_table("escalations")
