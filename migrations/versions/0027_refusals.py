"""What was refused lately is looked at with every look at health: an index of those few tries."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    is_refused = sa.text("result = 'refused'")
    op.create_index("ix_attempts_refused", "attempts", ["at"], sqlite_where=is_refused, postgresql_where=is_refused)


def downgrade() -> None:
    op.drop_index("ix_attempts_refused", "attempts")
