"""The only place that reads the clock, and conversions between an instant and a clinic's local time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# What was written down as decided later than this from now was decided before the clock was set back; clocks of two
# machines that differ by more are a sign of health that is not well long before.
CLOCKS_DIFFER = timedelta(seconds=10)


class SkippedTime(ValueError):
    """This local time does not exist: the clocks went forward over it."""


class DoubledTime(ValueError):
    """This local time exists twice: the clocks went back over it. Ask which one is meant."""


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def parse_date(given: str) -> date:
    """A date as browsers send it, YYYY-MM-DD; ValueError for every other way that ISO 8601 knows."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise ValueError("no date")
    return date.fromisoformat(given)


def parse_hour(given: str) -> time:
    """A time of the day as browsers send it, HH:MM; ValueError for every other way that ISO 8601 knows."""
    if not re.fullmatch("[0-9]{2}:[0-9]{2}", given):
        raise ValueError("no time of the day")
    return time.fromisoformat(given)


def to_local(at: datetime, zone: str) -> datetime:
    """The instant `at` as wall-clock time in the IANA zone `zone`."""
    return at.astimezone(ZoneInfo(zone))


def to_utc(local: datetime, zone: str, *, fold: int | None = None) -> datetime:
    """The instant of a naive wall-clock time in `zone`.

    Raises SkippedTime where a change to summer time skips it, and DoubledTime where a change back
    doubles it and `fold` (0 first, 1 second) does not say which.
    """
    tz = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=tz, fold=f) for f in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != local:
        raise SkippedTime(local.isoformat())
    if fold is None:
        raise DoubledTime(local.isoformat())
    return (second if fold else first).astimezone(UTC)
