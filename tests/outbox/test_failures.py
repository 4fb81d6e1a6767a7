"""Networks and push services that fail for everybody, and clocks that differ."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from companion.config import Config
from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation import jobs as cases
from companion.escalation.models import Escalation
from companion.outbox import actions, jobs
from companion.outbox.models import Message
from companion.outbox.rules import LEASE
from companion.push.models import Subscription
from companion.push.transport import Push, Result, Transport
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.outbox.test_delivery import enqueue, send_all, state_of, subscribe
from tests.people import Cast
from tests.push_service import Device, PushService

pytestmark = pytest.mark.slow


def push_to(rt: Runtime, device: Device, *, endpoint: str = "") -> Push:
    return Push(
        device_id=uuid4(),
        endpoint=endpoint or device.endpoint,
        key_id=next(iter(rt.secrets.vapid_keys)),
        title="t",
        body="b",
        navigate="/",
        receipt="/",
        tag="x",
        lang="en",
        ttl_seconds=60,
        is_urgent=True,
        **device.keys.public,
    )


def test_a_worker_whose_clock_is_half_a_minute_ahead_takes_nothing_that_is_being_sent(
    rt: Runtime, cast: Cast, now: datetime
) -> None:
    enqueue(rt.db, cast, now)
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert len(actions.claim(db, now=now)) == 1
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert actions.claim(db, now=now + timedelta(seconds=30)) == []


def test_a_message_of_a_kind_that_nobody_knows_waits_for_a_newer_worker_and_holds_up_no_other(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    strange, known = enqueue(rt.db, cast, clock.now), enqueue(rt.db, cast, clock.now)
    with rt.db.transaction(cast.north) as db:
        db.execute(update(Message).where(Message.id == strange).values(kind="of a newer version"))
    jobs.deliver(rt, transport, clock.now)
    assert (state_of(rt.db, strange), state_of(rt.db, known)) == ("pending", "sent")
    assert len(device.wait_for(1)) == 1
    with rt.db.transaction(cast.north) as db:  # the newer worker knows it
        db.execute(update(Message).where(Message.id == strange).values(kind="case_alert"))
    assert jobs.deliver(rt, transport, clock.now + LEASE) == 1
    assert state_of(rt.db, strange) == "sent"


def test_the_ladder_does_not_wait_for_a_push_service_that_is_down(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(503, times=1000)
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level="clinic_urgent_1h",
            summary="x",
            now=clock.now,
        )
    began = clock.now
    for seconds in range(0, 630, 30):
        clock.now = began + timedelta(seconds=seconds)
        jobs.deliver(rt, transport, clock.now)
        cases.step_due(rt, clock.now)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.get_one(Escalation, (cast.north, case.id)).step >= 2, "told after ten minutes, as if nothing were"
    push_service.heal()
    fresh = Transport(rt.config, rt.secrets, rt.clock)  # a worker that has not learned to leave it alone
    clock.now += timedelta(minutes=5)
    jobs.deliver(rt, fresh, clock.now)
    fresh.close()
    assert len(device.wait_for(1)) >= 1, "and what waited is delivered when it is back"


def test_a_name_that_cannot_be_resolved_is_tried_again(rt: Runtime) -> None:
    config = Config.model_validate({**rt.config.model_dump(), "push_insecure_loopback": False, "push_seconds": 2})
    transport = Transport(config, rt.secrets, rt.clock)
    with PushService.running() as service:
        device = service.device()
    (result,) = send_all(transport, [push_to(rt, device, endpoint="https://push.invalid/x")])
    transport.close()
    assert (result.outcome, result.status_code) == ("retry", None)


def test_push_services_that_all_hang_hold_up_a_batch_for_one_time_limit_only(
    rt: Runtime, cast: Cast, push_service: PushService, now: datetime
) -> None:
    config = Config.model_validate({**rt.config.model_dump(), "push_seconds": 1})
    transport = Transport(config, rt.secrets, rt.clock)
    for _ in range(4):
        subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject("hang", times=100)
    ids = [enqueue(rt.db, cast, now, about=uuid4()) for _ in range(20)]
    began = time.monotonic()
    jobs.deliver(rt, transport, now)
    transport.close()
    assert time.monotonic() - began < 4
    assert {state_of(rt.db, one) for one in ids} == {"pending"}
    with rt.db.reading(EVERY_CLINIC) as db:
        assert len(db.scalars(select(Subscription.id)).all()) == 4, "no device is given up for it"


def test_who_answers_does_not_wait_for_a_push_service_that_hangs(
    rt: Runtime, cast: Cast, push_service: PushService, now: datetime
) -> None:
    config = Config.model_validate({**rt.config.model_dump(), "push_seconds": 2})
    transport = Transport(config, rt.secrets, rt.clock)
    hanging, answering = (subscribe(rt, push_service, cast.north, person) for person in (cast.iris, cast.noor))
    push_service.inject("hang", endpoint=hanging.endpoint)
    first = enqueue(rt.db, cast, now, about=uuid4())
    second = enqueue(rt.db, cast, now, about=uuid4(), who=cast.noor)
    meanwhile = list[tuple[str, str]]()

    class Sender:
        def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
            for part in transport.send_in_parts(pushes):
                yield part
                meanwhile.append((state_of(rt.db, first), state_of(rt.db, second)))

    jobs.deliver(rt, Sender(), now)
    transport.close()
    assert len(answering.wait_for(1)) == 1
    assert meanwhile == [("pending", "sent"), ("pending", "sent")], "settled while the other still hangs"


def test_a_batch_that_is_given_up_leaves_no_push_on_its_way(rt: Runtime, push_service: PushService) -> None:
    transport = Transport(rt.config, rt.secrets, rt.clock)
    hanging, answering = (push_service.device(rt.secrets.vapid_public_key) for _ in range(2))
    push_service.inject("hang", endpoint=hanging.endpoint)
    pushes = [push_to(rt, device) for device in (hanging, answering)]
    parts = transport.send_in_parts(pushes)
    assert [(place, result.outcome) for place, result in next(parts).items()] == [(1, "accepted")]
    parts.close()
    assert [result.outcome for result in send_all(transport, pushes[1:])] == ["accepted"]
    transport.close()


@pytest.mark.parametrize(
    "retry_after",
    [
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999", "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359", "-5", "soon",
    ],
)  # fmt: skip
def test_a_time_to_wait_that_no_calendar_has_holds_up_no_other_message(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime, retry_after: str
) -> None:
    first, second = (subscribe(rt, push_service, cast.north, person) for person in (cast.iris, cast.noor))
    push_service.inject(429, endpoint=first.endpoint, retry_after=retry_after)
    ids = [enqueue(rt.db, cast, now, about=uuid4(), who=who) for who in (cast.iris, cast.noor)]
    assert Dispatcher(rt, transport).work()
    assert len(second.wait_for(1)) == 1
    assert [state_of(rt.db, one) for one in ids] == ["pending", "sent"]


def test_a_push_that_fails_as_nobody_foresaw_is_tried_again_beside_the_others(
    rt: Runtime, push_service: PushService, transport: Transport
) -> None:
    broken, good = (push_to(rt, push_service.device(rt.secrets.vapid_public_key)) for _ in range(2))
    found = send_all(transport, [replace(broken, tag=7), good])  # type: ignore[arg-type]
    assert [result.outcome for result in found] == ["retry", "accepted"]
