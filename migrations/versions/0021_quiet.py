"""When a person wants no reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("people", sa.Column("quiet_from", sa.Text(), nullable=True, server_default="21:00"))
    op.add_column("people", sa.Column("quiet_until", sa.Text(), nullable=True, server_default="08:00"))


def downgrade() -> None:
    op.drop_column("people", "quiet_until")
    op.drop_column("people", "quiet_from")
