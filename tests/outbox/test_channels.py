"""E-mail and webhook: real servers on loopback, and what becomes of a message when they fail."""

import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from companion.accounts.models import Person
from companion.config import Config
from companion.coverage import queries as coverage
from companion.coverage.actions import note_proof
from companion.db import EVERY_CLINIC
from companion.errors import Misconfigured
from companion.operations import queries as operations
from companion.outbox import actions, jobs
from companion.outbox.models import Attempt
from companion.outbox.rules import LEASE
from companion.outbox.transport import Courier, Letter, Mail, Webhook, couriers
from companion.push.transport import Push, Result, Transport
from companion.runtime import Runtime
from tests import gateway as gateways
from tests import mail_server as mail_servers
from tests.conftest import Clock
from tests.gateway import SECRET, Gateway
from tests.mail_server import Fault, MailServer
from tests.outbox.test_delivery import enqueue, state_of, subscribe
from tests.people import Cast
from tests.push_service import PushService


class NoPush:
    """A sender of pushes with nothing to send."""

    def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
        assert not pushes
        return iter(())


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with mail_servers.running() as server:
        yield server


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with gateways.running() as server:
        yield server


def mail(url: str, rt: Runtime, *, seconds: float = 10) -> dict[str, Courier]:
    return {"email": Mail(url, "Aftercare <alerts@clinic.example>", rt.clock, seconds=seconds)}


def webhook(url: str, rt: Runtime) -> dict[str, Courier]:
    return {"webhook": Webhook(url, SECRET, rt.clock)}


def results(rt: Runtime) -> list[tuple[str, int | None]]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return [(row.result, row.status_code) for row in db.scalars(select(Attempt))]


def test_an_email_says_to_open_the_app_and_nothing_private(
    rt: Runtime, cast: Cast, mail_server: MailServer, now: datetime
) -> None:
    message_id = enqueue(rt.db, cast, now, channel="email")
    assert jobs.deliver(rt, NoPush(), now, mail(mail_server.url, rt)) == 1
    (received,) = mail_server.received
    assert state_of(rt.db, message_id) == "sent"
    assert (received["To"], received["Subject"]) == ("iris@clinic.example", "Aftercare Companion")
    assert received["Message-ID"] == f"<{message_id}@clinic.example>"
    assert received.get_content().splitlines() == [
        "Somebody needs an answer. Open the app.",
        "",
        "http://127.0.0.1:8000/console/",
    ]
    for private in ("ada", "north clinic", "face", "swelling"):
        assert private not in received.as_string().lower()


def test_a_webhook_is_signed_with_its_time(rt: Runtime, cast: Cast, gateway: Gateway, now: datetime) -> None:
    message_id = enqueue(rt.db, cast, now, channel="webhook")
    assert jobs.deliver(rt, NoPush(), now, webhook(gateway.url, rt)) == 1
    assert state_of(rt.db, message_id) == "sent"
    assert gateway.signed_at == [int(now.timestamp())]
    assert gateway.received == [
        {
            "id": str(message_id),
            "recipient": {"id": str(cast.iris), "email": "iris@clinic.example"},
            "text": "Somebody needs an answer. Open the app.",
            "url": "http://127.0.0.1:8000/console/",
            "lang": "en",
            "is_urgent": True,
        }
    ]


@pytest.mark.parametrize(
    ("fault", "state", "attempt"),
    [
        ("later", "pending", ("retry", 451)),
        ("never", "unreachable", ("refused", 550)),
        ("hang", "pending", ("retry", None)),
        ("drop", "pending", ("retry", None)),
    ],
)
def test_a_mail_server_that_fails_is_tried_again_unless_it_refuses(
    rt: Runtime,
    cast: Cast,
    clock: Clock,
    mail_server: MailServer,
    fault: Fault,
    state: str,
    attempt: tuple[str, int | None],
) -> None:
    mail_server.fault = fault
    message_id = enqueue(rt.db, cast, clock.now, channel="email")
    jobs.deliver(rt, NoPush(), clock.now, mail(mail_server.url, rt, seconds=0.5))
    assert state_of(rt.db, message_id) == state
    assert results(rt) == [attempt]
    mail_server.fault = None
    clock.now += timedelta(minutes=1)
    jobs.deliver(rt, NoPush(), clock.now, mail(mail_server.url, rt))
    assert len(mail_server.received) == (state == "pending")


