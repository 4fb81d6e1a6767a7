"""What a patient answers when asked about a warning sign that was told in words."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("reactions", sa.Column("words_answer", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("reactions", "words_answer")
