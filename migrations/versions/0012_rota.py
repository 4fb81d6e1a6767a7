"""The duty rota: weekly shifts, and what differs from them between two instants."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid, YesNo
from companion.schema import isolate_clinics

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "duty_shifts",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("person_id", Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_duty_shifts")),
        sa.CheckConstraint("weekday between 0 and 6", name=op.f("ck_duty_shifts_weekday_known")),
        _person("duty_shifts"),
        sqlite_strict=True,
    )
    op.create_table(
        "duty_changes",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("person_id", Uuid(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("is_on", YesNo(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_duty_changes")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_duty_changes_ends_after_start")),
        _person("duty_changes"),
        sqlite_strict=True,
    )
    op.create_index("ix_duty_changes_end", "duty_changes", ["clinic_id", "ends_at"])
    isolate_clinics("duty_shifts", "duty_changes")


def downgrade() -> None:
    op.drop_table("duty_changes")
    op.drop_table("duty_shifts")


def _person(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_clinic_id_person_id")
    return sa.ForeignKeyConstraint(["clinic_id", "person_id"], ["people.clinic_id", "people.id"], name=name)
