"""When a clinic is open. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Opening = Mapping[str, Sequence[str]]


def is_open(opening: Opening, zone: str, at: datetime) -> bool:
    """Whether the clinic is open at this instant. `opening` maps "0" (Monday) to "6" to two "HH:MM" of its zone."""
    hours = _hours(opening, zone, at.astimezone(ZoneInfo(zone)).date())
    return hours is not None and hours[0] <= at < hours[1]


def next_opening(opening: Opening, zone: str, at: datetime) -> datetime | None:
    """The next instant at which the clinic opens, in UTC; None if it never does."""
    today = at.astimezone(ZoneInfo(zone)).date()
    days = (_hours(opening, zone, today + timedelta(days=ahead)) for ahead in range(8))
    return next((hours[0] for hours in days if hours and hours[0] >= at), None)


def after_working_days(opening: Opening, zone: str, at: datetime, days: int) -> datetime:
    """The end of the `days`-th day of work after `at`; a clinic that never opens has `days` plain days."""
    today, left = at.astimezone(ZoneInfo(zone)).date(), days
    for ahead in range(1, 15):
        hours = _hours(opening, zone, today + timedelta(days=ahead))
        left -= hours is not None
        if hours and left == 0:
            return hours[1]
    return at + timedelta(days=days)


def _hours(opening: Opening, zone: str, day: date) -> tuple[datetime, datetime] | None:
    hours = opening.get(str(day.weekday()))
    if not hours:
        return None
    begin, end = (datetime.combine(day, time.fromisoformat(text), ZoneInfo(zone)).astimezone(UTC) for text in hours)
    return begin, end
