"""Proof of life: the canary's way through everything, monthly tests, backups, and an operator who is told."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from companion import housekeeper
from companion.clinic import queries as clinic
from companion.clock import utc_now
from companion.config import Config
from companion.db import EVERY_CLINIC, sqlite_module
from companion.errors import CompanionError
from companion.escalation.models import Escalation
from companion.ids import CANARY_CLINIC
from companion.operations import actions, jobs, rules
from companion.operations.transport import Loopback
from companion.outbox.models import Message
from companion.push.transport import Transport
from companion.reactions import queries as reactions
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests import mail_server as mail_servers
from tests.conftest import Clock
from tests.mail_server import MailServer
from tests.operations.test_health import all_is_well
from tests.outbox.test_channels import mail
from tests.outbox.test_delivery import subscribe
from tests.outbox.test_receipts import prove
from tests.people import Cast
from tests.push_service import PushService

QUARTER = timedelta(minutes=15)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with mail_servers.running() as server:
        yield server


@pytest.fixture
def loopback(rt: Runtime) -> Iterator[Loopback]:
    made = Loopback(rt.secrets.vapid_public_key, rt.clock)
    yield made
    made.close()


def with_settings(rt: Runtime, **settings: object) -> Runtime:
    """The same runtime with other settings."""
    config = Config.model_validate({**rt.config.model_dump(), **settings})
    return Runtime(config, rt.secrets, rt.db, rt.clock)


@contextmanager
def delivering(rt: Runtime, transport: Transport) -> Iterator[None]:
    """A dispatcher that works in a thread of its own until the block ends."""
    stop = threading.Event()

    def work() -> None:
        dispatcher = Dispatcher(rt, transport)
        while not stop.wait(0.02):
            dispatcher.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def test_the_canary_goes_the_whole_way_and_leaves_no_case_open(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback, transport: Transport
) -> None:
    with delivering(rt, transport):
        took = jobs.prove_alerts(rt, loopback, clock.now)
        assert took is not None
        assert took < 30_000
        clock.now += timedelta(minutes=13)
        assert jobs.prove_alerts(rt, loopback, clock.now) is None, "another has just done it"
        clock.now += timedelta(minutes=2)
        assert jobs.prove_alerts(rt, loopback, clock.now) is not None
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Escalation.state)).all() == ["resolved", "resolved"]
        assert set(db.scalars(select(Message.state).where(Message.kind == "case_alert"))) == {"shown"}


def test_the_canarys_clinic_is_in_no_list(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback, transport: Transport
) -> None:
    with delivering(rt, transport):
        jobs.prove_alerts(rt, loopback, clock.now)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert CANARY_CLINIC not in [one.id for one in clinic.clinics(db)]
        assert reactions.patients_since(db, clock.now - timedelta(days=1)) == []
    assert jobs.reconcile(rt, clock.now) == 0


def test_a_worker_that_signs_with_another_key_proves_nothing(
    rt: Runtime, cast: Cast, clock: Clock, transport: Transport
) -> None:
    other = Loopback("A" * 87, rt.clock)
    try:
        with delivering(rt, transport), pytest.raises(TimeoutError):
            jobs.prove_alerts(rt, other, clock.now, seconds=0.5)
    finally:
        other.close()


def test_nothing_is_proven_while_nobody_delivers(rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback) -> None:
    with pytest.raises(TimeoutError):
        jobs.prove_alerts(rt, loopback, clock.now, seconds=0.2)


def test_a_worker_that_stops_does_not_wait_for_its_canary(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback
) -> None:
    threading.Timer(0.2, loopback.close).start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        jobs.prove_alerts(rt, loopback, clock.now)
    assert time.monotonic() - began < 20


def test_the_outside_is_pinged_after_a_proof_only(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback, transport: Transport
) -> None:
    with _outside() as (url, pinged):
        pinging = with_settings(rt, ping_url=url)
        with pytest.raises(TimeoutError):
            jobs.prove_alerts(pinging, loopback, clock.now, seconds=0.2)
        assert pinged() == 0
        clock.now += timedelta(minutes=15)
        with delivering(rt, transport):
            jobs.prove_alerts(pinging, loopback, clock.now)
        assert pinged() == 1


def test_a_nurses_device_is_tested_once_a_month_while_the_clinic_is_open(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    assert jobs.check_devices(rt, clock.now) == 0, "a new device is given a day"
    clock.now += timedelta(days=1)
    at_night = clock.now.replace(hour=2)
    assert jobs.check_devices(rt, at_night) == 0
    assert jobs.check_devices(rt, clock.now) == 1
    assert jobs.check_devices(rt, clock.now + timedelta(hours=1)) == 0
    Dispatcher(rt, transport).work()
    (received,) = device.wait_for(1)
    assert received.json["notification"]["body"].startswith("Test of the month")


@pytest.mark.parametrize(("days", "is_tested"), [(26, False), (28, True)])
def test_a_device_that_has_proven_itself_lately_is_not_tested(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, days: int, is_tested: bool
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    clock.now += timedelta(days=35)
    prove(rt, clock.now - timedelta(days=days))
    assert jobs.check_devices(rt, clock.now) == is_tested


def test_a_backup_is_whole_private_and_thinned_out(rt: Runtime, cast: Cast, clock: Clock) -> None:
    if not rt.db.is_sqlite:
        assert jobs.back_up(rt, clock.now) is None, "PostgreSQL is backed up by its owner"
        return
    folder = rt.config.data_dir / "backups"
    folder.mkdir(mode=0o700)
    for number in range(1, 300):
        (folder / f"companion-{clock.now - number * QUARTER:%Y%m%dT%H%M%SZ}.sqlite3").touch(0o600)
    size = jobs.back_up(rt, clock.now)
    assert size is not None
    assert size > 0
    paths = sorted(folder.iterdir(), reverse=True)
    assert len(paths) == 96 + 2, "a day's, and the newest of each of the two days before"
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    with sqlite3.connect(paths[0]) as copy:
        assert copy.execute("select count(*) from people").fetchone() == (7,)
    copy.close()


def test_nothing_is_left_of_a_backup_that_failed_or_was_killed(rt: Runtime, cast: Cast, clock: Clock) -> None:
    if not rt.db.is_sqlite:
        pytest.skip("PostgreSQL is backed up by its owner")
    folder = rt.config.data_dir / "backups"
    folder.mkdir()
    (folder / "companion-20261101T000000Z.part").write_bytes(b"killed weeks ago")
    jobs.back_up(rt, clock.now)
    with Path(make_url(rt.db.url).database or "").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 20))
    with pytest.raises((OSError, DatabaseError, sqlite_module()[0].DatabaseError)):
        jobs.back_up(rt, clock.now + timedelta(minutes=15))
    assert [path.suffix for path in folder.iterdir()] == [".sqlite3"]


def backups(until: datetime, *, days: float) -> set[datetime]:
    """One each quarter of an hour for so many days, thinned out each time as the job does it."""
    kept = set[datetime]()
    for number in range(int(days * 96), -1, -1):
        at = until - number * QUARTER
        kept = rules.backups_to_keep({*kept, at}, at)
    return kept


def test_a_days_backups_are_kept_and_the_newest_of_each_day_for_35_days() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    kept = sorted(backups(now, days=40))
    assert kept[-96:] == [now - number * QUARTER for number in range(95, -1, -1)]
    assert len(kept[:-96]) == 33, "two of the 35 days are among the newest"
    assert len({at.date() for at in kept}) == 35


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), timedelta(days=400)])
@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=1), timedelta(days=40)])
def test_no_clock_that_is_set_forward_and_back_leaves_fewer_backups(jump: timedelta, lasts: timedelta) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    before = backups(now, days=3)
    kept = before
    for number in range(int(lasts / QUARTER) + 1):
        at = now + jump + number * QUARTER
        kept = rules.backups_to_keep({*kept, at}, at)
        assert len(kept) >= len(before)
    for number in range(1, 200):
        at = now + lasts + number * QUARTER
        kept = rules.backups_to_keep({*kept, at}, at)
        assert len(kept) >= len(before)
        assert at in kept, "the one that was just made stays"


def test_the_operator_is_told_once_a_day_by_email_and_when_it_is_well_again(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, mail_server: MailServer
) -> None:
    all_is_well(rt, cast, push_service)
    told = with_settings(rt, operator_email="operator@clinic.example")
    couriers = mail(mail_server.url, rt)
    unkept = rules.Unkept()
    for minutes, expected in ((0, 0), (1, 0), (3, 1), (60, 1), (24 * 60 + 4, 2)):
        jobs.tell_operator(told, couriers, clock.now + timedelta(hours=30, minutes=minutes), unkept)
        assert len(mail_server.received) == expected
    text = mail_server.received[0].get_content()
    assert "Not well: worker_beat_age_seconds" in text
    assert mail_server.received[0]["To"] == "operator@clinic.example"
    jobs.tell_operator(told, couriers, clock.now, unkept)
    assert "Well again: worker_beat_age_seconds" in mail_server.received[-1].get_content()
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Message)).all() == [], "an alarm about alarms never goes by push"


def test_an_alarm_that_no_mail_server_took_is_sent_a_minute_later_and_then_no_more(
    rt: Runtime, cast: Cast, clock: Clock, mail_server: MailServer
) -> None:
    told, unkept = with_settings(rt, operator_email="operator@clinic.example"), rules.Unkept()
    away = mail("smtp://127.0.0.1:9", rt)
    for minute in range(60):
        at = clock.now + timedelta(minutes=minute)
        jobs.tell_operator(told, away if minute < 4 else mail(mail_server.url, rt), at, unkept)
    (received,) = mail_server.received
    assert "Not well: worker_beat_age_seconds" in received.get_content()


def test_a_disk_that_takes_no_note_silences_no_alarm(
    rt: Runtime, cast: Cast, clock: Clock, mail_server: MailServer
) -> None:
    if not rt.db.is_sqlite:
        pytest.skip("the limit is SQLite's own")
    told, unkept = with_settings(rt, operator_email="operator@clinic.example"), rules.Unkept()
    rt.db.close()
    with rt.db.reading(EVERY_CLINIC) as db:  # the pool's one connection may not grow the file
        db.execute(text("pragma query_only = on"))
    for minute in range(120):
        with contextlib.suppress(DatabaseError, CompanionError):
            jobs.tell_operator(told, mail(mail_server.url, rt), clock.now + timedelta(minutes=minute), unkept)
    (received,) = mail_server.received
    assert "Not well: database_not_written" in received.get_content()


def test_an_alarm_that_comes_and_goes_within_two_minutes_is_told_to_nobody(rt: Runtime, clock: Clock) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert actions.raise_alarms(db, ["late_jobs"], now=clock.now) == ([], [])
        assert actions.raise_alarms(db, [], now=clock.now + timedelta(minutes=1)) == ([], [])
        assert actions.raise_alarms(db, ["late_jobs"], now=clock.now + timedelta(minutes=3)) == ([], [])


def test_an_outside_that_does_not_answer_makes_no_proof_fail(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback, transport: Transport
) -> None:
    away = with_settings(rt, ping_url="http://127.0.0.1:9/")
    with delivering(rt, transport):
        assert jobs.prove_alerts(away, loopback, clock.now) is not None


def test_a_proof_that_a_killed_worker_began_is_begun_again_by_the_next(
    rt: Runtime, cast: Cast, clock: Clock, loopback: Loopback
) -> None:
    clock.now = utc_now()  # the housekeeper's own, which has nothing to do for a while
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert actions.prepare_canary(db, loopback, vapid_key=rt.secrets.vapid_public_key, now=clock.now)
        for name in rules.JOBS:
            actions.beat(db, name, now=clock.now)
    housekeeper.start(rt, loopback, {}).shutdown()
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert actions.prepare_canary(db, loopback, vapid_key=rt.secrets.vapid_public_key, now=clock.now)


@contextmanager
def _outside() -> Iterator[tuple[str, Callable[[], int]]]:
    pings: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pings.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test counts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping", lambda: len(pings)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.parametrize("told", [False, True])
def test_an_alarm_of_a_clock_that_was_ahead_is_told_all_the_same(rt: Runtime, clock: Clock, told: bool) -> None:
    ahead = clock.now + timedelta(days=400)
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.raise_alarms(db, ["late_jobs"], now=ahead)
        if told:
            assert actions.raise_alarms(db, ["late_jobs"], now=ahead + timedelta(minutes=2)) == (["late_jobs"], [])
            actions.note_told(db, ["late_jobs"], [], now=ahead + timedelta(minutes=2))
        assert actions.raise_alarms(db, ["late_jobs"], now=clock.now) == (["late_jobs"], [])
        actions.note_told(db, ["late_jobs"], [], now=clock.now)
        assert actions.raise_alarms(db, ["late_jobs"], now=clock.now + timedelta(minutes=5)) == ([], [])
