"""Signs of life of the worker."""

import sqlalchemy as sa
from alembic import op

from companion.db import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "beats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_beats")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("beats")
