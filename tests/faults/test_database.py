"""What the database does to us: locks, full disks, servers that go away, files that are damaged."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from companion import schema
from companion.accounts import actions as accounts
from companion.accounts.models import Person
from companion.app import create_app
from companion.clock import utc_now
from companion.db import EVERY_CLINIC, Database, sqlite_module
from companion.errors import Busy
from companion.escalation import jobs as cases
from companion.escalation import queries
from companion.operations import jobs
from companion.reactions.models import Reaction
from companion.runtime import Runtime
from companion.turns import one_at_a_time
from companion.wake import Watch
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.databases import sqlite_url
from tests.escalation.test_races import open_cases
from tests.outbox.test_channels import NoPush
from tests.people import Cast
from tests.signed_in import browser


def entry(subject: str) -> dict[str, object]:
    """An entry in which nothing is out of the ordinary."""
    at = utc_now().isoformat()
    grades = dict.fromkeys(("swelling", "bruising", "redness", "pain", "itch", "bumps", "numbness"), 0)
    return {
        "subject": subject,
        "noted_at": at,
        "sent_at": at,
        "areas": {"face": {**grades, "patch_cm": None}},
        "warnings": {"none": True, "signs": [], "not_sure": []},
        "feels": "can_wait",
        "words": "It is fine. " * 160,
    }


def file_of(database: Database) -> Path:
    return Path(make_url(database.url).database or "")


def count(database: Database) -> int:
    with database.reading(EVERY_CLINIC) as db:
        return len(db.scalars(select(Reaction.id)).all())


def sqlite_only(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("about SQLite's file")


def test_a_writer_waits_for_the_lock_of_another_process(rt: Runtime, cast: Cast) -> None:
    sqlite_only(rt.db)
    other, held, released = Database(rt.db.url), threading.Event(), threading.Event()

    def hold() -> None:
        with other.transaction(cast.north):
            held.set()
            released.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    threading.Timer(0.5, released.set).start()
    with rt.db.transaction(cast.north) as db:
        accounts.set_locale(db, clinic_id=cast.north, person_id=cast.ada, locale="fr")
    assert released.is_set()
    holder.join(10)
    other.close()


@pytest.mark.long
def test_a_lock_that_stays_is_answered_with_try_again(rt: Runtime, cast: Cast) -> None:
    sqlite_only(rt.db)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        connection = sqlite_module()[0].connect(file_of(rt.db), isolation_level=None)
        connection.execute("begin immediate")
        held.set()
        done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    answer = browser(create_app(rt), rt).post("/sign-in", data={"email": "x@clinic.example", "password": "x"})
    done.set()
    holder.join(10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_reading_and_then_writing_loses_no_update(rt: Runtime, cast: Cast) -> None:
    def add(_: int) -> None:
        for _ in range(10):
            with rt.db.transaction(cast.north) as db:
                # On PostgreSQL a row that is read to be changed is locked; on SQLite every writer waits for the other.
                ada = db.scalars(select(Person).where(Person.id == cast.ada).with_for_update()).one()
                ada.name = f"{ada.name}x"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    with rt.db.reading(cast.north) as db:
        assert db.get_one(Person, (cast.north, cast.ada)).name == "Ada" + "x" * 80


def test_a_full_disk_refuses_whole_entries_and_damages_nothing(rt: Runtime, cast: Cast) -> None:
    sqlite_only(rt.db)
    client = browser(create_app(rt), rt, (cast.north, cast.ada))
    with rt.db.reading(EVERY_CLINIC) as db:
        pages = db.execute(text("pragma page_count")).scalar_one()
    rt.db.engine.dispose()

    @event.listens_for(rt.db.engine, "connect")
    def _small(connection: object, _entry: object) -> None:
        connection.execute(f"pragma max_page_count = {pages + 6}")  # type: ignore[attr-defined] # SQLite's own

    answers = [client.put(f"/reactions/{uuid4()}", json=entry("subject-of-ada")).status_code for _ in range(30)]
    assert set(answers) == {201, 503}
    assert answers.count(201) == count(rt.db)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.execute(text("pragma integrity_check")).scalar_one() == "ok"


def test_what_is_confirmed_is_on_the_disk_before_it_is_confirmed(rt: Runtime) -> None:
    sqlite_only(rt.db)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.execute(text("pragma synchronous")).scalar_one() == 2, "FULL"
        journal = db.execute(text("pragma journal_mode")).scalar_one()
    module, may_use_wal = sqlite_module()
    assert may_use_wal == (module.sqlite_version_info >= (3, 51, 3)), "older ones can damage a file in WAL mode"
    assert journal == ("wal" if may_use_wal else "truncate")


def test_a_database_server_that_is_started_again_stops_nothing(rt: Runtime, cast: Cast) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite has no server")
    dispatcher, watch = Dispatcher(rt, NoPush()), Watch(rt.db)
    assert dispatcher.tick() is True
    with rt.db.reading(EVERY_CLINIC) as db:
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> "
        db.execute(text(f"{cut} pg_backend_pid()"))
    with pytest.raises(Exception, match=r"terminat|closed|lost"):
        watch.wait(1, threading.Event())
    watch.reopen()
    assert watch.wait(0.05, threading.Event()) is False
    watch.close()
    assert Dispatcher(rt, NoPush()).tick() is True


def test_a_row_that_somebody_holds_is_answered_with_try_again(rt: Runtime, cast: Cast) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite locks no rows")
    with rt.db.transaction(cast.north) as stuck:
        one_at_a_time(stuck, cast.ada)
        with pytest.raises(Busy), rt.db.transaction(cast.north, waits_seconds=0.1) as db:
            one_at_a_time(db, cast.ada)
        waits = stuck.execute(text("show lock_timeout")).scalar_one()
        idles = stuck.execute(text("show idle_in_transaction_session_timeout")).scalar_one()
    assert (waits, idles) == ("15s", "1min"), "who holds rows and does nothing is cut off"


def test_a_deadlock_is_answered_with_try_again(rt: Runtime, cast: Cast) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    meet = threading.Barrier(2)

    def take(first: UUID, second: UUID) -> str:
        try:
            with rt.db.transaction(cast.north) as db:
                one_at_a_time(db, first)
                meet.wait(10)
                one_at_a_time(db, second)
        except Busy:
            return "busy"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(take, (cast.ada, cast.iris), (cast.iris, cast.ada)))
    assert sorted(answers) == ["busy", "done"]


def test_a_case_that_somebody_holds_does_not_hold_up_the_others(rt: Runtime, cast: Cast, clock: Clock) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite locks no rows")
    held, other = open_cases(rt, cast, clock.now, 2)
    with rt.db.transaction(cast.north) as stuck, ThreadPoolExecutor(1) as pool:
        stuck.execute(text("select 1 from escalations where id = :id for update"), {"id": held})
        stepped = pool.submit(cases.step_due, rt, clock.now + timedelta(minutes=11))
        assert stepped.result(10) == 1, "and the dispatcher beats before it counts as hanging"
    with rt.db.reading(cast.north) as db:
        assert queries.case(db, cast.north, other).step == 2


@pytest.mark.long
def test_a_pool_that_is_used_up_is_answered_with_try_again(rt: Runtime, cast: Cast) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite's writers wait for each other before they take a connection")
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(rt.db.reading(EVERY_CLINIC))
        with pytest.raises(Busy), rt.db.transaction(cast.north):
            pass
        other = Database(rt.db.url)
        stack.callback(other.close)
        assert Dispatcher(Runtime(rt.config, rt.secrets, other, rt.clock), NoPush()).tick() is True


def test_a_damaged_file_stops_the_beat_and_makes_no_backup(rt: Runtime, cast: Cast) -> None:
    sqlite_only(rt.db)
    rt.db.close()
    path = file_of(rt.db)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    assert Dispatcher(rt, NoPush()).tick() is False
    with pytest.raises((OSError, DatabaseError, sqlite_module()[0].DatabaseError)):
        jobs.back_up(rt, rt.clock())
    assert not list((rt.config.data_dir / "backups").glob("*.sqlite3"))


@pytest.mark.long
def test_a_migration_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    command = [sys.executable, "-m", "companion.cli", "migrate"]
    settings = {**os.environ, "COMPANION_DATA_DIR": str(tmp_path), "COMPANION_DATABASE_URL": url}
    for wait in (0.8, 1.2, 1.6, 2.0, 2.4):
        process = subprocess.Popen(command, env=settings)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    database = Database(url)
    assert schema.current_revision(database) in (None, schema.newest_revision()), "one transaction: all or nothing"
    schema.migrate(database)
    assert schema.current_revision(database) == schema.newest_revision()
    database.close()
