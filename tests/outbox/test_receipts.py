"""No sign of life, no rest: receipts that do not come, falling back, bundles, and push services that fail."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation import jobs as cases
from companion.escalation.models import Escalation
from companion.outbox import actions, jobs
from companion.outbox.models import Attempt, AwaitedReceipt, Message
from companion.outbox.rules import LEASE, RECEIPT_WITHIN
from companion.push.models import Subscription
from companion.push.transport import FAILURES, PAYLOAD_BYTES, Transport
from companion.runtime import Runtime
from tests import mail_server as mail_servers
from tests.conftest import Clock
from tests.mail_server import MailServer
from tests.outbox.test_channels import mail
from tests.outbox.test_delivery import enqueue, state_of, subscribe
from tests.people import Cast
from tests.push_service import Device, PushService

LATER = RECEIPT_WITHIN + timedelta(seconds=1)
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with mail_servers.running() as server:
        yield server


def prove(rt: Runtime, at: datetime) -> None:
    """Every device has sent a receipt at this time."""
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Subscription).values(proven_at=at))


def attempts(rt: Runtime) -> list[str]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return sorted(db.scalars(select(Attempt.result)))


def awaited(rt: Runtime) -> int:
    with rt.db.reading(EVERY_CLINIC) as db:
        return len(db.scalars(select(AwaitedReceipt)).all())


def receipt_of(device: Device, number: int = 0) -> str:
    return str(device.wait_for(number + 1)[number].json["notification"]["data"]["receipt"])


def messages(rt: Runtime) -> list[Message]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return list(db.scalars(select(Message).order_by(Message.created_at, Message.channel)))


def test_a_device_that_sends_receipts_and_keeps_silent_has_failed(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now - timedelta(days=29))
    message_id = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "sent"
    assert jobs.give_up_silent(rt, clock.now + RECEIPT_WITHIN - timedelta(seconds=1)) == 0
    clock.now += LATER
    assert jobs.give_up_silent(rt, clock.now) == 1
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "unreachable"
    assert attempts(rt) == ["silent"]


def test_a_device_that_never_sent_a_receipt_is_not_judged(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    for proven_at in (None, clock.now - timedelta(days=31)):
        with rt.db.transaction(EVERY_CLINIC) as db:
            db.execute(update(Subscription).values(proven_at=proven_at))
        message_id = enqueue(rt.db, cast, clock.now)
        jobs.deliver(rt, transport, clock.now)
        assert jobs.give_up_silent(rt, clock.now + timedelta(hours=1)) == 0
        assert state_of(rt.db, message_id) == "sent"


def test_one_silent_device_beside_one_that_cannot_be_judged_leaves_the_message_sent(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert jobs.give_up_silent(rt, clock.now + LATER) == 1
    assert state_of(rt.db, message_id) == "sent"
    assert attempts(rt) == ["accepted", "silent"]


def test_a_receipt_in_time_settles_it_and_a_late_one_is_kept(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, client: FlaskClient
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    first = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert awaited(rt) == 1
    client.post(receipt_of(device), json={}, headers=OURS)
    assert awaited(rt) == 0
    assert jobs.give_up_silent(rt, clock.now + LATER) == 0
    assert state_of(rt.db, first) == "shown"
    second = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    clock.now += LATER
    jobs.give_up_silent(rt, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, second) == "unreachable"
    client.post(receipt_of(device, 1), json={}, headers=OURS)
    assert state_of(rt.db, second) == "shown"


def test_silence_tries_the_device_that_came_since_then(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    silent = subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    message_id = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    other = subscribe(rt, push_service, cast.north, cast.iris)
    clock.now += LATER
    jobs.give_up_silent(rt, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert len(silent.received) == len(other.wait_for(1)) == 1
    assert state_of(rt.db, message_id) == "sent"


def test_a_clock_set_back_waits_for_no_receipt_longer(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert jobs.give_up_silent(rt, clock.now - timedelta(hours=1)) == 1


def test_what_no_device_takes_goes_by_email_too_and_the_ladder_does_not_wait_for_it(
    rt: Runtime, cast: Cast, clock: Clock, transport: Transport, mail_server: MailServer
) -> None:
    couriers = mail(mail_server.url, rt)
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
    jobs.deliver(rt, transport, clock.now, couriers)
    jobs.deliver(rt, transport, clock.now, couriers)
    first, second = messages(rt)[:2]
    assert {(m.channel, m.state) for m in (first, second)} == {("push", "unreachable"), ("email", "sent")}
    assert len(mail_server.received) == 1
    assert cases.step_due(rt, clock.now) >= 1, "nobody of the first step was reached by push: the next is told at once"
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Escalation.step).where(Escalation.id == case.id)).one() > 1


def test_while_push_services_fail_an_urgent_alert_goes_by_email_once(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, mail_server: MailServer
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(503, times=10_000)
    alert = enqueue(rt.db, cast, clock.now)
    enqueue(rt.db, cast, clock.now, is_urgent=False)
    began = clock.now
    while clock.now - began < RECEIPT_WITHIN * 5:
        jobs.deliver(rt, transport, clock.now, mail(mail_server.url, rt))
        clock.now += timedelta(seconds=5)
    assert state_of(rt.db, alert) == "pending", "push is tried on"
    assert len(mail_server.received) == 1
    assert [m.channel for m in messages(rt) if m.dedupe_key == f"fallback:{alert}"] == ["email"]


def test_a_push_service_that_asks_to_wait_too_long_leaves_the_alert_to_email(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, mail_server: MailServer
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(429, times=1, retry_after=86_400)
    message_id = enqueue(rt.db, cast, clock.now)
    for _ in range(2):
        jobs.deliver(rt, transport, clock.now, mail(mail_server.url, rt))
    assert state_of(rt.db, message_id) == "expired"
    assert len(mail_server.received) == 1


def test_a_wait_that_is_shorter_than_a_receipts_needs_no_other_way(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, mail_server: MailServer
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(429, times=1, retry_after=60)
    enqueue(rt.db, cast, clock.now)
    for _ in range(3):
        jobs.deliver(rt, transport, clock.now, mail(mail_server.url, rt))
        clock.now += timedelta(seconds=61)
    assert [(message.channel, message.state) for message in messages(rt)] == [("push", "sent")]


def test_what_a_phone_has_shown_is_not_sent_again_after_a_crash(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, clock.now)
    assert message_id
    with rt.db.transaction(EVERY_CLINIC) as db:
        (claimed,) = actions.claim(db, now=clock.now)
    with rt.db.transaction(cast.north) as db:  # sent and shown; and the worker dies before it settles
        shown_by = claimed.devices[0].id
        actions.mark_shown(db, clinic_id=cast.north, message_id=message_id, device_id=shown_by, now=clock.now)
    assert jobs.deliver(rt, transport, clock.now + LEASE) == 0
    assert device.received == []
    assert jobs.deliver(rt, transport, clock.now + 2 * LEASE) == 0, "and nothing is left of its lease"


def test_a_receipt_that_is_being_written_down_is_left_alone_by_who_gives_up(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    if rt.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    message_id = enqueue(rt.db, cast, clock.now)
    assert message_id
    jobs.deliver(rt, transport, clock.now)
    with rt.db.reading(EVERY_CLINIC) as db:
        device_id = db.scalars(select(Subscription.id)).one()
    with rt.db.transaction(cast.north) as db:
        actions.mark_shown(db, clinic_id=cast.north, message_id=message_id, device_id=device_id, now=clock.now)
        assert jobs.give_up_silent(rt, clock.now + LATER) == 0
    assert (state_of(rt.db, message_id), awaited(rt), attempts(rt)) == ("shown", 0, ["accepted"])


def test_nothing_falls_back_without_an_address_or_a_mail_server(
    rt: Runtime, cast: Cast, clock: Clock, transport: Transport, mail_server: MailServer
) -> None:
    enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    with rt.db.transaction(cast.north) as db:
        actions.enqueue(
            db,
            (cast.north, cast.ada),
            kind="case_taken",
            about=("escalation", uuid4()),
            url="/",
            dedupe_key="ada",
            now=clock.now,
            expires_at=clock.now + timedelta(hours=1),
        )
    jobs.deliver(rt, transport, clock.now, mail(mail_server.url, rt))
    assert [(message.channel, message.state) for message in messages(rt)] == [("push", "unreachable")] * 2
    assert mail_server.received == []


def test_alerts_of_one_nurse_that_are_due_together_share_one_push(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, client: FlaskClient
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    prove(rt, clock.now)
    ids = [enqueue(rt.db, cast, clock.now, about=uuid4()) for _ in range(3)]
    assert jobs.deliver(rt, transport, clock.now) == 3
    (received,) = device.wait_for(1)
    said = received.json["notification"]
    assert said["body"] == "3 people need an answer. Open the app."
    assert said["navigate"].endswith("/console/")
    assert [state_of(rt.db, one) for one in ids] == ["sent"] * 3
    assert awaited(rt) == 3
    client.post(receipt_of(device), json={}, headers=OURS)
    assert [state_of(rt.db, one) for one in ids] == ["shown"] * 3
    assert awaited(rt) == 0


def test_two_alerts_about_one_case_share_a_push_that_speaks_of_one_person(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    for _ in range(2):
        enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    (received,) = device.wait_for(1)
    assert received.json["notification"]["body"] == "Somebody needs an answer. Open the app."


def test_a_message_that_is_too_long_for_its_service_is_sent_again_without_padding(
    rt: Runtime, cast: Cast, now: datetime, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(413, endpoint=device.endpoint)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    assert len(device.wait_for(1)[0].payload) < PAYLOAD_BYTES / 2
    assert state_of(rt.db, message_id) == "sent"
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.execute(select(Attempt.result, Attempt.status_code)).all() == [("accepted", 413)]


def test_a_push_service_that_keeps_failing_is_left_alone_and_the_others_are_not(
    rt: Runtime, cast: Cast, now: datetime, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject("reset", times=100, endpoint=device.endpoint)
    for number in range(FAILURES + 3):
        enqueue(rt.db, cast, now, about=UUID(int=number))
        jobs.deliver(rt, transport, now + timedelta(minutes=number))
    assert len(push_service.entries("fault")) == FAILURES, "from then on nothing is sent there"
    with PushService.running(now=now.timestamp) as healthy:
        other = subscribe(rt, healthy, cast.north, cast.noor)
        with rt.db.transaction(cast.north) as db:
            actions.enqueue(
                db,
                (cast.north, cast.noor),
                kind="test",
                about=("person", cast.noor),
                url="/",
                dedupe_key="noor",
                now=now,
                expires_at=now + timedelta(hours=4),
            )
        jobs.deliver(rt, transport, now + timedelta(minutes=20))
        assert len(other.wait_for(1)) == 1
