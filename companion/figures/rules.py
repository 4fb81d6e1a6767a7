"""Figures of many cases. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

# What is counted from when a case was opened.
STAGES = ("seen", "taken", "contact")
DAYS = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Timed:
    """One case: when it was opened, whether the clinic was open then, by when an answer was due, what came when."""

    opened_at: datetime
    in_hours: bool
    respond_by: datetime
    reached: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one case ended: the rule that raised it, and whether it was worth it. `is_noise` is None while it is open."""

    rule: str
    is_noise: bool | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Minutes of several cases: the middle one, and what nine in ten did not exceed; None without any."""

    count: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Noise:
    """One rule: cases that it raised and that are closed, and how many of them were not useful."""

    rule: str
    closed: int
    noise: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a period. `times` by stage, then "in" or "out" of opening hours; shares are None without any."""

    entries: int
    alerts: int
    cases: int
    closed: int
    useful: int
    promises: int
    kept: int
    times: Mapping[str, Mapping[str, Spread]]
    noise: Sequence[Noise]

    @property
    def alert_share(self) -> float | None:
        """The share of entries that sent an alert."""
        return _share(self.alerts, self.entries)

    @property
    def useful_share(self) -> float | None:
        """The share of closed cases that were worth an alert."""
        return _share(self.useful, self.closed)

    @property
    def kept_share(self) -> float | None:
        """The share of promises that were kept, of those that are over or were kept."""
        return _share(self.kept, self.promises)


def figures(*, entries: int, alerts: int, timed: Sequence[Timed], ended: Sequence[Ended], now: datetime) -> Figures:
    """Everything that a period's cases say."""
    over = [one for one in timed if "contact" in one.reached or one.respond_by < now]
    closed = [one for one in ended if one.is_noise is not None]
    return Figures(
        entries=entries,
        alerts=alerts,
        cases=len(timed),
        closed=len(closed),
        useful=sum(not one.is_noise for one in closed),
        promises=len(over),
        kept=sum(is_kept(one) for one in over),
        times={stage: times(timed, stage) for stage in STAGES},
        noise=noise(closed),
    )


def times(timed: Iterable[Timed], stage: str) -> dict[str, Spread]:
    """How long a stage took, for cases that came in and out of opening hours; without those that are not there yet."""
    minutes: dict[str, list[float]] = {"in": [], "out": []}
    for one in timed:
        if stage in one.reached:
            took = (one.reached[stage] - one.opened_at).total_seconds() / 60
            minutes["in" if one.in_hours else "out"].append(max(took, 0.0))
    return {when: spread(found) for when, found in minutes.items()}


def spread(minutes: Collection[float]) -> Spread:
    """Median and 90th percentile by nearest rank: each is a time that was really measured."""
    ordered = sorted(minutes)
    if not ordered:
        return Spread(0, None, None)
    return Spread(len(ordered), ordered[ceil(0.5 * len(ordered)) - 1], ordered[ceil(0.9 * len(ordered)) - 1])


def is_kept(one: Timed) -> bool:
    """Whether the patient was contacted by when it was promised."""
    return "contact" in one.reached and one.reached["contact"] <= one.respond_by


def noise(closed: Iterable[Ended]) -> list[Noise]:
    """Rules whose alerts were not useful, those with the largest share first."""
    counts: dict[str, list[int]] = {}
    for one in closed:
        own = counts.setdefault(one.rule, [0, 0])
        own[0] += 1
        own[1] += bool(one.is_noise)
    found = [Noise(rule, closed, noise) for rule, (closed, noise) in counts.items()]
    return sorted(found, key=lambda one: (-one.noise / one.closed, -one.closed, one.rule))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
