"""What a job found, what an operator should know of, and the alarms that stand."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json, UtcDateTime, Uuid

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("beats", sa.Column("value", sa.Integer(), nullable=True))
    op.create_table(
        "operator_events",
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_events")),
        sqlite_strict=True,
    )
    op.create_index("ix_operator_events_at", "operator_events", ["at"])
    op.create_table(
        "alarms",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarms")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("alarms")
    op.drop_table("operator_events")
    op.drop_column("beats", "value")
