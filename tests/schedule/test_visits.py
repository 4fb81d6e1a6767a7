"""Visits and reminders on both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from companion.accounts.models import Person
from companion.clinic.models import Clinic
from companion.course import queries as courses
from companion.course.models import Course
from companion.db import EVERY_CLINIC
from companion.errors import Conflict
from companion.outbox.models import Message
from companion.runtime import Runtime
from companion.schedule import actions, jobs, queries
from companion.schedule.models import PlanItem, Visit
from tests.people import Cast, add_course


def plan(rt: Runtime, cast: Cast, starts_at: datetime, now: datetime, number: int = 2) -> Visit:
    with rt.db.transaction(cast.north) as db:
        course = courses.course(db, cast.north, cast.ada_course)
        return actions.plan_visit(db, course, number=number, starts_at=starts_at, now=now, actor_id=cast.iris)


def messages(rt: Runtime) -> Counter[tuple[str, str]]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return Counter((row.kind, row.state) for row in db.execute(select(Message.kind, Message.state)))


def test_reminders_are_released_when_due_and_once(rt: Runtime, cast: Cast, now: datetime) -> None:
    plan(rt, cast, now + timedelta(days=10), now)
    assert jobs.release_due(rt, now + timedelta(days=7)) == 0
    due = now + timedelta(days=8)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: jobs.release_due(rt, due), range(4))) == 1
    assert messages(rt) == {("visit_reminder", "pending"): 1}


def test_a_moved_visit_takes_its_reminder_back_and_sends_one_correction(rt: Runtime, cast: Cast, now: datetime) -> None:
    visit = plan(rt, cast, now + timedelta(days=10), now)
    later = now + timedelta(days=8)
    jobs.release_due(rt, later)
    with rt.db.transaction(cast.north) as db:
        actions.reschedule(
            db,
            visit.id,
            clinic_id=cast.north,
            starts_at=now + timedelta(days=20),
            version=1,
            now=later,
            actor_id=cast.iris,
        )
    assert messages(rt) == {("visit_reminder", "cancelled"): 1, ("visit_moved", "pending"): 1}
    assert jobs.release_due(rt, now + timedelta(days=18)) == 1
    assert messages(rt)["visit_reminder", "pending"] == 1


def test_two_editors_notice_each_other(rt: Runtime, cast: Cast, now: datetime) -> None:
    visit = plan(rt, cast, now + timedelta(days=10), now)
    with rt.db.transaction(cast.north) as db:
        actions.complete_visit(db, visit.id, clinic_id=cast.north, version=1, now=now, actor_id=cast.iris)
    with pytest.raises(Conflict), rt.db.transaction(cast.north) as db:
        actions.reschedule(db, visit.id, clinic_id=cast.north, starts_at=now, version=1, now=now, actor_id=cast.noor)


def test_a_check_in_that_was_done_is_not_asked_for(rt: Runtime, cast: Cast, now: datetime) -> None:
    visit = plan(rt, cast, now, now)
    evening = now + timedelta(hours=7)
    with rt.db.transaction(cast.north) as db:
        args = {"clinic_id": cast.north, "patient_id": cast.ada}
        assert actions.close_check_in(db, **args, noted_at=now + timedelta(hours=5), now=now) == 1
    jobs.release_due(rt, evening)
    assert messages(rt) == {}
    with rt.db.reading(cast.north) as db:
        states = {item.slot: item.state for item in queries.items_of(db, cast.north, visit.id)}
    assert states["day_0"] == "done"
    assert states["day_1"] == "planned"


def test_reminders_that_are_long_over_are_missed_and_not_sent(rt: Runtime, cast: Cast, now: datetime) -> None:
    plan(rt, cast, now + timedelta(days=10), now)
    assert jobs.release_due(rt, now + timedelta(days=200)) == 13
    assert messages(rt) == {}
    with rt.db.reading(EVERY_CLINIC) as db:
        assert set(db.scalars(select(PlanItem.state))) == {"missed"}


def test_the_overview_counts_sessions(rt: Runtime, cast: Cast, now: datetime) -> None:
    next_visit = plan(rt, cast, now + timedelta(days=10), now)
    with rt.db.reading(cast.north) as db:
        overview = queries.overview(db, courses.course(db, cast.north, cast.ada_course), now)
    assert (overview.done, overview.remaining, overview.next_visit and overview.next_visit.id) == (1, 3, next_visit.id)


@pytest.mark.parametrize("jump", [timedelta(days=2, hours=8), timedelta(days=30), timedelta(days=400)])
@pytest.mark.parametrize("lasts", [timedelta(minutes=5), timedelta(hours=9)])
def test_a_clock_that_is_set_forward_and_back_costs_nobody_a_reminder(
    rt: Runtime, cast: Cast, now: datetime, jump: timedelta, lasts: timedelta
) -> None:
    visit = plan(rt, cast, now + timedelta(days=2, hours=1), now)
    jobs.release_due(rt, now + jump)
    for hours in range(5 * 24):
        if (passed := timedelta(hours=hours)) >= lasts:
            jobs.release_due(rt, now + passed)
    with rt.db.reading(EVERY_CLINIC) as db:
        slot = {item.id: item.slot for item in queries.items_of(db, cast.north, visit.id)}
        said = Counter(slot[row.about_id] for row in db.scalars(select(Message)) if row.state == "pending")
    assert said == Counter(["reminder_two_days", "reminder_two_hours", "day_0", "day_1", "day_2"])


def test_a_clinic_in_a_zone_that_nobody_knows_holds_up_no_other_clinics_reminders(
    rt: Runtime, cast: Cast, now: datetime
) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        add_course(db, (cast.south, cast.ben), now=now)
        db.flush()
        for clinic_id in (cast.south, cast.north):
            course = db.scalars(select(Course).where(Course.clinic_id == clinic_id)).one()
            actions.plan_visit(db, course, number=2, starts_at=now + timedelta(days=2, hours=1), now=now)
        db.execute(update(Clinic).where(Clinic.id == cast.south).values(zone="Mars/Olympus"))
        db.execute(update(Person).values(quiet_from="22:00", quiet_until="07:00"))
    later = now + timedelta(hours=2)
    assert jobs.release_due(rt, later) >= 1
    with rt.db.reading(EVERY_CLINIC) as db:
        waiting = {item.clinic_id for item in queries.due_items(db, later)}
    assert waiting == {cast.south}, "and they are tried again with the next look"
