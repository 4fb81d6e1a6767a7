"""Whatever the clock on the wall does, nothing that is due waits longer than it was to: seen at a device."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from companion.accounts import queries as people
from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation import jobs as cases
from companion.escalation.models import Escalation
from companion.escalation.rules import warn_at
from companion.ids import new_id
from companion.outbox import actions, jobs
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.outbox.test_delivery import state_of, subscribe
from tests.people import Cast
from tests.push_service import PushService

pytestmark = pytest.mark.slow

# By how much the clock was ahead when something was decided, before it was set right.
AHEAD = {"an hour": timedelta(hours=1), "a day": timedelta(days=1), "400 days": timedelta(days=400)}
SECOND = timedelta(seconds=1)
ahead = pytest.mark.parametrize("ahead", AHEAD.values(), ids=AHEAD)


def write(rt: Runtime, cast: Cast, wait: timedelta = timedelta(0)) -> UUID | None:
    """A message to Iris that waits so long."""
    with rt.db.transaction(cast.north) as db:
        return actions.enqueue(
            db,
            (cast.north, cast.iris),
            kind="case_handed",
            about=("escalation", new_id()),
            url="/",
            dedupe_key=str(new_id()),
            now=rt.clock(),
            due_at=rt.clock() + wait,
            expires_at=rt.clock() + timedelta(days=2),
            is_urgent=True,
        )


def open_case(rt: Runtime, cast: Cast, level: str) -> Escalation:
    with rt.db.transaction(cast.north) as db:
        return escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level=level,
            summary="x",
            now=rt.clock(),
        )


@ahead
def test_a_message_that_was_just_written_is_sent_at_once(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    clock.now += ahead
    write(rt, cast)
    clock.now -= ahead
    assert Dispatcher(rt, transport).work()
    assert len(device.wait_for(1)) == 1


@ahead
@pytest.mark.parametrize(("answer", "asked_to_wait", "at_most"), [(503, None, 8 * SECOND), (429, 120, 121 * SECOND)])
def test_a_message_is_tried_again_within_its_interval_and_no_sooner_than_asked(
    rt: Runtime,
    cast: Cast,
    clock: Clock,
    push_service: PushService,
    transport: Transport,
    ahead: timedelta,
    answer: int,
    asked_to_wait: int | None,
    at_most: timedelta,
) -> None:
    device, dispatcher = subscribe(rt, push_service, cast.north, cast.iris), Dispatcher(rt, transport)
    push_service.inject(answer, endpoint=device.endpoint, retry_after=asked_to_wait)
    clock.now += ahead
    message_id = write(rt, cast)
    dispatcher.work()
    clock.now -= ahead
    dispatcher.work()
    assert state_of(rt.db, message_id) == "pending"
    if asked_to_wait:
        clock.now += asked_to_wait * SECOND - SECOND
        dispatcher.work()
        assert device.received == []
        clock.now -= asked_to_wait * SECOND - SECOND
    clock.now += at_most
    dispatcher.work()
    assert len(device.wait_for(1)) == 1


@ahead
def test_what_waits_for_the_end_of_quiet_hours_waits_no_longer(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device, dispatcher = subscribe(rt, push_service, cast.north, cast.iris), Dispatcher(rt, transport)
    clock.now += ahead
    write(rt, cast, timedelta(hours=10))
    clock.now -= ahead
    for wait, count in ((timedelta(0), 0), (timedelta(hours=10) - SECOND, 0), (SECOND, 1)):
        clock.now += wait
        dispatcher.work()
        assert len(device.received) == count


@ahead
def test_a_message_of_a_worker_that_died_is_sent_though_the_clock_was_set_back(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    clock.now += ahead
    write(rt, cast)
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert len(actions.claim(db, now=clock.now)) == 1
    clock.now -= ahead
    Dispatcher(rt, transport).work()
    assert len(device.wait_for(1)) == 1


@ahead
def test_a_case_that_was_put_off_comes_back_within_its_time(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device, dispatcher = subscribe(rt, push_service, cast.north, cast.iris), Dispatcher(rt, transport)
    clock.now += ahead
    case = open_case(rt, cast, "clinic_same_day")
    with rt.db.transaction(cast.north) as db:
        own = db.get_one(Escalation, (cast.north, case.id))
        escalation.snooze(db, own, person_id=cast.iris, minutes=60, reason="patient_asked", now=clock.now)
    dispatcher.work()
    assert device.received == []
    clock.now += timedelta(minutes=20) - ahead
    for _ in range(41):
        dispatcher.work()
        clock.now += timedelta(minutes=1)
    assert len(device.wait_for(1)) >= 1


@ahead
def test_a_case_that_was_taken_goes_back_on_its_ladder_within_its_time(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device, dispatcher = subscribe(rt, push_service, cast.north, cast.iris), Dispatcher(rt, transport)
    clock.now += ahead
    case = open_case(rt, cast, "clinic_urgent_1h")
    with rt.db.transaction(cast.north) as db:
        own = db.get_one(Escalation, (cast.north, case.id))
        escalation.acknowledge(db, own, person=people.person(db, cast.north, cast.noor), now=clock.now)
    clock.now -= ahead
    for _ in range(61):
        dispatcher.work()
        clock.now += timedelta(minutes=1)
    assert len(device.wait_for(1)) >= 1


@ahead
def test_the_patient_is_told_of_a_broken_promise_as_soon_as_was_meant(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, ahead: timedelta
) -> None:
    device, dispatcher = subscribe(rt, push_service, cast.north, cast.ada), Dispatcher(rt, transport)
    clock.now += ahead
    case = open_case(rt, cast, "clinic_routine")
    wait = warn_at(case.promised_at, case.respond_by) - case.promised_at
    clock.now -= ahead
    for more, is_told in ((timedelta(0), False), (wait - SECOND, False), (SECOND, True)):
        clock.now += more
        dispatcher.work()
        assert bool(device.received) is is_told, "neither late nor before its time"


def test_clocks_of_two_machines_that_differ_a_little_hurry_nothing(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    write(rt, cast, timedelta(minutes=2))
    case = open_case(rt, cast, "clinic_urgent_1h")
    behind = clock.now - 5 * SECOND
    assert (jobs.keep_intervals(rt, behind), cases.step_due(rt, behind), cases.warn_late(rt, behind)) == (0, 0, 0)
    with rt.db.reading(cast.north) as db:
        assert db.scalars(select(Escalation.promised_at)).one() == case.promised_at
