"""Cases can be put off, warn before a promise breaks, and count as noise; whom else to call for a patient."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime, Uuid
from companion.schema import isolate_clinics

revision = "0017"
down_revision = "0016"

_NEAR = sa.text("warned_at is null and state <> 'resolved'")
_NEW = ("warned_at", "snoozed_until")


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    # Copying the table, which SQLite would need to forbid nulls later, loses more than this default costs.
    before = sa.text("'epoch'" if is_postgres else "0")
    op.add_column("escalations", sa.Column("promised_at", UtcDateTime(), nullable=False, server_default=before))
    for name in _NEW:
        op.add_column("escalations", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("escalations", sa.Column("noise_reason", sa.Text(), nullable=True))
    if is_postgres:
        op.execute("select set_config('companion.scope', 'every clinic', true)")
    op.execute("update escalations set promised_at = opened_at")
    op.create_index("ix_escalations_promise", "escalations", ["respond_by"], sqlite_where=_NEAR, postgresql_where=_NEAR)
    op.create_index("ix_escalations_opened", "escalations", ["clinic_id", "opened_at"])
    op.create_table(
        "contact_cards",
        sa.Column("clinic_id", Uuid(), nullable=False),
        sa.Column("patient_id", Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("other_name", sa.Text(), nullable=False),
        sa.Column("other_phone", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", name=op.f("pk_contact_cards")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["people.clinic_id", "people.id"],
            name=op.f("fk_contact_cards_clinic_id_patient_id"),
        ),
        sqlite_strict=True,
    )
    isolate_clinics("contact_cards")


def downgrade() -> None:
    op.drop_table("contact_cards")
    op.drop_index("ix_escalations_opened", "escalations")
    op.drop_index("ix_escalations_promise", "escalations")
    for name in ("noise_reason", *reversed(_NEW), "promised_at"):
        op.drop_column("escalations", name)
