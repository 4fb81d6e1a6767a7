"""Reminders wait for the end of a person's quiet hours; nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from companion.accounts import queries as accounts
from companion.accounts.rules import QUIET_HOURS, end_of_quiet
from companion.clock import to_utc
from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.ids import new_id
from companion.inbox import queries
from companion.outbox import jobs
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.schedule import jobs as schedule
from tests.conftest import Clock
from tests.outbox.test_delivery import subscribe
from tests.people import Cast
from tests.push_service import PushService
from tests.schedule.test_visits import plan
from tests.signed_in import Browser, browser

PARIS = "Europe/Paris"


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def paris(text: str) -> datetime:
    return to_utc(datetime.fromisoformat(text), PARIS)


@pytest.mark.parametrize(
    ("at", "hours", "until"),
    [
        ("2026-11-23T20:59", QUIET_HOURS, None),
        ("2026-11-23T21:00", QUIET_HOURS, "2026-11-24T08:00"),
        ("2026-11-23T23:59", QUIET_HOURS, "2026-11-24T08:00"),
        ("2026-11-24T00:00", QUIET_HOURS, "2026-11-24T08:00"),
        ("2026-11-24T07:59", QUIET_HOURS, "2026-11-24T08:00"),
        ("2026-11-24T08:00", QUIET_HOURS, None),
        ("2026-11-24T13:30", ("13:00", "14:00"), "2026-11-24T14:00"),
        ("2026-11-24T14:00", ("13:00", "14:00"), None),
        ("2026-11-24T12:59", ("13:00", "14:00"), None),
        ("2026-11-24T03:00", (None, None), None),
        ("2026-11-24T03:00", ("03:00", "03:00"), None),
        # The night in which the clocks go forward is an hour shorter, the one in which they go back an hour longer.
        ("2027-03-27T22:00", QUIET_HOURS, "2027-03-28T08:00"),
        ("2026-10-24T22:00", QUIET_HOURS, "2026-10-25T08:00"),
    ],
)
def test_quiet_hours_end_at_their_time_of_the_clinics_day(
    at: str, hours: tuple[str | None, str | None], until: str | None
) -> None:
    found = end_of_quiet(paris(at), PARIS, quiet_from=hours[0], quiet_until=hours[1])
    assert found == (paris(until) if until else None)
    assert found is None or found.tzinfo is UTC


def test_a_reminder_of_the_night_comes_in_the_morning(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.ada)
    plan(rt, cast, paris("2026-12-10T09:30"), rt.clock())
    came = []
    # Two days before it comes at once; two hours before it is half past seven, and it waits for eight.
    for at in ("2026-12-08T09:30", "2026-12-10T07:30", "2026-12-10T07:59", "2026-12-10T08:00"):
        clock.now = paris(at)
        schedule.release_due(rt, clock.now)
        jobs.deliver(rt, transport, clock.now)
        came.append(sum("appointment" in one.payload.decode() for one in device.received))
    assert came == [1, 1, 1, 2]


def test_a_reminder_that_would_come_too_late_stays_in_the_inbox(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.ada)
    plan(rt, cast, paris("2026-12-10T07:00"), rt.clock())
    clock.now = paris("2026-12-10T05:00")
    schedule.release_due(rt, clock.now)
    clock.now = paris("2026-12-10T08:00")
    before = len(device.received)
    jobs.deliver(rt, transport, clock.now)
    assert len(device.received) == before
    with rt.db.reading(cast.north) as db:
        assert "visit_reminder" in [one.message.kind for one in queries.lines(db, cast.north, cast.ada, clock.now)]


def test_what_is_said_about_a_case_comes_at_night_too(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.ada)
    clock.now = paris("2026-11-24T02:00")
    with rt.db.transaction(EVERY_CLINIC) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=new_id(),
            level="clinic_urgent_1h",
            summary="x",
            now=clock.now,
        )
        escalation.acknowledge(db, case, person=accounts.person(db, cast.north, cast.iris), now=clock.now)
    jobs.deliver(rt, transport, clock.now + timedelta(seconds=1))
    assert "has been read" in device.wait_for(1)[0].payload.decode()


def test_a_patient_chooses_the_hours_and_withdraws_the_address(rt: Runtime, cast: Cast, ada: Browser) -> None:
    page = ada.get("/reminders").data.decode()
    assert 'value="21:00"' in page
    assert 'value="08:00"' in page
    hours = {"quiet_from": "22:15", "quiet_until": "06:45"}
    assert ada.post("/reminders/quiet-hours", data=hours).status_code == 303
    assert 'value="22:15"' in ada.get("/reminders").data.decode()
    assert ada.post("/reminders/quiet-hours", data={"quiet_from": "", "quiet_until": ""}).status_code == 303
    assert ada.post("/reminders/email/removal").status_code == 303
    with rt.db.reading(cast.north) as db:
        person = accounts.person(db, cast.north, cast.ada)
        assert (person.quiet_from, person.quiet_until, person.mailbox) == (None, None, None)


@pytest.mark.parametrize(
    "hours",
    [
        {"quiet_from": "22:00"}, {"quiet_from": "24:00", "quiet_until": "08:00"},
        {"quiet_from": "08:00", "quiet_until": "08:00"},
        {"quiet_from": "٢٢:٠٠", "quiet_until": "08:00"}, {"quiet_from": "9:00", "quiet_until": "x" * 5000},
    ],
)  # fmt: skip
def test_what_are_no_two_times_is_asked_again(ada: Browser, hours: dict[str, str]) -> None:
    answer = ada.post("/reminders/quiet-hours", data=hours)
    assert answer.status_code == 422
    assert 'href="#quiet_from"' in answer.data.decode()
