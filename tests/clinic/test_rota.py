"""Who is on duty: weekly shifts, what differs from them, the switch by hand; through changes of the clocks."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete

from companion.clinic import actions, queries, rules
from companion.clinic.models import Duty
from companion.clinic.rules import Change, Rota, Shift
from companion.runtime import Runtime
from tests.people import Cast, id_of

PARIS = "Europe/Paris"
IRIS, NOOR = id_of("iris"), id_of("noor")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026, in UTC; the 23rd is a Monday, and Paris is an hour ahead."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def on_duty(rt: Runtime, cast: Cast, when: datetime) -> list[UUID]:
    with rt.db.reading(cast.north) as db:
        return [person.id for person in queries.on_duty(db, cast.north, when)]


@pytest.fixture
def off(rt: Runtime, cast: Cast) -> None:
    """Nobody has switched themselves on."""
    with rt.db.transaction(cast.north) as db:
        db.execute(delete(Duty))


def add_shift(rt: Runtime, cast: Cast, shift: Shift) -> None:
    with rt.db.transaction(cast.north) as db:
        actions.add_shift(db, clinic_id=cast.north, shift=shift, actor_id=cast.max, now=at(23, 10))


def switch(rt: Runtime, cast: Cast, person_id: UUID, now: datetime, *, is_on: bool) -> None:
    with rt.db.transaction(cast.north) as db:
        actions.set_duty(db, clinic_id=cast.north, person_id=person_id, is_on=is_on, now=now)


def test_a_shift_counts_from_its_first_minute_to_its_last() -> None:
    rota = Rota(PARIS, [Shift(IRIS, 0, "09:00", "17:00")])
    for when, who in ((at(23, 7, 59), set()), (at(23, 8), {IRIS}), (at(23, 15, 59), {IRIS}), (at(23, 16), set())):
        assert rota.on_duty(when) == who, when
    assert rota.on_duty(at(24, 10)) == set()


def test_a_night_ends_on_the_next_morning() -> None:
    rota = Rota(PARIS, [Shift(IRIS, 6, "20:00", "08:00")])
    assert rota.on_duty(at(23, 6, 59)) == {IRIS}
    assert rota.on_duty(at(23, 7)) == set()


@pytest.mark.parametrize(("day", "month"), [(29, 3), (25, 10)])
def test_a_change_of_the_clocks_leaves_no_gap_between_two_shifts(day: int, month: int) -> None:
    # At 02:30 the clocks of Paris skip, or double, the very time at which one shift hands over to the next.
    shifts = [Shift(IRIS, 5, "20:00", "02:30"), Shift(NOOR, 6, "02:30", "20:00")]
    midnight = datetime(2026, month, day, tzinfo=UTC)
    assert rules.gaps(Rota(PARIS, shifts), midnight - timedelta(hours=4), midnight + timedelta(hours=17)) == []


def test_a_colleague_stands_in() -> None:
    swap = (at(23, 8), at(23, 16))
    shifts = [Shift(IRIS, 0, "09:00", "17:00")]
    rota = Rota(PARIS, shifts, [Change(IRIS, *swap, is_on=False), Change(NOOR, *swap, is_on=True)])
    assert rota.on_duty(at(23, 10)) == {NOOR}
    assert rota.on_duty(at(30, 10)) == {IRIS}


def test_a_gap_is_when_nobody_is_on_the_rota() -> None:
    rota = Rota(PARIS, [Shift(IRIS, day, "08:00", "08:00") for day in range(6)], switched_on=frozenset({NOOR}))
    assert rules.gaps(rota, at(23, 8), at(30, 8)) == [(at(29, 7), at(30, 7))]
    away = Rota(PARIS, rota.shifts, [Change(IRIS, at(24, 12), at(24, 13), is_on=False)])
    assert rules.gaps(away, at(23, 8), at(25, 8)) == [(at(24, 12), at(24, 13))]


def test_the_rota_says_who_is_on_duty(rt: Runtime, cast: Cast, off: None) -> None:
    add_shift(rt, cast, Shift(cast.noor, 0, "09:00", "17:00"))
    add_shift(rt, cast, Shift(cast.carla, 0, "17:00", "09:00"))
    assert on_duty(rt, cast, at(23, 10)) == [cast.noor]
    assert on_duty(rt, cast, at(23, 20)) == [cast.carla]


def test_switching_off_lasts_to_the_end_of_the_shift(rt: Runtime, cast: Cast, off: None) -> None:
    add_shift(rt, cast, Shift(cast.noor, 0, "09:00", "17:00"))
    switch(rt, cast, cast.noor, at(23, 10), is_on=False)
    assert on_duty(rt, cast, at(23, 10)) == []
    assert on_duty(rt, cast, at(30, 10)) == [cast.noor]
    switch(rt, cast, cast.noor, at(23, 11), is_on=True)
    assert on_duty(rt, cast, at(23, 12)) == [cast.noor]
    assert on_duty(rt, cast, at(23, 17)) == []


def test_switching_on_beyond_the_rota_lasts_until_one_switches_off(rt: Runtime, cast: Cast, off: None) -> None:
    switch(rt, cast, cast.noor, at(23, 20), is_on=True)
    assert on_duty(rt, cast, at(24, 20)) == [cast.noor]
    switch(rt, cast, cast.noor, at(24, 21), is_on=False)
    assert on_duty(rt, cast, at(24, 21)) == []


def test_who_has_left_is_not_on_duty_and_covers_nothing(rt: Runtime, cast: Cast, off: None) -> None:
    add_shift(rt, cast, Shift(cast.max, 0, "09:00", "17:00"))
    assert on_duty(rt, cast, at(23, 10)) == []
    with rt.db.reading(cast.north) as db:
        assert rules.gaps(queries.rota(db, cast.north, at(23, 8)), at(23, 8), at(23, 9)) == [(at(23, 8), at(23, 9))]


def test_a_closed_day_is_closed_and_special_hours_count() -> None:
    opening = {"0": ["09:00", "18:00"], "1": ["09:00", "18:00"], "2026-11-23": [], "2026-11-24": ["14:00", "16:00"]}
    assert not rules.is_open(opening, PARIS, at(23, 10))
    assert rules.next_opening(opening, PARIS, at(23, 8)) == at(24, 13)
    assert rules.after_working_days(opening, PARIS, at(22, 10), 1) == at(24, 15)
