"""Alembic's entry: runs the numbered migrations on the connection that `companion.schema` hands over."""

from alembic import context

from companion.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
