"""Bring a database to the newest schema, and refuse one that is not."""

from alembic import command, op
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url

from companion.db import Database
from companion.errors import Misconfigured
from companion.paths import MIGRATIONS


def migrate(db: Database, *, application_role: str | None = None, revision: str = "head") -> None:
    """Upgrade to `revision` in one transaction; on PostgreSQL run it as the owner and name the application's role."""
    with db.engine.begin() as connection:
        settings = _settings()
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        if application_role:
            _grant(connection, application_role)


def downgrade(db: Database, revision: str) -> None:
    """Go back to `revision`; used by tests and by an operator who undoes an upgrade."""
    with db.engine.begin() as connection:
        settings = _settings()
        settings.attributes["connection"] = connection
        command.downgrade(settings, revision)


def newest_revision() -> str:
    """The revision this code was written for."""
    head = ScriptDirectory.from_config(_settings()).get_current_head()
    if head is None:
        raise Misconfigured("The migrations are missing from this installation.")
    return head


def current_revision(db: Database) -> str | None:
    """The database's revision, None while it is empty."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_newest(db: Database) -> None:
    """Misconfigured unless the database has the schema this code was written for."""
    current, wanted = current_revision(db), newest_revision()
    if current != wanted:
        raise Misconfigured(
            f"The database is at revision {current or 'none'}, this version needs {wanted}: run `companion migrate`."
        )


def application_role(url: str) -> str | None:
    """The PostgreSQL role in an address, None for SQLite."""
    parts = make_url(url)
    return parts.username if parts.get_backend_name() == "postgresql" else None


def forbid_changes(*tables: str) -> None:
    """In a migration: triggers that refuse UPDATE and DELETE, so that rows are only ever added.

    Where a later migration copies a table (SQLite's batch mode), it must call this again: the copy has no triggers.
    """
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(
            "create or replace function refuse_change() returns trigger language plpgsql as "
            "$$ begin raise exception 'rows of % are only ever added', tg_table_name; end $$"
        )
    for table in tables:
        for verb in ("update", "delete"):
            act = f"begin select raise(abort, 'rows of {table} are only ever added'); end" if is_sqlite else ""
            call = "" if is_sqlite else "for each row execute function refuse_change()"
            op.execute(f"create trigger {table}_no_{verb} before {verb} on {table} {act}{call}")


def isolate_clinics(*tables: str) -> None:
    """In a migration: on PostgreSQL, a transaction sees and writes rows of the clinic it was opened for only."""
    if op.get_bind().dialect.name != "postgresql":
        return
    scope = "current_setting('companion.scope', true)"
    for table in tables:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy {table}_of_one_clinic on {table} "
            f"using ({scope} = 'every clinic' or clinic_id::text = {scope})"
        )


def _settings() -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return settings


def _grant(connection: Connection, role: str) -> None:
    # The application may read and write rows; it owns nothing, so row-level security holds for it.
    quoted = connection.dialect.identifier_preparer.quote(role)
    for statement in (
        f"grant usage on schema public to {quoted}",
        f"grant select, insert, update, delete on all tables in schema public to {quoted}",
        f"revoke update, delete on audit, assessments from {quoted}",
        f"revoke insert, update, delete on alembic_version from {quoted}",
    ):
        connection.execute(text(statement))
