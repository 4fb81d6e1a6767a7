"""Ladders that a clinic has changed: who is told of a case, by level."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("steps", Json(), nullable=False),
        sa.Column("repeat_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", Uuid(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "level", name=op.f("pk_policies")),
        sa.CheckConstraint(
            "level in ('emergency', 'clinic_urgent_1h', 'clinic_same_day')", name=op.f("ck_policies_level_known")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "changed_by"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_policies_clinic_id_changed_by"),
        ),
        sqlite_strict=True,
    )
    isolate_clinics("policies")


def downgrade() -> None:
    op.drop_table("policies")
