"""What falls due around a visit, and how a changed visit changes it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

# Proposals: the evening of the session and the days on which most reactions settle or show (report section 2.3).
CHECK_IN_DAYS = (0, 1, 2, 3, 5, 7)
CHECK_IN_HOUR = time(18, 0)
REMINDERS = {"two_days": timedelta(days=2), "two_hours": timedelta(hours=2)}
CHECK_IN_LASTS = timedelta(hours=14)
# Late trouble shows weeks after the last session: mycobacteria 1 to 12, nodules months later (report section 2.3).
LATE_WEEKS = (2, 4, 8, 12, 24)
LATE_LASTS = timedelta(days=7)
# A reminder that was said so early was said by a clock that was ahead; clocks of two machines never differ so much.
SAID_EARLY = timedelta(minutes=10)

Kind = Literal["check_in", "visit_reminder"]


@dataclass(frozen=True, slots=True)
class WantedItem:
    """Something that should fall due: the slot names it within its visit."""

    slot: str
    kind: Kind
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ExistingItem:
    """An item as it stands in the database."""

    slot: str
    due_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What turns the existing items into the wanted ones."""

    add: tuple[WantedItem, ...]
    move: tuple[WantedItem, ...]
    cancel: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do or leave until so long after a session of one of `areas`; of any area where there are none."""

    id: str
    line: str
    until: timedelta
    areas: frozenset[str]
    source: str


def advice_in_force(
    every: Iterable[Advice], *, session_at: datetime, areas: Iterable[str], now: datetime
) -> list[tuple[Advice, datetime]]:
    """What still holds after a session of these areas, with its end; what ends first comes first."""
    treated = frozenset(areas)
    ends = [(one, session_at + one.until) for one in every if not one.areas or one.areas & treated]
    return sorted(((one, end) for one, end in ends if session_at <= now < end), key=lambda pair: pair[1])


def plan_for(*, state: str, starts_at: datetime, zone: str) -> list[WantedItem]:
    """Check-ins at 18:00 local time on days 0, 1, 2, 3, 5, 7 of a visit, late ones 2, 4, 8, 12, 24 weeks after it, and
    reminders two days and two hours before it.

    A cancelled visit wants nothing; a visit that took place wants no reminders. Day 0 of a late visit is asked
    three hours after it.
    """
    if state == "cancelled":
        return []
    items = [_check_in(day, starts_at, zone) for day in CHECK_IN_DAYS]
    items += [_late_check(week, starts_at, zone) for week in LATE_WEEKS]
    if state == "planned":
        items += [
            WantedItem(f"reminder_{name}", "visit_reminder", starts_at - before, starts_at)
            for name, before in REMINDERS.items()
        ]
    return items


def reconcile(existing: Iterable[ExistingItem], wanted: Sequence[WantedItem], now: datetime) -> Changes:
    """Add what is missing and not yet over, move what is still planned, cancel what is no longer wanted.

    Items that were done or missed stay as they are.
    """
    have = {item.slot: item for item in existing}
    want = {item.slot: item for item in wanted}
    living = {slot: item for slot, item in have.items() if item.state in ("planned", "released")}
    return Changes(
        add=tuple(item for slot, item in want.items() if slot not in have and item.expires_at > now),
        move=tuple(
            item
            for slot, item in want.items()
            if slot in have
            and have[slot].state in ("planned", "released", "cancelled")
            and have[slot].due_at != item.due_at
            and item.expires_at > now
        ),
        cancel=tuple(slot for slot in living if slot not in want),
    )


def is_late_check(slot: str) -> bool:
    """Whether this check-in is one of the late ones: a single question about something new."""
    return slot.startswith("week_")


def still_wanted(
    *, expires_at: datetime, visit_state: str, kind: str, now: datetime, slot: str = "", has_later_visit: bool = False
) -> bool:
    """Whether an item that falls due is still news: not over, its visit not cancelled, no reminder of a past visit.

    After a later visit its own check-ins ask; the late ones of this visit are not needed any more.
    """
    if expires_at <= now or visit_state == "cancelled" or (is_late_check(slot) and has_later_visit):
        return False
    return kind == "check_in" or visit_state == "planned"


def _late_check(week: int, starts_at: datetime, zone: str) -> WantedItem:
    due_at = _evening(7 * week, starts_at, zone)
    return WantedItem(f"week_{week}", "check_in", due_at, due_at + LATE_LASTS)


def _evening(day: int, starts_at: datetime, zone: str) -> datetime:
    tz = ZoneInfo(zone)
    on = starts_at.astimezone(tz).date() + timedelta(days=day)
    # A time that the change to summer time skips moves on with the clock: `fold` 0 reads it after the jump.
    return datetime.combine(on, CHECK_IN_HOUR, tz).astimezone(UTC)


def _check_in(day: int, starts_at: datetime, zone: str) -> WantedItem:
    due_at = _evening(day, starts_at, zone)
    if day == 0:
        due_at = max(due_at, starts_at + timedelta(hours=3))
    return WantedItem(f"day_{day}", "check_in", due_at, due_at + CHECK_IN_LASTS)
