"""From Ada's phone to a person at the clinic, whatever fails on the way: a real push service, mail server and gateway,
the worker's own round, and a clock that only the test moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from companion.app import create_app
from companion.clinic import actions as clinic_actions
from companion.clinic.models import Duty
from companion.clinic.rules import Shift
from companion.db import EVERY_CLINIC
from companion.escalation import queries as cases
from companion.outbox.models import Message
from companion.outbox.transport import Courier, Mail, Webhook
from companion.push.models import Subscription
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests import gateway as gateways
from tests import mail_server as mail_servers
from tests.conftest import Clock
from tests.gateway import SECRET, Gateway
from tests.mail_server import MailServer
from tests.outbox.test_delivery import subscribe
from tests.people import NOW, Cast
from tests.push_service import Device, PushService
from tests.reactions.test_entries import URGENT, entry, put
from tests.signed_in import OURS, Browser, browser

pytestmark = pytest.mark.slow

ALERT = "Somebody needs an answer. Open the app."
NOBODY = "Nobody has answered yet. Open the app to see whom to call."
TAKEN = "Your message has been read. Open the app."


@dataclass(frozen=True, slots=True)
class World:
    """A clinic with its worker, and everything around it."""

    rt: Runtime
    cast: Cast
    app: Flask
    clock: Clock
    service: PushService
    mail: MailServer
    gateway: Gateway
    dispatcher: Dispatcher

    def browser_of(self, name: str) -> Browser:
        return browser(self.app, self.rt, (self.cast.north, getattr(self.cast, name)))

    def device_of(self, name: str, *, is_proven: bool = False) -> Device:
        """A phone of this person; one that is proven has sent receipts lately, so its silence counts."""
        person_id = getattr(self.cast, name)
        device = subscribe(self.rt, self.service, self.cast.north, person_id)
        if is_proven:
            with self.rt.db.transaction(EVERY_CLINIC) as db:
                own = Subscription.person_id == person_id
                db.execute(update(Subscription).where(own).values(proven_at=self.clock.now))
        return device

    def pass_time(self, minutes: float, *, every: float = 0.5) -> None:
        """Let the worker do its rounds, one every so many minutes."""
        until = self.clock.now + timedelta(minutes=minutes)
        while self.clock.now < until:
            self.clock.now += timedelta(minutes=every)
            assert self.dispatcher.work()

    def send(self, warnings: dict[str, Any]) -> str:
        """Ada's entry with these signs; the address of its page."""
        reaction_id, at = uuid4(), self.clock.now.isoformat()
        body = entry(warnings=warnings, noted_at=at, sent_at=at)
        assert put(self.browser_of("ada"), body, reaction_id).status_code == 201
        assert self.dispatcher.work()
        return f"/reactions/{reaction_id}"

    def receive(self, device: Device) -> None:
        """The phone shows what came last, and says so, as its worker script does."""
        receipt = device.received[-1].json["notification"]["data"]["receipt"]
        assert self.app.test_client().post(receipt, json={}, headers=OURS).status_code == 200


def said(device: Device) -> list[str]:
    return [one.json["notification"]["body"] for one in device.received]


@pytest.fixture
def world(rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport) -> Iterator[World]:
    with mail_servers.running() as mail, gateways.running() as gateway:
        couriers: dict[str, Courier] = {
            "email": Mail(mail.url, "Aftercare <alerts@clinic.example>", rt.clock),
            "webhook": Webhook(gateway.url, SECRET, rt.clock),
        }
        dispatcher = Dispatcher(rt, transport, couriers)
        yield World(rt, cast, create_app(rt), clock, push_service, mail, gateway, dispatcher)


def test_one_phone_is_off_one_is_gone_mail_is_down_and_the_clinician_gets_a_text_message(world: World) -> None:
    ada, iris, noor = world.device_of("ada"), world.device_of("iris", is_proven=True), world.device_of("noor")
    iris.switch_off()
    noor.unsubscribe()
    world.mail.fault = "drop"
    url = world.send(URGENT)
    world.pass_time(9)  # nobody waits ten minutes for a phone that keeps silent
    assert world.mail.received == []
    (text,) = world.gateway.received
    assert text["recipient"]["id"] == str(world.cast.carla)
    assert "white" not in str(text).lower()
    carla = world.browser_of("carla")
    case_page = text["url"].removeprefix(world.rt.config.base_url)
    assert carla.get(case_page).status_code == 200
    assert carla.post(f"{case_page}/acknowledgement").status_code == 303
    world.pass_time(5)
    assert "Carla looks after it" in world.browser_of("ada").get(url).data.decode()
    assert said(ada)[-1] == TAKEN
    world.pass_time(30, every=5)
    assert len(world.gateway.received) == 1


