"""Two numbers that may pass 2**31: a passkey's count of uses, and by how many seconds a phone's clock is wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_WIDE = (("passkeys", "sign_count"), ("reactions", "skew_seconds"))


def upgrade() -> None:
    _make(sa.BigInteger())


def downgrade() -> None:
    _make(sa.Integer())


def _make(kind: sa.types.TypeEngine[int]) -> None:
    # SQLite's whole numbers have 64 bits already.
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _WIDE:
            op.alter_column(table, column, type_=kind)
