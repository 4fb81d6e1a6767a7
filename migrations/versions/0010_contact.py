"""Where a patient agreed to get e-mail; apart from the address to sign in with, since a family may share one."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("people", sa.Column("contact_email", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("contact_agreed_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("people", "contact_agreed_at")
    op.drop_column("people", "contact_email")
