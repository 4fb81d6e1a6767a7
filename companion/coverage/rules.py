"""What stands in the way of an alert that has not come yet. Pure; the numbers are proposals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from companion.clinic.rules import Interval

LOOK_AHEAD = timedelta(days=14)
DEVICE_PROVEN_FOR = timedelta(days=30)
FALLBACK_PROVEN_FOR = timedelta(days=90)
FALLBACKS = ("email", "webhook")
FEWEST_PEOPLE = 2
# When the day's message goes out, at the clinic.
TELLS_FROM_HOUR = 7


@dataclass(frozen=True, slots=True)
class Carer:
    """Somebody whom alerts go to: how many devices, and when one of them last showed that it works."""

    name: str
    devices: int
    proven_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one clinic. `empty_steps`: (level, number from 1); `proven`: when another way was tested."""

    has_rota: bool
    gaps: Sequence[Interval]
    empty_steps: Sequence[tuple[str, int]]
    carers: Sequence[Carer]
    is_set_up: frozenset[str]
    is_watched: bool
    proven: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way, by code; `params` fill its sentence."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


def findings(facts: Facts, now: datetime) -> list[Finding]:
    """Everything that stands in the way, what is worst first; an empty list says that alerts are covered."""
    found = [Finding("few_people", {"count": len(facts.carers)})] if len(facts.carers) < FEWEST_PEOPLE else []
    if not facts.has_rota:
        found.append(Finding("no_rota"))
    found += [Finding("gap", {"starts_at": start, "ends_at": end}) for start, end in facts.gaps if facts.has_rota]
    found += [Finding("empty_step", {"level": level, "number": number}) for level, number in facts.empty_steps]
    unwatched = [] if facts.is_watched else [Finding("unwatched")]
    return found + _of_devices(facts, now) + _of_fallbacks(facts, now) + unwatched


def _of_devices(facts: Facts, now: datetime) -> list[Finding]:
    without = [one.name for one in facts.carers if not one.devices]
    unproven = [
        one.name for one in facts.carers if one.devices and not _is_fresh(one.proven_at, now, DEVICE_PROVEN_FOR)
    ]
    found = [Finding("no_device", {"names": without})] if without else []
    return found + ([Finding("unproven_device", {"names": unproven})] if unproven else [])


def _of_fallbacks(facts: Facts, now: datetime) -> list[Finding]:
    if not facts.is_set_up & set(FALLBACKS):
        return [Finding("no_fallback")]
    proven = [channel for channel in facts.is_set_up if _is_fresh(facts.proven.get(channel), now, FALLBACK_PROVEN_FOR)]
    return [] if set(proven) & set(FALLBACKS) else [Finding("unproven_fallback", {"days": FALLBACK_PROVEN_FOR.days})]


def _is_fresh(at: datetime | None, now: datetime, lasts: timedelta) -> bool:
    return at is not None and now - at <= lasts
