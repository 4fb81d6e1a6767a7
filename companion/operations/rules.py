"""Whether the product is alive, by what it wrote down. Pure; the limits are proposals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from companion.figures.rules import Figures

DISPATCHER = "dispatcher"
BEAT_EVERY = timedelta(seconds=5)
BEAT_STALE = timedelta(seconds=30)
# A dispatcher that has not beaten for so long hangs: longer than any send and any wait for the database lasts.
BEAT_HANGS = timedelta(seconds=20)
# From then on the web processes deliver themselves.
RESCUE_AFTER = timedelta(seconds=60)
CLOCK_JUMP = timedelta(seconds=30)

# The housekeeper's jobs, and how often each of them runs.
JOBS: Mapping[str, timedelta] = {
    "release_due": timedelta(seconds=20),
    "silence": timedelta(minutes=10),
    "canary": timedelta(minutes=15),
    "backup": timedelta(minutes=15),
    "alarms": timedelta(minutes=1),
    "reconcile": timedelta(hours=1),
    "device_check": timedelta(hours=1),
    "prune": timedelta(hours=1),
    "coverage": timedelta(minutes=15),
}
BACKUP_STALE = timedelta(hours=26)
# A device is tested before its receipts stop to count (30 days, see outbox.rules).
_CHECK_AFTER = timedelta(days=27)
# All of a day, at one each quarter of an hour, then one a day.
_KEEP_NEWEST, _KEEP_DAYS = 96, 35

# The greatest value of each sign that is still well.
LIMITS: Mapping[str, float] = {
    "worker_beat_age_seconds": BEAT_STALE.total_seconds(),
    "oldest_overdue_message_seconds": 60,
    "oldest_overdue_step_seconds": 60,
    "canary_age_seconds": timedelta(minutes=20).total_seconds(),
    "unreachable_clinics": 0,
    "devices_of_another_key": 0,
    "pushes_refused_last_day": 0,
    "fallbacks_refused_last_day": 0,
    "late_jobs": 0,
    "mismatches": 0,
    "backup_age_seconds": BACKUP_STALE.total_seconds(),
    "disk_used_percent": 95,
    "clock_skew_seconds": 2,
}
# The operator is told of what lasts, not of every hiccup, and again each day.
ALARM_AFTER, ALARM_AGAIN = timedelta(minutes=2), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """One measure of health: a number, and whether it is within its limit. None means that it never happened."""

    name: str
    value: float | None

    @property
    def is_ok(self) -> bool:
        """Whether it is known and within its limit."""
        return self.value is not None and self.value <= LIMITS[self.name]


@dataclass(slots=True)
class Unkept:
    """Since when this process could write nothing down, and when it told the operator so: a full disk keeps no note."""

    since_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number for Prometheus: its name, what it is about, and its labels, which never name a person or a clinic."""

    name: str
    about: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def measures_of(figures: Figures) -> list[Measure]:
    """The figures of all clinics as numbers; what was not measured is left out."""
    shares = {"alert": figures.alert_share, "useful": figures.useful_share, "promise_kept": figures.kept_share}
    about = "Share of entries that alert, of closed cases that were of use, of promises kept; 30 days"
    known = {name: share for name, share in shares.items() if share is not None}
    found = [Measure("companion_share_30d", about, share, {"of": name}) for name, share in known.items()]
    about = "Minutes from the opening of a case, in and out of opening hours; 30 days"
    for stage, by_hours in figures.times.items():
        for hours, spread in by_hours.items():
            for quantile, minutes in (("0.5", spread.median), ("0.9", spread.p90)):
                if minutes is not None:
                    labels = {"stage": stage, "hours": hours, "quantile": quantile}
                    found.append(Measure("companion_case_minutes_30d", about, minutes, labels))
    return found


def is_alive(beat_at: datetime | None, now: datetime) -> bool:
    """Whether the worker has beaten lately. A living one corrects a beat from before the clock was set back."""
    return beat_at is not None and abs(now - beat_at) <= BEAT_STALE


def needs_rescue(beat_at: datetime | None, now: datetime) -> bool:
    """Whether the worker has been silent for so long that somebody else must deliver."""
    return beat_at is None or abs(now - beat_at) > RESCUE_AFTER


def age_seconds(at: datetime | None, now: datetime) -> int | None:
    """Seconds since then; None if it never was, or if the clock has been set back since."""
    if at is None or at - now > BEAT_STALE:
        return None
    return max(0, int((now - at).total_seconds()))


def jump_seconds(wall: timedelta, steady: timedelta) -> int | None:
    """By how much the wall clock was set between two looks at both clocks; None if it only ran."""
    jumped = wall - steady
    return int(jumped.total_seconds()) if abs(jumped) >= CLOCK_JUMP else None


def late_jobs(beats: Mapping[str, datetime], now: datetime, *, only: Iterable[str] = JOBS) -> list[str]:
    """Jobs that have not succeeded for three times their interval and a minute, or never did."""
    latest = {name: beats.get(name) for name in only}
    return [name for name, at in latest.items() if at is None or now - at > 3 * JOBS[name] + timedelta(minutes=1)]


def first_run(last: datetime | None, every: timedelta, now: datetime) -> datetime:
    """When a job runs first after a start: one that has just run need not run again, and none waits too long."""
    return now if last is None or last > now else max(now, last + every)


def told_lately(told_at: datetime | None, now: datetime) -> bool:
    """Whether the operator was told within a day; what a clock told that was set back since counts as long ago."""
    return told_at is not None and abs(now - told_at) < ALARM_AGAIN


def needs_check(proven_at: datetime | None, *, created_at: datetime, now: datetime) -> bool:
    """Whether a device has shown nothing for so long that it is sent a test; a new one is given a day."""
    is_new = now - created_at < timedelta(days=1)
    return not is_new and (proven_at is None or now - proven_at >= _CHECK_AFTER)


def backups_to_keep(made_at: Iterable[datetime], now: datetime) -> set[datetime]:
    """Which backups stay: the newest 96, and the newest of each of the last 35 days that have one.

    They are counted: a clock that is set makes none of them old. What a clock ahead has made is counted by itself, and
    takes no other's place.
    """
    found = set(made_at)
    ahead = {at for at in found if at > now}
    return _newest(found - ahead) | _newest(ahead)


def _newest(made_at: Iterable[datetime]) -> set[datetime]:
    ordered = sorted(made_at)
    of_days = {at.date(): at for at in ordered}
    return {*ordered[-_KEEP_NEWEST:], *list(of_days.values())[-_KEEP_DAYS:]}