def test_nobody_is_reached_and_the_patient_is_told_again_and_again_until_somebody_comes(world: World) -> None:
    ada, iris = world.device_of("ada"), world.device_of("iris")
    iris.switch_off()
    world.mail.fault, world.gateway.status = "drop", 503
    url = world.send(URGENT)
    assert "Call your clinic now" in world.browser_of("ada").get(url).data.decode()  # told at once, before any silence
    world.pass_time(21)
    assert said(ada) == [NOBODY]
    for path in (url, "/"):
        page = world.browser_of("ada").get(path).data.decode()
        assert "Nobody has answered yet. Do not wait: call." in page
        assert 'href="tel:+33199000002"' in page
    world.pass_time(70, every=5)
    assert len(said(ada)) >= 3  # the promise of an hour came near, and an hour of rounds went by
    with world.rt.db.reading(world.cast.north) as db:
        waiting = select(Message).where(Message.kind == "case_alert", Message.recipient_id == world.cast.iris)
        assert len(db.scalars(waiting).all()) >= 8
    iris.switch_on()
    assert said(iris)[-1] == ALERT
    case_page = iris.received[-1].json["notification"]["navigate"].removeprefix(world.rt.config.base_url)
    nurse = world.browser_of("iris")
    assert nurse.post(f"{case_page}/contacts", data={**nurse.read(case_page), "how": "called"}).status_code == 303
    told = len(said(iris))
    world.pass_time(60, every=10)
    assert len(said(iris)) == told
    assert "Nobody has answered" not in world.browser_of("ada").get("/").data.decode()


def test_a_clinic_where_nobody_can_be_told_says_so_to_the_patient_within_seconds(world: World) -> None:
    ada = world.device_of("ada")
    world.mail.fault, world.gateway.status = "never", 410
    world.send(URGENT)
    world.pass_time(1)
    assert said(ada) == [NOBODY]


def test_same_day_on_friday_night_goes_to_whoever_is_on_call(world: World) -> None:
    with world.rt.db.transaction(world.cast.north) as db:
        db.execute(delete(Duty))
        for person, day in ((world.cast.iris, 3), (world.cast.noor, 4)):
            shift = Shift(person, day, "18:00", "09:00")
            clinic_actions.add_shift(db, clinic_id=world.cast.north, shift=shift, actor_id=world.cast.max, now=NOW)
    world.clock.now = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)  # Friday 21:00 in Paris; opens on Monday
    ada, iris, noor = (world.device_of(name) for name in ("ada", "iris", "noor"))
    url = world.send({"none": False, "signs": ["open_sore"], "not_sure": []})
    assert (said(iris), said(noor)) == ([], [ALERT])
    page = world.browser_of("ada").get(url).data.decode()
    assert "Saturday 28 November, 01:00" in page
    assert "It opens Monday 30 November, 09:00." in page
    assert "+33 1 99 00 00 02" in page
    world.receive(noor)
    case_page = noor.received[-1].json["notification"]["navigate"].removeprefix(world.rt.config.base_url)
    on_call = world.browser_of("noor")
    on_call.see_case(UUID(case_page.rpartition("/")[2]))
    read = on_call.read(case_page)
    assert "Seen by Noor" in world.browser_of("ada").get(url).data.decode()
    assert on_call.post(f"{case_page}/contacts", data={**read, "how": "called"}).status_code == 303
    world.pass_time(240, every=10)
    assert (said(iris), said(noor)) == ([], [ALERT])
    assert NOBODY not in said(ada)
    page = world.browser_of("ada").get(url).data.decode()
    assert "Your clinic has been in touch" in page


def test_same_day_on_a_weekday_night_waits_for_the_morning_and_says_so(world: World) -> None:
    world.clock.now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # Tuesday 21:00 in Paris; opens in twelve hours
    iris = world.device_of("iris")
    url = world.send({"none": False, "signs": ["open_sore"], "not_sure": []})
    world.pass_time(1)
    assert said(iris) == []
    assert "It opens Wednesday 25 November, 09:00." in world.browser_of("ada").get(url).data.decode()
    world.clock.now = datetime(2026, 11, 25, 7, 59, 55, tzinfo=UTC)
    world.pass_time(1)
    assert said(iris) == [ALERT]


def test_the_taker_forgets_and_everybody_is_told_again(world: World) -> None:
    iris, noor = world.device_of("iris"), world.device_of("noor")
    world.send(URGENT)
    with world.rt.db.reading(world.cast.north) as db:
        case = cases.unresolved_case_of(db, world.cast.north, world.cast.ada)
        assert case is not None
    assert world.browser_of("iris").post(f"/console/cases/{case.id}/acknowledgement").status_code == 303
    world.pass_time(58, every=2)
    assert (said(iris), said(noor)) == ([ALERT], [])
    world.pass_time(13)
    assert said(noor) == [ALERT]
