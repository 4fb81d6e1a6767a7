"""Engine, transactions and column types; the same behaviour on SQLite and PostgreSQL."""

import contextlib
import fcntl
import importlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, cast

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Dialect,
    Engine,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
    create_engine,
    event,
    literal,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine

from companion.errors import Busy, Misconfigured

log = logging.getLogger(__name__)
BUSY_SECONDS: Final = 15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EVERY_CLINIC: Final = "every clinic"

# What passes, or what an operator mends: nothing was written, and the same may be sent again.
_PASSING = ("database is locked", "database or disk is full", "No space left on device", "connection failed")
# PostgreSQL's states for a lock that did not come in time, a deadlock, and a change that another made first.
_LOCKED = ("55P03", "40P01", "40001")

# A clinic's id, or the explicit wish to see all of them (the worker, a sign-in).
Scope = uuid.UUID | Literal["every clinic"]


WideInteger = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's whole numbers are all that large


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: integer microseconds since 1970 on SQLite, timestamptz on PostgreSQL. Refuses naive values."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Integer())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        if dialect.name == "postgresql":
            return value.astimezone(UTC)
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return cast(datetime, value).astimezone(UTC)
        return _EPOCH + timedelta(microseconds=value)


class Uuid(TypeDecorator[uuid.UUID]):
    """A UUID: 36 characters of text on SQLite, uuid on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


class Json(TypeDecorator[Any]):
    """Plain JSON: canonical text on SQLite, jsonb on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else json.loads(value)


class YesNo(TypeDecorator[bool]):
    """True or false: 1 or 0 on SQLite, boolean on PostgreSQL."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.BOOLEAN())
        return dialect.type_descriptor(Integer())

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Base(DeclarativeBase):
    """Base of every table. Constraints get names, since unnamed ones are lost when SQLite copies a table."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime,
        uuid.UUID: Uuid,
        bool: YesNo,
        float: REAL,
        str: Text,
        dict[str, Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }
    __table_args__: Any = {"sqlite_strict": True}


class ClinicScoped:
    """Mixin of every row that belongs to one clinic; reads inside a clinic's transaction see no other clinic's rows."""

    clinic_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=-10)


def within_clinic(column: str, table: str, *, target: str = "id") -> ForeignKeyConstraint:
    """A foreign key that cannot cross clinics: (clinic_id, column) refers to (clinic_id, target) of `table`."""
    return ForeignKeyConstraint(["clinic_id", column], [f"{table}.clinic_id", f"{table}.{target}"])


def one_of(column: str, *values: str) -> CheckConstraint:
    """A named check that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")


def insert_into(db: Session, table: type[Base]) -> sqlite.Insert:
    """An insert that knows `on_conflict_do_nothing`, for the database at hand: both have it, spelt alike."""
    is_sqlite = db.get_bind().dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else cast(sqlite.Insert, postgresql.insert(table))


class Database:
    """One database of one process. Make it after a fork, close it at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._writer = _WriterLock(Path(f"{make_url(url).database}.lock")) if self.is_sqlite else None

    @contextlib.contextmanager
    def transaction(self, scope: Scope, *, waits_seconds: float = BUSY_SECONDS) -> Iterator[Session]:
        """Write, narrowed to one clinic or, said aloud, in EVERY_CLINIC; commits at the end, rolls back on any error.

        Raises Busy if the database, or on PostgreSQL a row that it needs, stays locked for 15 seconds. On PostgreSQL
        `waits_seconds` is how long it waits for each lock, for whoever has other rows to go on with.
        """
        with contextlib.ExitStack() as stack:
            if self._writer:
                stack.enter_context(self._writer.held())
            yield from self._session(scope, writes=True, waits_seconds=waits_seconds)

    @contextlib.contextmanager
    def reading(self, scope: Scope) -> Iterator[Session]:
        """Read one consistent state; writes are not kept."""
        yield from self._session(scope, writes=False)

    def _session(self, scope: Scope, *, writes: bool, waits_seconds: float = BUSY_SECONDS) -> Iterator[Session]:
        session = self._sessions(execution_options={"companion_writes": writes}, info={"scope": scope})
        with session:
            try:
                self._begin(session, scope, waits_seconds)
                yield session
                if writes:
                    session.commit()
            except (IntegrityError, OperationalError, PoolTimeout) as error:
                session.rollback()
                if isinstance(error, PoolTimeout) or _passes(error):
                    raise Busy from error
                raise
            except BaseException:
                session.rollback()
                raise

    def _begin(self, session: Session, scope: Scope, waits_seconds: float) -> None:
        if self.is_sqlite:
            session.connection()
            return
        # Row-level security reads this setting; "true" ends it with the transaction, so a pooled connection leaks none.
        session.execute(_SET_SCOPE, {"scope": str(scope), "waits": f"{int(1000 * waits_seconds)}ms"})

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _passes(error: IntegrityError | OperationalError) -> bool:
    # 23505: two wrote the same at once on PostgreSQL. Whoever tries again sees what the other has written.
    state = getattr(error.orig, "sqlstate", None)
    is_twin = state == "23505"
    if is_twin:
        log.warning("two wrote the same at once: %s", cast(Any, error.orig).diag.constraint_name)
    return is_twin or state in _LOCKED or any(fault in str(error.orig) for fault in _PASSING)


