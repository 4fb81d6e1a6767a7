"""Nights on which everything fails: the real dispatcher, real servers on loopback, a clock that a test moves."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from companion.db import EVERY_CLINIC
from companion.escalation import actions
from companion.escalation.models import Escalation
from companion.outbox.models import Message
from companion.outbox.transport import Courier, Mail, Webhook
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests import gateway as gateways
from tests import mail_server as mail_servers
from tests.conftest import Clock
from tests.gateway import SECRET, Gateway
from tests.mail_server import MailServer
from tests.outbox.test_delivery import subscribe
from tests.outbox.test_receipts import prove
from tests.people import Cast
from tests.push_service import PushService


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with mail_servers.running() as server:
        yield server


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with gateways.running() as server:
        yield server


def open_case(rt: Runtime, cast: Cast, level: str = "clinic_urgent_1h") -> UUID:
    with rt.db.transaction(cast.north) as db:
        return actions.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level=level,
            summary="x",
            now=rt.clock(),
        ).id


def messages(rt: Runtime, person_id: UUID) -> list[Message]:
    with rt.db.reading(EVERY_CLINIC) as db:
        rows = select(Message).where(Message.recipient_id == person_id).order_by(Message.created_at)
        return list(db.scalars(rows))


def test_one_phone_off_one_gone_no_email_and_the_clinician_is_reached_by_webhook(
    rt: Runtime,
    cast: Cast,
    clock: Clock,
    push_service: PushService,
    transport: Transport,
    mail_server: MailServer,
    gateway: Gateway,
) -> None:
    off = subscribe(rt, push_service, cast.north, cast.iris)
    off.switch_off()
    subscribe(rt, push_service, cast.north, cast.noor).unsubscribe()
    prove(rt, clock.now)
    mail_server.fault = "drop"
    others: dict[str, Courier] = {
        "email": Mail(mail_server.url, "alerts@clinic.example", rt.clock),
        "webhook": Webhook(gateway.url, SECRET, rt.clock),
    }
    dispatcher, began = Dispatcher(rt, transport, others), clock.now
    open_case(rt, cast)
    while not gateway.received:
        assert clock.now - began < timedelta(minutes=5), "nobody was reached in five minutes"
        dispatcher.work()
        clock.now += timedelta(seconds=10)
    assert gateway.received[0]["recipient"]["id"] == str(cast.carla)
    assert timedelta(minutes=2) < clock.now - began < timedelta(minutes=4), "each silence ends after 90 seconds"
    states = {(message.channel, message.state) for message in messages(rt, cast.iris)}
    assert ("push", "unreachable") in states
    assert ("email", "pending") in states, "the mail server is tried on"
    assert {message.state for message in messages(rt, cast.noor) if message.channel == "push"} == {"unreachable"}
    assert mail_server.received == []


def test_nobody_is_reached_and_the_patient_is_told_at_once_and_the_ladder_goes_on(
    rt: Runtime, cast: Cast, clock: Clock, transport: Transport
) -> None:
    dispatcher = Dispatcher(rt, transport)
    case_id = open_case(rt, cast)
    for _ in range(6):
        dispatcher.work()
        clock.now += timedelta(seconds=10)
    assert [message.kind for message in messages(rt, cast.ada)] == ["case_unanswered"]
    before = len(messages(rt, cast.iris))
    clock.now += timedelta(minutes=10)
    dispatcher.work()
    assert len(messages(rt, cast.iris)) > before, "everybody is told again"
    with rt.db.reading(EVERY_CLINIC) as db:
        case = db.get_one(Escalation, (cast.north, case_id))
    assert case.state == "open"
    assert case.next_step_at is not None
