"""Which other ways than push somebody has seen to work."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "fallback_proofs",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("person_id", Uuid(), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "channel", name=op.f("pk_fallback_proofs")),
        sa.CheckConstraint("channel in ('email', 'webhook')", name=op.f("ck_fallback_proofs_channel_known")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "person_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_fallback_proofs_clinic_id_person_id"),
        ),
        sqlite_strict=True,
    )
    isolate_clinics("fallback_proofs")


def downgrade() -> None:
    op.drop_table("fallback_proofs")
