"""Codes that take a sign-in into the installed app; which phone is which, and which sign-in a device belongs to."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "app_codes",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("person_id", Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "person_id", name=op.f("pk_app_codes")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "person_id"], ["people.clinic_id", "people.id"], name=op.f("fk_app_codes_clinic_id_person_id")
        ),
        sa.UniqueConstraint("code_hash", name=op.f("uq_app_codes_code_hash")),
        sqlite_strict=True,
    )
    isolate_clinics("app_codes")
    op.add_column("sign_ins", sa.Column("device", sa.Text(), nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("sign_in_id", Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("subscriptions", "sign_in_id")
    op.drop_column("sign_ins", "device")
    op.drop_table("app_codes")
