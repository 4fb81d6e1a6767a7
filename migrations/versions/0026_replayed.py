"""What a replay over past entries said of a protocol before it was published."""

import sqlalchemy as sa
from alembic import op

from companion.db import Json

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    # Those that were published before this have none.
    op.add_column("protocols", sa.Column("replayed", Json(), nullable=True))


def downgrade() -> None:
    op.drop_column("protocols", "replayed")
