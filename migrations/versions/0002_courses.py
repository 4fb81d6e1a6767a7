"""Courses of treatment, their visits and what falls due around them."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid, YesNo
from companion.schema import isolate_clinics

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("indication", sa.Text(), nullable=False),
        sa.Column("areas", Json(), nullable=False),
        sa.Column("agents", Json(), nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("planned_visits", sa.Integer(), nullable=False),
        sa.Column("interval_days", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_courses")),
        sa.CheckConstraint("interval_days between 1 and 400", name=op.f("ck_courses_interval_days_range")),
        sa.CheckConstraint("planned_visits between 1 and 30", name=op.f("ck_courses_planned_visits_range")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"], ["people.clinic_id", "people.id"], name=op.f("fk_courses_clinic_id_patient_id")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_courses_patient", "courses", ["clinic_id", "patient_id"])
    op.create_table(
        "visits",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("course_id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("areas", Json(), nullable=False),
        sa.Column("agents", Json(), nullable=False),
        sa.Column("technique", sa.Text(), nullable=False),
        sa.Column("has_topical_anaesthetic", YesNo(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_visits")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_visits_number_positive")),
        sa.CheckConstraint("state in ('planned', 'done', 'cancelled')", name=op.f("ck_visits_state_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "course_id"], ["courses.clinic_id", "courses.id"], name=op.f("fk_visits_clinic_id_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"], ["people.clinic_id", "people.id"], name=op.f("fk_visits_clinic_id_patient_id")
        ),
        sa.UniqueConstraint("clinic_id", "course_id", "number", name=op.f("uq_visits_clinic_id_course_id_number")),
        sqlite_strict=True,
    )
    op.create_index("ix_visits_patient", "visits", ["clinic_id", "patient_id", "starts_at"])
    op.create_table(
        "plan_items",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("visit_id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_plan_items")),
        sa.CheckConstraint("kind in ('check_in', 'visit_reminder')", name=op.f("ck_plan_items_kind_known")),
        sa.CheckConstraint(
            "state in ('planned', 'released', 'done', 'missed', 'cancelled')", name=op.f("ck_plan_items_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_plan_items_clinic_id_patient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "visit_id"], ["visits.clinic_id", "visits.id"], name=op.f("fk_plan_items_clinic_id_visit_id")
        ),
        sa.UniqueConstraint("clinic_id", "visit_id", "slot", name=op.f("uq_plan_items_clinic_id_visit_id_slot")),
        sqlite_strict=True,
    )
    op.create_index("ix_plan_items_due", "plan_items", ["state", "due_at"])
    op.create_index("ix_plan_items_patient", "plan_items", ["clinic_id", "patient_id", "due_at"])
    isolate_clinics("courses", "visits", "plan_items")


def downgrade() -> None:
    op.drop_table("plan_items")
    op.drop_table("visits")
    op.drop_table("courses")
