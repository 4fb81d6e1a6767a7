"""Protocols that clinicians have published."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import forbid_changes, isolate_clinics

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "protocols",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_by", Uuid(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_protocols")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "published_by"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_protocols_clinic_id_published_by"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_protocols_published", "protocols", ["clinic_id", "published_at"])
    forbid_changes("protocols")
    isolate_clinics("protocols")


def downgrade() -> None:
    op.drop_table("protocols")
