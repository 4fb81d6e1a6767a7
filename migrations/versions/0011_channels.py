"""Messages by e-mail and through a gateway, beside push."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    known = sa.CheckConstraint("channel in ('push', 'email', 'webhook')", name=op.f("ck_messages_channel_known"))
    op.add_column("messages", sa.Column("channel", sa.Text(), known, nullable=False, server_default="push"))


def downgrade() -> None:
    op.drop_column("messages", "channel")
