"""Expected levels: a nurse says for one patient what is expected for some days, so that windows do not alarm at it."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "expected_levels",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", Uuid(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("grade between 1 and 3", name=op.f("ck_expected_levels_grade_range")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_expected_levels")),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", column],
                ["people.clinic_id", "people.id"],
                name=op.f(f"fk_expected_levels_clinic_id_{column}"),
            )
            for column in ("patient_id", "set_by", "ended_by")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_expected_levels_patient", "expected_levels", ["clinic_id", "patient_id", "set_at"])
    isolate_clinics("expected_levels")


def downgrade() -> None:
    op.drop_table("expected_levels")
