"""What patients report and what triage said of it."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid
from companion.schema import forbid_changes, isolate_clinics

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "reactions",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("skew_seconds", sa.Integer(), nullable=False),
        sa.Column("mistaken_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id", name=op.f("pk_reactions")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_reactions_clinic_id_patient_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_reactions_received", "reactions", ["clinic_id", "patient_id", "received_at"])
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
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_assessments")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id", "reaction_id"],
            ["reactions.clinic_id", "reactions.patient_id", "reactions.id"],
            name=op.f("fk_assessments_clinic_id_patient_id_reaction_id"),
        ),
        sa.UniqueConstraint(
            "clinic_id", "patient_id", "reaction_id", name=op.f("uq_assessments_clinic_id_patient_id_reaction_id")
        ),
        sqlite_strict=True,
    )
    forbid_changes("assessments")
    isolate_clinics("reactions", "assessments")


def downgrade() -> None:
    op.drop_table("assessments")
    op.drop_table("reactions")
