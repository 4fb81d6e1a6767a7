"""Signs of life: the dispatcher's, the database's, the devices', and what the outside sees of them."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from companion.app import create_app
from companion.clinic.models import Duty
from companion.clock import utc_now
from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation, EscalationEvent
from companion.operations import actions, jobs, queries, rules
from companion.operations.models import OperatorEvent
from companion.outbox.models import DueMessage, Message
from companion.push.models import Subscription
from companion.push.transport import Transport
from companion.reactions.models import Reaction
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.escalation.test_stories import open_case
from tests.outbox.test_channels import NoPush
from tests.outbox.test_delivery import enqueue, subscribe
from tests.people import Cast
from tests.push_service import PushService
from tests.signed_in import browser


def signs(rt: Runtime) -> dict[str, float | None]:
    """Every sign that is not well, with its value."""
    with rt.db.reading(EVERY_CLINIC) as db:
        return {sign.name: sign.value for sign in queries.health(db, rt, rt.clock()) if not sign.is_ok}


def all_is_well(rt: Runtime, cast: Cast, service: PushService) -> None:
    """The worker beats, every job has succeeded, every clinic has somebody to tell; from now on it is the real time."""
    assert isinstance(rt.clock, Clock)
    rt.clock.now = utc_now()
    with rt.db.transaction(EVERY_CLINIC) as db:
        for name in (rules.DISPATCHER, *rules.JOBS):
            actions.beat(db, name, now=rt.clock(), value=0)
        db.add(Duty(clinic_id=cast.south, person_id=cast.mallory, since_at=rt.clock()))
    subscribe(rt, service, cast.north, cast.iris)
    subscribe(rt, service, cast.south, cast.mallory)


def test_the_process_answers_whatever_the_worker_does(rt: Runtime, cast: Cast) -> None:
    assert browser(create_app(rt), rt).get("/healthz").json == {"web": "ok"}


def test_ready_means_database_schema_and_secrets(rt: Runtime, cast: Cast) -> None:
    client = browser(create_app(rt), rt)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"database": "ok", "schema": "ok", "secrets": "ok"})
    (rt.config.data_dir / "secrets" / "vapid.pem").unlink()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["secrets"]) == (503, "Misconfigured")


def test_alerts_get_through_when_every_sign_is_well(rt: Runtime, cast: Cast, push_service: PushService) -> None:
    client = browser(create_app(rt), rt)
    assert client.get("/health/alerting").status_code == 503
    all_is_well(rt, cast, push_service)
    answer = client.get("/health/alerting")
    assert (answer.status_code, answer.get_json()["ok"], signs(rt)) == (200, True, {})
    assert answer.get_json()["signs"]["worker_beat_age_seconds"] == {"ok": True, "value": 0}


def test_a_dispatcher_that_is_not_running_turns_health_red(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    all_is_well(rt, cast, push_service)
    clock.now += timedelta(seconds=31)
    assert signs(rt)["worker_beat_age_seconds"] == 31
    assert Dispatcher(rt, NoPush()).tick() is True
    assert "worker_beat_age_seconds" not in signs(rt)


def test_a_beat_from_the_future_is_no_sign_of_life(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    all_is_well(rt, cast, push_service)
    clock.now -= timedelta(hours=1)
    assert signs(rt)["worker_beat_age_seconds"] is None


def test_each_thing_that_stands_in_the_way_of_alerts_is_a_sign(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    all_is_well(rt, cast, push_service)
    message_id = enqueue(rt.db, cast, clock.now - timedelta(seconds=61))
    assert signs(rt) == {"oldest_overdue_message_seconds": 61}
    push_service.inject(403)
    Dispatcher(rt, transport).work()
    assert signs(rt) == {"pushes_refused_last_day": 1}
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Subscription).values(key_id="another key").where(Subscription.person_id == cast.iris))
    assert signs(rt)["devices_of_another_key"] == 1
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(delete(Subscription).where(Subscription.person_id == cast.iris))
    assert signs(rt)["unreachable_clinics"] == 1
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.get_one(Message, (cast.north, message_id)).state == "unreachable"


@pytest.mark.parametrize(
    ("name", "sign"), [("canary", "canary_age_seconds"), ("release_due", "late_jobs"), ("reconcile", "late_jobs")]
)
def test_a_job_that_stopped_is_a_sign(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, name: str, sign: str
) -> None:
    all_is_well(rt, cast, push_service)
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.beat(db, name, now=clock.now - timedelta(days=1), value=0)
    assert sign in signs(rt)


def test_a_backup_that_is_a_day_old_is_a_sign(rt: Runtime, cast: Cast, clock: Clock, push_service: PushService) -> None:
    all_is_well(rt, cast, push_service)
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.beat(db, "backup", now=clock.now - timedelta(hours=27), value=1)
    assert ("backup_age_seconds" in signs(rt)) is rt.db.is_sqlite
    if not rt.db.is_sqlite:
        assert "late_jobs" not in signs(rt), "PostgreSQL is backed up by its owner"


def test_a_clock_that_differs_from_the_databases_is_a_sign(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    all_is_well(rt, cast, push_service)
    if rt.db.is_sqlite:
        assert "clock_skew_seconds" not in signs(rt), "SQLite has no clock of its own"
        return
    with rt.db.reading(EVERY_CLINIC) as db:
        clock.now = db.execute(queries.DATABASE_CLOCK).scalar_one() + timedelta(seconds=30)
    assert signs(rt)["clock_skew_seconds"] == pytest.approx(30, abs=1)


def test_a_dispatcher_that_cannot_work_does_not_beat(rt: Runtime, cast: Cast) -> None:
    rt.db.close()
    broken = Runtime(rt.config, rt.secrets, _Broken(), rt.clock)  # type: ignore[arg-type]
    assert Dispatcher(broken, NoPush()).tick() is False
    with rt.db.reading(EVERY_CLINIC) as db:
        assert queries.last_beat(db) is None


def test_a_clock_that_jumps_is_told_to_the_operator_and_starts_the_jobs_anew(
    rt: Runtime, cast: Cast, clock: Clock
) -> None:
    anew: list[None] = []
    dispatcher = Dispatcher(rt, NoPush(), on_jump=lambda: anew.append(None))
    for seconds in (0, 29, -3600, 5):
        clock.now += timedelta(seconds=seconds)
        dispatcher.tick()
    with rt.db.reading(EVERY_CLINIC) as db:
        (event,) = queries.events(db)
    assert (event.kind, event.detail["seconds"]) == ("clock_jumped", pytest.approx(-3600, abs=2))
    assert len(anew) == 1


def test_what_must_come_of_an_entry_is_counted_and_missed(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    assert jobs.reconcile(rt, clock.now) == 0
    enqueue(rt.db, cast, clock.now)
    _entry_without_assessment(rt, cast)
    assert jobs.reconcile(rt, clock.now) == 1
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(delete(DueMessage))
    assert jobs.reconcile(rt, clock.now) == 2
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(OperatorEvent.detail)).all()[-1].keys() <= {"entries_unassessed", "messages_forgotten"}
        assert db.scalars(select(Escalation)).all() == []


@pytest.mark.parametrize("has_messages", [True, False])
@pytest.mark.parametrize("has_step", [True, False])
def test_an_open_case_that_nothing_leads_on_is_counted(
    rt: Runtime, cast: Cast, clock: Clock, has_messages: bool, has_step: bool
) -> None:
    open_case(rt, cast)
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(delete(EscalationEvent).where(EscalationEvent.kind == "told"))
        if not has_messages:
            db.execute(delete(DueMessage))
            db.execute(delete(Message))
        if not has_step:
            db.execute(update(Escalation).values(next_step_at=None))
    clock.now += timedelta(hours=2)
    is_missed = not (has_messages and has_step)
    assert jobs.reconcile(rt, clock.now) == is_missed
    with rt.db.reading(EVERY_CLINIC) as db:
        assert [event.detail for event in queries.events(db)] == [{"cases_forgotten": 1}] * is_missed


@pytest.mark.parametrize("level", ["clinic_same_day", "clinic_routine"])
def test_a_case_that_waits_for_its_time_is_not_forgotten(rt: Runtime, cast: Cast, clock: Clock, level: str) -> None:
    clock.now += timedelta(hours=17)  # 04:00 in Paris
    open_case(rt, cast, level)
    assert jobs.reconcile(rt, clock.now) == 0


def _entry_without_assessment(rt: Runtime, cast: Cast) -> None:
    with rt.db.transaction(cast.north) as db:
        db.add(
            Reaction(
                clinic_id=cast.north,
                patient_id=cast.ada,
                id=cast.ada_visit,
                body_hash="x",
                body={},
                noted_at=rt.clock(),
                received_at=rt.clock(),
                skew_seconds=0,
                mistaken_at=None,
                words_answer=None,
            )
        )


class _Broken:
    """A database that nothing can be had from."""

    def reading(self, scope: object) -> object:
        raise OSError("gone")
