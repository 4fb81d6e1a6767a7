"""From a row to a device: the real transport, a real loopback push service, both databases."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from companion.accounts import actions as accounts
from companion.db import EVERY_CLINIC, Database
from companion.ids import new_id
from companion.outbox import actions, jobs
from companion.outbox.models import Attempt, Message
from companion.outbox.rules import LEASE
from companion.push import actions as push
from companion.push.forms import SubscriptionForm
from companion.push.models import Subscription
from companion.push.transport import PAYLOAD_BYTES, Push, Result, Transport
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import Cast
from tests.push_service import Device, PushService
from tests.signed_in import browser


def subscribe(rt: Runtime, service: PushService, clinic_id: UUID, person_id: UUID) -> Device:
    device = service.device(rt.secrets.vapid_public_key)
    form = SubscriptionForm.model_validate({**device.subscription, "key": rt.secrets.vapid_public_key})
    with rt.db.transaction(EVERY_CLINIC) as db:
        push.subscribe(db, clinic_id=clinic_id, person_id=person_id, form=form, now=rt.clock())
    return device


def enqueue(
    db: Database,
    cast: Cast,
    now: datetime,
    *,
    key: str = "",
    about: UUID | None = None,
    channel: str = "push",
    who: UUID | None = None,
    is_urgent: bool = True,
) -> UUID | None:
    with db.transaction(cast.north) as session:
        return actions.enqueue(
            session,
            (cast.north, who or cast.iris),
            kind="case_alert",
            about=("escalation", about or cast.ada_visit),
            url="/console/",
            dedupe_key=key or str(new_id()),
            now=now,
            expires_at=now + timedelta(hours=4),
            is_urgent=is_urgent,
            channel=channel,
        )


def send_all(transport: Transport, pushes: Sequence[Push]) -> list[Result]:
    """The results in the order of their pushes."""
    found = {place: result for part in transport.send_in_parts(pushes) for place, result in part.items()}
    return [found[place] for place in range(len(pushes))]


def state_of(db: Database, message_id: UUID | None) -> str:
    with db.reading(EVERY_CLINIC) as session:
        return session.scalars(select(Message.state).where(Message.id == message_id)).one()


def test_a_message_reaches_a_device_and_says_nothing_private(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, now)
    assert jobs.deliver(rt, transport, now) == 1
    (received,) = device.wait_for(1)
    assert state_of(rt.db, message_id) == "sent"
    assert len(received.payload) == PAYLOAD_BYTES
    assert received.json["web_push"] == 8030
    assert received.json["notification"]["tag"] == str(message_id)
    headers = {name.lower(): value for name, value in received.headers.items()}
    assert headers["ttl"] == str(4 * 3600)
    assert headers["urgency"] == "high"
    assert len(headers["topic"]) == 32
    text = received.payload.decode().lower()
    for private in ("ada", "iris", "north clinic", "face", "redness", "swelling"):
        assert private not in text.replace("somebody needs an answer. open the app.", "")


def test_a_message_is_written_in_the_language_of_its_reader(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    with rt.db.transaction(cast.north) as db:
        accounts.set_locale(db, clinic_id=cast.north, person_id=cast.iris, locale="fr")
    enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    (received,) = device.wait_for(1)
    said = received.json["notification"]
    assert (said["lang"], said["body"]) == ("fr", "Quelqu’un attend une réponse. Ouvrez l’application.")


def test_who_tries_their_notifications_again_and_again_gets_one_in_a_few_seconds(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock
) -> None:
    iris = browser(app, rt, (cast.north, cast.iris))
    for _ in range(3):
        assert iris.post("/push/test", json={}).status_code == 202
    clock.now += timedelta(seconds=5)
    iris.post("/push/test", json={})
    with rt.db.reading(EVERY_CLINIC) as db:
        assert len(db.scalars(select(Message).where(Message.kind == "test")).all()) == 2


def test_a_receipt_proves_the_device_and_a_forged_one_is_unknown(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, client: FlaskClient, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    url = device.wait_for(1)[0].json["notification"]["data"]["receipt"]
    same_site = {"Sec-Fetch-Site": "same-origin"}
    for _ in range(2):
        assert client.post(url, json={}, headers=same_site).status_code == 200
    assert state_of(rt.db, message_id) == "shown"
    with rt.db.reading(cast.north) as db:
        assert db.scalars(select(Subscription.proven_at)).one() == now
    forged = url[:-4] + ("AAAA" if not url.endswith("AAAA") else "BBBB")
    for wrong in (forged, "/receipts/x", "/receipts/" + "A" * 86):
        assert client.post(wrong, json={}, headers=same_site).status_code == 404


def test_a_gone_device_is_pruned_on_the_wire(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris).unsubscribe()
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    assert state_of(rt.db, message_id) == "unreachable"
    with rt.db.reading(cast.north) as db:
        assert list(db.scalars(select(Subscription.id))) == []
        assert db.scalars(select(Attempt.status_code)).one() == 410


def test_every_device_of_a_person_is_told_and_only_the_silent_one_again(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, now: datetime
) -> None:
    first = subscribe(rt, push_service, cast.north, cast.iris)
    second = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(500, endpoint=second.endpoint)
    push_service.inject(500, endpoint=first.endpoint)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    assert state_of(rt.db, message_id) == "pending"
    clock.now = now + timedelta(minutes=10)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "sent"
    assert len(first.wait_for(1)) == len(second.wait_for(1)) == 1


def test_a_push_service_that_asks_to_wait_is_not_asked_earlier(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(429, endpoint=device.endpoint, retry_after=120)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    clock.now = now + timedelta(seconds=119)
    assert jobs.deliver(rt, transport, clock.now) == 0
    clock.now = now + timedelta(seconds=121)
    assert jobs.deliver(rt, transport, clock.now) == 1
    assert state_of(rt.db, message_id) == "sent"


def test_a_tablet_that_never_sent_a_receipt_does_not_stand_in_for_the_phone(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    tablet = subscribe(rt, push_service, cast.north, cast.iris)
    phone = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(503, endpoint=phone.endpoint)
    message_id = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "pending"
    clock.now += timedelta(minutes=1)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "sent"
    assert len(tablet.wait_for(1)) == len(phone.wait_for(1)) == 1


def test_a_tablet_that_took_it_is_remembered_when_the_phone_is_gone(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    phone = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(503, endpoint=phone.endpoint)
    message_id = enqueue(rt.db, cast, clock.now)
    jobs.deliver(rt, transport, clock.now)
    phone.unsubscribe()
    clock.now += timedelta(minutes=1)
    jobs.deliver(rt, transport, clock.now)
    assert state_of(rt.db, message_id) == "sent"


def test_a_push_service_that_asks_to_wait_a_day_holds_up_no_other_device(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    tablet = subscribe(rt, push_service, cast.north, cast.iris)
    phone = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(429, endpoint=tablet.endpoint, retry_after=86_400)
    push_service.inject(503, endpoint=phone.endpoint)
    enqueue(rt.db, cast, clock.now)
    for _ in range(5):
        jobs.deliver(rt, transport, clock.now)
        clock.now += timedelta(minutes=5)
    assert len(phone.wait_for(1)) == 1
    assert tablet.received == [], "and it is not asked earlier than it said"


def test_a_refusal_that_is_our_fault_keeps_the_device(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    push_service.inject(403, endpoint=device.endpoint)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    assert state_of(rt.db, message_id) == "unreachable"
    with rt.db.reading(cast.north) as db:
        assert len(list(db.scalars(select(Subscription.id)))) == 1


class _Dies:
    """A sender whose process ends in the middle of sending."""

    def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
        raise KeyboardInterrupt


def test_a_clock_set_back_strands_no_lease(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    enqueue(rt.db, cast, now - timedelta(days=2))
    with pytest.raises(KeyboardInterrupt):
        jobs.deliver(rt, _Dies(), now - timedelta(days=2) + timedelta(minutes=1))
    assert jobs.deliver(rt, transport, now - timedelta(days=2, hours=1)) == 1


def test_the_loser_of_a_lease_changes_nothing(rt: Runtime, cast: Cast, now: datetime) -> None:
    message_id = enqueue(rt.db, cast, now)
    with rt.db.transaction(EVERY_CLINIC) as db:
        (old,) = actions.claim(db, now=now)
    with rt.db.transaction(EVERY_CLINIC) as db:
        (new,) = actions.claim(db, now=now + LEASE)
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.settle(db, [(old, [])], now=now + LEASE)
    assert state_of(rt.db, message_id) == "pending"
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.settle(db, [(new, [])], now=now + LEASE)
    assert state_of(rt.db, message_id) == "unreachable"


def test_the_same_key_writes_one_message(rt: Runtime, cast: Cast, now: datetime) -> None:
    assert enqueue(rt.db, cast, now, key="once") is not None
    assert enqueue(rt.db, cast, now, key="once") is None


def test_a_cancelled_message_is_not_sent(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, now)
    with rt.db.transaction(cast.north) as db:
        assert actions.cancel(db, clinic_id=cast.north, about=("escalation", cast.ada_visit), now=now) == 1
    assert jobs.deliver(rt, transport, now) == 0
    assert state_of(rt.db, message_id) == "cancelled"
    assert device.received == []


def test_a_message_whose_time_is_over_is_not_sent(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now + timedelta(hours=5))
    assert state_of(rt.db, message_id) == "expired"
    assert device.received == []


def test_what_is_urgent_is_claimed_first_also_after_a_lost_lease(rt: Runtime, cast: Cast, now: datetime) -> None:
    for number in range(3):
        enqueue(rt.db, cast, now, key=f"reminder {number}", is_urgent=False)
    alert = enqueue(rt.db, cast, now + timedelta(minutes=1))

    def claim(at: datetime, limit: int) -> list[UUID | None]:
        with rt.db.transaction(EVERY_CLINIC) as db:
            return [one.message.id for one in actions.claim(db, now=at, limit=limit)]

    assert claim(now + timedelta(minutes=2), 1) == [alert]
    assert len(claim(now + timedelta(minutes=2), 9)) == 3
    assert claim(now + timedelta(minutes=2) + LEASE, 1) == [alert]


def test_four_workers_claim_eight_hundred_messages_once_each(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        for number in range(800):
            actions.enqueue(
                db,
                (cast.north, cast.iris),
                kind="test",
                about=("person", cast.iris),
                url="/",
                dedupe_key=f"many:{number}",
                now=now,
                expires_at=now + timedelta(hours=1),
            )

    def work(_: int) -> list[UUID]:
        mine: list[UUID] = []
        while True:
            with rt.db.transaction(EVERY_CLINIC) as db:
                batch = actions.claim(db, now=now, limit=40)
            if not batch:
                return mine
            mine += [one.message.id for one in batch]

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for mine in pool.map(work, range(4)) for one in mine]
    assert len(claimed) == len(set(claimed)) == 800


def test_a_browser_belongs_to_whoever_signed_in_last(
    rt: Runtime, cast: Cast, push_service: PushService, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    form = SubscriptionForm.model_validate({**device.subscription, "key": rt.secrets.vapid_public_key})
    with rt.db.transaction(EVERY_CLINIC) as db:
        push.subscribe(db, clinic_id=cast.south, person_id=cast.mallory, form=form, now=now)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert list(db.scalars(select(Subscription.person_id))) == [cast.mallory]


def test_at_most_ten_devices_are_kept(rt: Runtime, cast: Cast, clock: Clock, push_service: PushService) -> None:
    for _ in range(12):
        clock.now += timedelta(minutes=1)
        subscribe(rt, push_service, cast.north, cast.iris)
    with rt.db.reading(cast.north) as db:
        assert len(list(db.scalars(select(Subscription.id)))) == 10
