"""What falls due around a visit: pure plans, and changes that are made once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.schedule.rules import ExistingItem, plan_for, reconcile, still_wanted

PARIS = "Europe/Paris"
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_FIRST, _LAST = (datetime(year, 1, 1) for year in (2026, 2028))  # noqa: DTZ001 - the strategy adds the zone
moments = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))


def test_a_planned_visit_brings_check_ins_late_checks_and_two_reminders() -> None:
    items = plan_for(state="planned", starts_at=START, zone=PARIS)
    assert [item.slot for item in items] == [
        "day_0", "day_1", "day_2", "day_3", "day_5", "day_7", "week_2", "week_4", "week_8", "week_12", "week_24",
        "reminder_two_days", "reminder_two_hours",
    ]  # fmt: skip


def test_a_visit_that_took_place_brings_no_reminders_and_a_cancelled_one_nothing() -> None:
    assert all(item.kind == "check_in" for item in plan_for(state="done", starts_at=START, zone=PARIS))
    assert plan_for(state="cancelled", starts_at=START, zone=PARIS) == []


@pytest.mark.parametrize("zone", [PARIS, "America/New_York"])
@pytest.mark.parametrize("start", [datetime(2026, 3, 6, 15, tzinfo=UTC), datetime(2026, 10, 24, 15, tzinfo=UTC)])
def test_check_ins_keep_the_hour_on_the_wall_through_changes_of_the_clocks(zone: str, start: datetime) -> None:
    items = [item for item in plan_for(state="done", starts_at=start, zone=zone) if item.slot != "day_0"]
    local = [item.due_at.astimezone(ZoneInfo(zone)) for item in items]
    assert {moment.hour for moment in local} == {18}
    assert len({moment.date() for moment in local}) == len(items)


def test_the_evening_of_a_late_session_is_three_hours_after_it() -> None:
    late = datetime(2026, 11, 2, 17, 30, tzinfo=UTC)
    assert plan_for(state="done", starts_at=late, zone=PARIS)[0].due_at == late + timedelta(hours=3)


@given(moments, moments)
def test_reconciling_twice_changes_nothing_more(start: datetime, now: datetime) -> None:
    wanted = plan_for(state="planned", starts_at=start, zone=PARIS)
    first = reconcile([], wanted, now)
    existing = [ExistingItem(item.slot, item.due_at, "planned") for item in first.add]
    again = reconcile(existing, wanted, now)
    assert (again.add, again.move, again.cancel) == ((), (), ())


@given(moments, st.integers(-20, 20))
def test_done_items_stay_whatever_happens_to_the_visit(start: datetime, days: int) -> None:
    existing = [
        ExistingItem(item.slot, item.due_at, "done") for item in plan_for(state="done", starts_at=start, zone=PARIS)
    ]
    moved = plan_for(state="planned", starts_at=start + timedelta(days=days), zone=PARIS)
    changes = reconcile(existing, moved, start)
    assert changes.move == ()
    assert changes.cancel == ()


def test_what_is_over_or_of_a_cancelled_visit_is_no_news() -> None:
    wanted = {"expires_at": START, "visit_state": "planned", "kind": "check_in"}
    assert still_wanted(**wanted, now=START - timedelta(minutes=1))  # type: ignore[arg-type]
    assert not still_wanted(**wanted, now=START)  # type: ignore[arg-type]
    assert not still_wanted(**{**wanted, "visit_state": "cancelled"}, now=START - timedelta(1))  # type: ignore[arg-type]
    before = {**wanted, "now": START - timedelta(1)}
    assert still_wanted(**before, slot="week_4")  # type: ignore[arg-type]
    assert not still_wanted(**before, slot="week_4", has_later_visit=True)  # type: ignore[arg-type]
    assert still_wanted(**before, slot="day_7", has_later_visit=True)  # type: ignore[arg-type]
    reminder = {**wanted, "kind": "visit_reminder", "visit_state": "done"}
    assert not still_wanted(**reminder, now=START - timedelta(1))  # type: ignore[arg-type]
