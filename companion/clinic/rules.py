"""When a clinic is open, and who is on duty when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

Opening = Mapping[str, Sequence[str]]
Interval = tuple[datetime, datetime]
# How far ahead an opening is looked for: longer than any holiday.
_LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's duty every week, in the clinic's own time; one that ends no later than it starts ends a day later."""

    person_id: UUID
    weekday: int
    starts: str
    ends: str


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody is on duty (or away) between two instants, whatever the weekly shifts say."""

    person_id: UUID
    starts_at: datetime
    ends_at: datetime
    is_on: bool


@dataclass(frozen=True, slots=True)
class Rota:
    """All that says who is on duty: weekly shifts, changes, and those who have switched themselves on now."""

    zone: str
    shifts: Sequence[Shift] = ()
    changes: Sequence[Change] = ()
    switched_on: frozenset[UUID] = frozenset()

    def on_duty(self, at: datetime) -> frozenset[UUID]:
        """Who is on duty at this instant. Somebody who is away is not, whatever else says so."""
        own = {shift.person_id for shift in self.shifts if _covers(spans(shift, self.zone, at, at), at)}
        changed = [change for change in self.changes if change.starts_at <= at < change.ends_at]
        extra = {change.person_id for change in changed if change.is_on}
        away = {change.person_id for change in changed if not change.is_on}
        return frozenset((own | extra | self.switched_on) - away)


def is_open(opening: Opening, zone: str, at: datetime) -> bool:
    """Whether the clinic is open at this instant.

    `opening` maps "0" (Monday) to "6", or a date that differs ("2026-12-25"), to two "HH:MM" of its zone or to nothing.
    """
    hours = hours_of(opening, zone, at.astimezone(ZoneInfo(zone)).date())
    return hours is not None and hours[0] <= at < hours[1]


def next_opening(opening: Opening, zone: str, at: datetime) -> datetime | None:
    """The next instant at which the clinic opens, in UTC; None if it does not within 60 days."""
    today = at.astimezone(ZoneInfo(zone)).date()
    days = (hours_of(opening, zone, today + timedelta(days=ahead)) for ahead in range(_LOOK_AHEAD_DAYS))
    return next((hours[0] for hours in days if hours and hours[0] >= at), None)


def after_working_days(opening: Opening, zone: str, at: datetime, days: int) -> datetime:
    """The end of the `days`-th day of work after `at`; a clinic that never opens has `days` plain days."""
    today, left = at.astimezone(ZoneInfo(zone)).date(), days
    for ahead in range(1, _LOOK_AHEAD_DAYS):
        hours = hours_of(opening, zone, today + timedelta(days=ahead))
        left -= hours is not None
        if hours and left == 0:
            return hours[1]
    return at + timedelta(days=days)


def hours_of(opening: Opening, zone: str, day: date) -> Interval | None:
    """When the clinic opens and closes on this day; None where it stays closed."""
    hours = opening.get(day.isoformat(), opening.get(str(day.weekday())))
    if not hours:
        return None
    return _instant(day, hours[0], zone), _instant(day, hours[1], zone, is_end=True)


def spans(shift: Shift, zone: str, since: datetime, until: datetime) -> list[Interval]:
    """The instants between which a weekly shift runs, those that touch `since` to `until`."""
    first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (since, until))
    days = (first + timedelta(days=ahead) for ahead in range(-1, (last - first).days + 1))
    found = (_span(shift, day, zone) for day in days if day.weekday() == shift.weekday)
    return [(start, end) for start, end in found if start <= until and end > since]


def stretches(rota: Rota, since: datetime, until: datetime) -> list[tuple[datetime, datetime, frozenset[UUID]]]:
    """From `since` to `until`, in order: from when to when the same people are on duty by the rota.

    Who has only switched on by hand does not count: they may switch off.
    """
    planned = Rota(rota.zone, rota.shifts, rota.changes)
    edges = sorted({since, until, *_edges(planned, since, until)})
    found: list[tuple[datetime, datetime, frozenset[UUID]]] = []
    for start, end in pairwise(edges):
        who = planned.on_duty(start)
        if found and found[-1][2] == who:
            found[-1] = (found[-1][0], end, who)
        else:
            found.append((start, end, who))
    return found


def gaps(rota: Rota, since: datetime, until: datetime) -> list[Interval]:
    """When nobody is on duty by the rota."""
    return [(start, end) for start, end, who in stretches(rota, since, until) if not who]


def duty_ends_at(rota: Rota, person_id: UUID, at: datetime, *, latest: datetime) -> datetime:
    """When the duty that this person has at `at` ends by the rota, at most `latest`."""
    own = Rota(
        rota.zone,
        [shift for shift in rota.shifts if shift.person_id == person_id],
        [change for change in rota.changes if change.person_id == person_id],
    )
    return stretches(own, at, latest)[0][1]


def _edges(rota: Rota, since: datetime, until: datetime) -> Iterable[datetime]:
    intervals = [span for shift in rota.shifts for span in spans(shift, rota.zone, since, until)]
    intervals += [(change.starts_at, change.ends_at) for change in rota.changes]
    return (edge for interval in intervals for edge in interval if since < edge < until)


def _covers(intervals: Iterable[Interval], at: datetime) -> bool:
    return any(start <= at < end for start, end in intervals)


def _span(shift: Shift, day: date, zone: str) -> Interval:
    last = day + timedelta(days=shift.ends <= shift.starts)
    return _instant(day, shift.starts, zone), _instant(last, shift.ends, zone, is_end=True)


def _instant(day: date, hour: str, zone: str, *, is_end: bool = False) -> datetime:
    # Where the clocks change, a shift rather begins earlier and ends later than leaves a gap.
    local = datetime.combine(day, time.fromisoformat(hour), ZoneInfo(zone))
    both = [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return max(both) if is_end else min(both)
