"""An entry may be judged again, with one that was noted before it and came in later: another row, with its number."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid
from companion.schema import forbid_changes

revision = "0024"
down_revision = "0023"

_ENTRY = ("clinic_id", "patient_id", "reaction_id")
_KEPT = "clinic_id, id, patient_id, reaction_id, disposition, reasons, unjudged, hours, protocol_version, assessed_at"
_ONCE = "uq_assessments_clinic_id_patient_id_reaction_id"
_NUMBERED = "uq_assessments_clinic_id_patient_id_reaction_id_number"
_LATE = "fk_assessments_clinic_id_patient_id_late_id"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("create table kept as select *, 1 as number, null as late_id from assessments")
        _make_anew(
            sa.Column("number", sa.Integer(), nullable=False),
            sa.Column("late_id", Uuid(), nullable=True),
            sa.ForeignKeyConstraint(
                ["clinic_id", "patient_id", "late_id"],
                ["reactions.clinic_id", "reactions.patient_id", "reactions.id"],
                name=op.f(_LATE),
            ),
            sa.UniqueConstraint(*_ENTRY, "number", name=op.f(_NUMBERED)),
        )
        return
    op.add_column("assessments", sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("assessments", "number", server_default=None)
    op.add_column("assessments", sa.Column("late_id", Uuid(), nullable=True))
    op.create_foreign_key(
        _LATE,
        "assessments",
        "reactions",
        ["clinic_id", "patient_id", "late_id"],
        ["clinic_id", "patient_id", "id"],
    )
    op.drop_constraint(_ONCE, "assessments")
    op.create_unique_constraint(_NUMBERED, "assessments", [*_ENTRY, "number"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("create table kept as select * from assessments")
        op.execute(
            "delete from kept where exists (select 1 from assessments as newer where newer.clinic_id = kept.clinic_id "
            "and newer.patient_id = kept.patient_id and newer.reaction_id = kept.reaction_id "
            "and newer.number > kept.number)"
        )
        op.execute("alter table kept drop column number")
        op.execute("alter table kept drop column late_id")
        _make_anew(sa.UniqueConstraint(*_ENTRY, name=op.f(_ONCE)))
        return
    op.execute("select set_config('companion.scope', 'every clinic', true)")
    op.execute("alter table assessments disable trigger assessments_no_delete")
    op.execute(
        "delete from assessments using assessments as newer where newer.clinic_id = assessments.clinic_id "
        "and newer.patient_id = assessments.patient_id and newer.reaction_id = assessments.reaction_id "
        "and newer.number > assessments.number"
    )
    op.execute("alter table assessments enable trigger assessments_no_delete")
    op.drop_constraint(_NUMBERED, "assessments")
    op.create_unique_constraint(_ONCE, "assessments", list(_ENTRY))
    op.drop_constraint(_LATE, "assessments")
    op.drop_column("assessments", "late_id")
    op.drop_column("assessments", "number")


def _make_anew(*more: sa.schema.SchemaItem) -> None:
    # SQLite drops no constraint. No other table refers to this one; a copy has no triggers.
    op.drop_table("assessments")
    op.create_table(
        "assessments",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("reaction_id", Uuid(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("reasons", Json(), nullable=False),
        sa.Column("unjudged", Json(), nullable=False),
        sa.Column("hours", sa.REAL(), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=False),
        sa.Column("assessed_at", UtcDateTime(), nullable=False),
        *(one for one in more if isinstance(one, sa.Column)),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_assessments")),
        sa.ForeignKeyConstraint(
            list(_ENTRY),
            ["reactions.clinic_id", "reactions.patient_id", "reactions.id"],
            name=op.f("fk_assessments_clinic_id_patient_id_reaction_id"),
        ),
        *(one for one in more if not isinstance(one, sa.Column)),
        sqlite_strict=True,
    )
    op.execute("insert into assessments select * from kept")
    op.drop_table("kept")
    forbid_changes("assessments")