def test_a_mail_server_that_is_not_there_is_tried_until_the_message_is_over(
    rt: Runtime, cast: Cast, clock: Clock
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and nobody listens
        message_id = enqueue(rt.db, cast, clock.now, channel="email")
        for minutes, state in ((0, "pending"), (30, "pending"), (300, "expired")):
            later = clock.now + timedelta(minutes=minutes)
            jobs.deliver(rt, NoPush(), later, mail(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", rt))
            assert state_of(rt.db, message_id) == state


@pytest.mark.parametrize(
    ("status", "state"), [(503, "pending"), (429, "pending"), (401, "unreachable"), (404, "unreachable")]
)
def test_a_gateway_that_fails_is_tried_again_unless_it_refuses(
    rt: Runtime, cast: Cast, gateway: Gateway, now: datetime, status: int, state: str
) -> None:
    gateway.status = status
    message_id = enqueue(rt.db, cast, now, channel="webhook")
    jobs.deliver(rt, NoPush(), now, webhook(gateway.url, rt))
    assert state_of(rt.db, message_id) == state


@pytest.mark.parametrize("channel", ["email", "webhook"])
def test_a_channel_that_is_not_configured_reaches_nobody_at_once(
    rt: Runtime, cast: Cast, now: datetime, channel: str
) -> None:
    message_id = enqueue(rt.db, cast, now, channel=channel)
    assert jobs.deliver(rt, NoPush(), now) == 1
    assert state_of(rt.db, message_id) == "unreachable"


def test_somebody_without_an_address_is_unreachable_by_email(
    rt: Runtime, cast: Cast, mail_server: MailServer, now: datetime
) -> None:
    message_id = _to(rt, (cast.north, cast.ada), now)
    jobs.deliver(rt, NoPush(), now, mail(mail_server.url, rt))
    assert state_of(rt.db, message_id) == "unreachable"
    assert mail_server.received == []


def test_an_address_that_cannot_be_one_stops_neither_the_others_nor_a_push(
    rt: Runtime, cast: Cast, mail_server: MailServer, now: datetime
) -> None:
    with rt.db.transaction(cast.north) as db:
        db.execute(update(Person).where(Person.id == cast.noor).values(email="noor\n@clinic.example"))
    bad, good = _to(rt, (cast.north, cast.noor), now), _to(rt, (cast.north, cast.iris), now)
    jobs.deliver(rt, NoPush(), now, mail(mail_server.url, rt))
    assert (state_of(rt.db, bad), state_of(rt.db, good)) == ("unreachable", "sent")


def test_a_courier_that_fails_leaves_no_push_unsettled(
    rt: Runtime, cast: Cast, now: datetime, push_service: PushService, transport: Transport
) -> None:
    class Fails:
        def send_many(self, letters: Sequence[Letter]) -> list[Result]:
            raise RuntimeError

    device = subscribe(rt, push_service, cast.north, cast.iris)
    pushed = enqueue(rt.db, cast, now)
    mailed = enqueue(rt.db, cast, now, channel="email")
    jobs.deliver(rt, transport, now, {"email": Fails()})
    assert (state_of(rt.db, pushed), state_of(rt.db, mailed)) == ("sent", "pending")
    assert len(device.wait_for(1)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_url": "http://mail.example.org"},
        {"smtp_url": "smtp://mail.example.org", "smtp_from": "nobody"},
        {"webhook_url": "http://sms.example.org", "webhook_secret": SECRET},
        {"webhook_url": "https://sms.example.org", "webhook_secret": "short"},
    ],
)
def test_settings_that_make_no_sense_are_refused_at_the_start(rt: Runtime, settings: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        couriers(Config.model_validate({**rt.config.model_dump(), **settings}), rt.clock)


def test_only_what_is_configured_is_a_channel(rt: Runtime) -> None:
    assert couriers(rt.config, rt.clock) == {}
    both = {"smtp_url": "smtps://mail.example.org", "smtp_from": "a@clinic.example"}
    hook = {"webhook_url": "https://sms.example.org/send", "webhook_secret": SECRET}
    found = couriers(Config.model_validate({**rt.config.model_dump(), **both, **hook}), rt.clock)
    assert sorted(found) == ["email", "webhook"]


def _to(rt: Runtime, who: tuple[UUID, UUID], now: datetime) -> UUID | None:
    with rt.db.transaction(who[0]) as db:
        return actions.enqueue(
            db,
            who,
            kind="test",
            about=("person", who[1]),
            url="/",
            dedupe_key=f"to:{who[1]}",
            now=now,
            expires_at=now + timedelta(hours=1),
            channel="email",
        )


@pytest.mark.parametrize("channel", ["email", "webhook"])
def test_another_way_that_refuses_is_loud_until_it_is_seen_to_work_again(
    rt: Runtime, cast: Cast, clock: Clock, mail_server: MailServer, gateway: Gateway, channel: str
) -> None:
    settings = {"smtp_url": SecretStr(mail_server.url)} if channel == "email" else {"webhook_url": gateway.url}
    told = replace(rt, config=rt.config.model_copy(update={**settings, "webhook_secret": SecretStr(SECRET)}))
    mail_server.fault, gateway.status = "never", 404

    def stands_in_the_way() -> tuple[bool, bool]:
        with rt.db.reading(EVERY_CLINIC) as db:
            signs = {sign.name: sign.is_ok for sign in operations.health(db, told, clock.now)}
            codes = [finding.code for finding in coverage.findings(db, cast.north, told.config, clock.now)]
        return not signs["fallbacks_refused_last_day"], "unproven_fallback" in codes

    def prove() -> None:
        with rt.db.transaction(cast.north) as db:
            note_proof(db, (cast.north, cast.iris), channel, now=clock.now)

    prove()
    assert stands_in_the_way() == (False, False)
    clock.now += timedelta(days=1)
    enqueue(rt.db, cast, clock.now, channel=channel)
    jobs.deliver(rt, NoPush(), clock.now, mail(mail_server.url, rt) | webhook(gateway.url, rt))
    assert stands_in_the_way() == (True, True)
    clock.now += timedelta(hours=25)
    assert stands_in_the_way() == (False, True)
    prove()
    assert stands_in_the_way() == (False, False)


class Slow:
    """A mail server that takes everything, and answers when it is let."""

    def __init__(self) -> None:
        self.letters, self.answers = list[Letter](), Event()

    def send_many(self, letters: Sequence[Letter]) -> list[Result]:
        self.letters += letters
        self.answers.wait(30)
        return [Result(letter.recipient_id, "accepted") for letter in letters]


def test_a_mail_server_that_answers_late_gets_one_copy_and_its_answer_counts(
    rt: Runtime, cast: Cast, clock: Clock
) -> None:
    slow = Slow()
    message_id = enqueue(rt.db, cast, clock.now, channel="email")
    assert jobs.deliver(rt, NoPush(), clock.now, {"email": slow}, courier_seconds=0.05) == 1
    assert state_of(rt.db, message_id) == "pending"
    clock.now += LEASE - timedelta(seconds=1)
    assert jobs.deliver(rt, NoPush(), clock.now, {"email": slow}, courier_seconds=0.05) == 0
    slow.answers.set()
    until = time.monotonic() + 10
    while state_of(rt.db, message_id) != "sent" and time.monotonic() < until:
        Event().wait(0.02)
    assert state_of(rt.db, message_id) == "sent"
    assert [letter.id for letter in slow.letters] == [message_id]
    clock.now += LEASE
    assert jobs.deliver(rt, NoPush(), clock.now, {"email": slow}) == 0


def test_the_time_of_a_mail_server_runs_while_pushes_are_sent(rt: Runtime, cast: Cast, clock: Clock) -> None:
    slow = Slow()

    class Hangs(NoPush):
        """A push service that takes all of the couriers' time."""

        def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
            Event().wait(1.5)
            return iter(())

    enqueue(rt.db, cast, clock.now, channel="email")
    began = time.monotonic()
    jobs.deliver(rt, Hangs(), clock.now, {"email": slow}, courier_seconds=1.5)
    took = time.monotonic() - began
    slow.answers.set()
    assert took < 2.8