# A client that holds rows and does nothing, as one whose machine is gone, is cut off by the server.
_SET_SCOPE = text(
    "select set_config('companion.scope', :scope, true), set_config('lock_timeout', :waits, true), "
    "set_config('idle_in_transaction_session_timeout', '60s', true)"
)


@event.listens_for(Session, "do_orm_execute")
def _narrow_to_clinic(state: ORMExecuteState) -> None:
    scope = state.session.info.get("scope")
    if scope is None:
        raise RuntimeError("a session without a scope: open it by Database.transaction() or reading()")
    if scope == EVERY_CLINIC or state.is_column_load or state.is_relationship_load:
        return
    if state.is_select or state.is_update or state.is_delete:
        # Typed here: inside the cached lambda the value would lose our column type.
        own = literal(scope, Uuid())
        state.statement = state.statement.options(
            with_loader_criteria(ClinicScoped, lambda row: row.clinic_id == own, include_aliases=True)
        )


class _WriterLock:
    """One writer at a time on this file, in this process and among processes; SQLite's own waiting starves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        deadline = time.monotonic() + BUSY_SECONDS
        if not self._threads.acquire(timeout=BUSY_SECONDS):
            raise Busy
        try:
            with self._path.open("a") as file:
                _lock_file(file.fileno(), deadline)
                yield
        finally:
            self._threads.release()


def _lock_file(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy from None
            time.sleep(0.001)
        else:
            return


def _sqlite_engine(url: str) -> Engine:
    module, may_use_wal = sqlite_module()
    # Parameters hold health data: they must not reach an exception's text.
    engine = create_engine(url, module=module, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    journal = "WAL" if may_use_wal else "TRUNCATE"

    @event.listens_for(engine, "connect")
    def _configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver must not open transactions of its own: "begin" below does.
        cast(Any, connection).isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "trusted_schema=OFF",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("companion_writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def sqlite_module() -> tuple[Any, bool]:
    """The SQLite driver, and whether its library is free of the WAL-reset bug of 3.7.0 to 3.51.2."""
    try:
        module: Any = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:  # no wheel for this system: its own library serves
        module = importlib.import_module("sqlite3")
    return module, module.sqlite_version_info >= (3, 51, 3)


# A server that is gone without a word is noticed in half a minute, not after the kernel's two hours.
_NO_ANSWER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}


def _postgresql_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "postgresql":
        raise Misconfigured("COMPANION_DATABASE_URL must begin with sqlite: or postgresql+psycopg:.")
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
        connect_args={"connect_timeout": 5, **_NO_ANSWER},
    )
