"""Taking a case and stepping it at the same instant, and clocks that are set while a ladder runs."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.errors import Conflict
from companion.escalation import actions, queries
from companion.escalation.models import Escalation
from companion.outbox.models import Message
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.outbox.test_delivery import subscribe
from tests.people import Cast
from tests.push_service import Device, PushService

pytestmark = pytest.mark.slow

STEP = timedelta(minutes=10)


def open_cases(rt: Runtime, cast: Cast, now: datetime, count: int) -> list[UUID]:
    """So many urgent cases, each of a patient of its own."""
    found = []
    for _ in range(count):
        with rt.db.transaction(cast.north) as db:
            patient = accounts.add_person(db, clinic_id=cast.north, name="Patient", roles=["patient"], now=now)
            db.flush()
            case = actions.open_case(
                db,
                clinic_id=cast.north,
                patient_id=patient.id,
                subject_id=uuid4(),
                level="clinic_urgent_1h",
                summary="x",
                now=now,
            )
            found.append(case.id)
    return found


@pytest.mark.parametrize("how", ["taken", "handed", "closed"])
def test_a_case_that_is_raised_before_somebody_holds_it_keeps_its_ladder(
    rt: Runtime, cast: Cast, now: datetime, how: str
) -> None:
    with rt.db.transaction(cast.north) as db:
        case_id = _entry_of_ada(db, cast, "clinic_routine", now).id
    with rt.db.reading(cast.north) as db:
        as_it_was = queries.case(db, cast.north, case_id)
    with rt.db.transaction(cast.north) as db:
        _entry_of_ada(db, cast, "emergency", now)
    with rt.db.transaction(cast.north) as db:
        case, noor = db.merge(as_it_was, load=False), people.person(db, cast.north, cast.noor)
        assert case.level == "clinic_routine"
        if how == "taken":
            actions.acknowledge(db, case, person=noor, now=now)
        elif how == "handed":
            actions.hand_over(db, case, person_id=cast.iris, colleague=noor, now=now)
        else:
            with pytest.raises(Conflict):
                actions.require_read(db, case, mark="clinic_routine:")
        assert case.level == "emergency"
        assert case.next_step_at is not None


def _entry_of_ada(db: Session, cast: Cast, level: str, now: datetime) -> Escalation:
    who = {"clinic_id": cast.north, "patient_id": cast.ada, "subject_id": uuid4()}
    return actions.open_case(db, **who, level=level, summary="x", now=now)


def test_an_entry_that_comes_while_its_case_is_closed_opens_another(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        case_id = _entry_of_ada(db, cast, "clinic_urgent_1h", now).id

    def send() -> None:
        with rt.db.transaction(cast.north) as db:
            _entry_of_ada(db, cast, "clinic_urgent_1h", now)

    with ThreadPoolExecutor(1) as phone:
        with rt.db.transaction(cast.north) as db:
            case = queries.case(db, cast.north, case_id)
            actions.resolve(db, case, person_id=cast.iris, outcome="reassured", note="x", now=now)
            sending = phone.submit(send)
            while not rt.db.is_sqlite and not db.scalar(text("select count(*) from pg_locks where not granted")):
                assert not sending.done(), "on PostgreSQL it waits for the case; on SQLite it waits to begin"
        sending.result(30)
    with rt.db.reading(cast.north) as db:
        assert sorted(db.scalars(select(Escalation.state))) == ["open", "resolved"]


@pytest.mark.parametrize("count", [40, pytest.param(1_000, marks=pytest.mark.long)])
def test_no_step_is_told_after_a_case_was_taken(rt: Runtime, cast: Cast, now: datetime, count: int) -> None:
    cases, later = open_cases(rt, cast, now, count), now + STEP
    together = threading.Barrier(2)

    def take() -> None:
        for case_id in cases:
            together.wait(60)
            with rt.db.transaction(cast.north) as db:
                noor = people.person(db, cast.north, cast.noor)
                actions.acknowledge(db, queries.case(db, cast.north, case_id), person=noor, now=later)

    def step() -> int:
        taken = 0
        for case_id in cases:
            together.wait(60)
            with rt.db.transaction(cast.north) as db:
                case = queries.case(db, cast.north, case_id)
                # As the worker does it: the case may have been taken between its look and its step.
                taken += case.state == "open" and actions.take_step(db, case, now=later)
        return taken

    with ThreadPoolExecutor(2) as pool:
        taking, stepping = pool.submit(take), pool.submit(step)
        taking.result()
        stepped = stepping.result()
    with rt.db.reading(cast.north) as db:
        states = db.scalars(select(Escalation.state).where(Escalation.id.in_(cases))).all()
        pending = db.scalars(select(func.count()).where(Message.kind == "case_alert", Message.state == "pending")).one()
    assert states == ["acknowledged"] * count
    assert pending == 0, "what a step wrote before is taken back, and nothing is written after"
    assert 0 <= stepped <= count


@pytest.mark.parametrize("nurses", [8])
def test_the_same_case_is_taken_by_one_of_many(rt: Runtime, cast: Cast, now: datetime, nurses: int) -> None:
    (case_id,) = open_cases(rt, cast, now, 1)
    together = threading.Barrier(nurses)

    def take(_: int) -> bool:
        together.wait(30)
        try:
            with rt.db.transaction(cast.north) as db:
                noor = people.person(db, cast.north, cast.noor)
                actions.acknowledge(db, queries.case(db, cast.north, case_id), person=noor, now=now)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(nurses) as pool:
        assert sum(pool.map(take, range(nurses))) == 1


JUMPS = {
    "back an hour": timedelta(hours=-1),
    "back a day": timedelta(days=-1),
    "forward an hour": timedelta(hours=1),
    "forward a day": timedelta(days=1),
    "forward 400 days": timedelta(days=400),
}
# Europe/Paris: at 01:00 UTC the clocks go back on 25 October 2026, and forward on 29 March 2026.
TURNS = {
    "to winter time": datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
    "to summer time": datetime(2026, 3, 29, 0, 45, tzinfo=UTC),
}


def ticks(start: datetime, jump: timedelta, *, minutes: int) -> Iterator[tuple[timedelta, datetime]]:
    """(time that has really passed, what the clock reads), each half minute; after 5 minutes the clock is set."""
    for half in range(2 * minutes):
        passed = timedelta(seconds=30 * half)
        yield passed, start + passed + (jump if passed >= timedelta(minutes=5) else timedelta(0))


@dataclass
class Team:
    """A worker, and one device of each nurse and of the clinician."""

    rt: Runtime
    cast: Cast
    clock: Clock
    dispatcher: Dispatcher
    devices: list[Device]


@pytest.fixture
def team(rt: Runtime, cast: Cast, clock: Clock, push_service: PushService, transport: Transport) -> Team:
    devices = [subscribe(rt, push_service, cast.north, who) for who in (cast.iris, cast.noor, cast.carla)]
    return Team(rt, cast, clock, Dispatcher(rt, transport), devices)


def climb(team: Team, start: datetime, jump: timedelta) -> list[timedelta]:
    """Open a case and let the worker work for an hour and a half: when somebody's device really got an alert."""
    open_cases(team.rt, team.cast, start, 1)
    told_at, before = [], 0
    for passed, team.clock.now in ticks(start, jump, minutes=90):
        assert team.dispatcher.work()
        count = sum(len(device.received) for device in team.devices)
        told_at += [passed] * (count > before)
        before = count
    return told_at


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_is_set_delays_no_step_by_more_than_its_interval(
    team: Team, now: datetime, jump: timedelta
) -> None:
    told_at = climb(team, now, jump)
    assert told_at[0] == timedelta(0)
    for number, at in enumerate(told_at):
        assert at <= number * STEP + STEP, f"step {number} came {at} after the case was opened"
    assert len(told_at) >= 8, "three steps, then everybody again every ten minutes"


@pytest.mark.parametrize("start", TURNS.values(), ids=TURNS)
def test_a_change_of_summer_time_moves_no_step(team: Team, start: datetime) -> None:
    assert climb(team, start, timedelta(0)) == [number * STEP for number in range(9)]
