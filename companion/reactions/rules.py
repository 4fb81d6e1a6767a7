"""What an entry is to others: an observation for triage, and a small chart. Pure.

A chart is one area, one line a symptom, time to the right, grade upwards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from companion.triage.lexicon import told
from companion.triage.observation import SYMPTOMS, AreaReport, Observation, Visit
from companion.triage.protocol import Window

WIDTH, HEIGHT, MARGIN = 300.0, 84.0, 14.0
WORST = 4
# How long a nurse may expect more than the protocol does. Proposal.
LEVEL_DAYS = 14


def observation_of(
    body: Mapping[str, Any], *, noted_at: datetime, received_at: datetime, treated: frozenset[str] | None
) -> Observation:
    """A kept entry (its `body` as the phone sent it) as triage sees it.

    `treated` are the areas that may still swell, for reading the words of an entry that is judged. None leaves the
    words unread: of earlier entries triage compares grades and sizes.
    """
    ticked = frozenset(body["warnings"]["signs"])
    said = {} if treated is None else told(body["words"], ticked=ticked, areas=treated)
    return Observation(
        noted_at=noted_at,
        received_at=received_at,
        areas={
            area: AreaReport(
                {symptom: report[symptom] for symptom in SYMPTOMS},
                redness_cm=report["patch_cm"],
                swelling_cm=report.get("swelling_cm"),
                past_line=report.get("past_line"),
            )
            for area, report in body["areas"].items()
        },
        temperature_c=body["temperature_c"],
        warning_signs=ticked,
        not_sure=frozenset(body["warnings"]["not_sure"]),
        feels=body["feels"],
        said=said,
    )


class Session(Protocol):
    """A treatment session as it is kept."""

    starts_at: Any
    areas: Any
    agents: Any


def as_visits(rows: Iterable[Session]) -> tuple[Visit, ...]:
    """Sessions as triage sees them."""
    return tuple(Visit(row.starts_at, frozenset(row.areas), frozenset(row.agents)) for row in rows)


def is_edge_worth_drawing(body: Mapping[str, Any]) -> bool:
    """Whether the patient is asked to draw round the edge of an area: there is one that can spread (NICE NG141), and no
    line round it yet.
    """
    reports = body["areas"].values()
    return any((report["redness"] >= 2 or report["patch_cm"]) and report.get("past_line") is None for report in reports)


@dataclass(frozen=True, slots=True)
class LevelForm:
    """What a nurse expects of one symptom in one area, for how long (at most 14 days), and why."""

    area: str
    symptom: str
    grade: int
    lasts: timedelta
    reason: str


class Level(Protocol):
    """An expected level as it is kept."""

    area: Any
    symptom: Any
    grade: Any
    set_at: Any
    until_at: Any
    ended_at: Any


_Level = TypeVar("_Level", bound=Level)


def levels_at(levels: Iterable[_Level], visits: Iterable[Visit], at: datetime) -> dict[tuple[str, str], _Level]:
    """The expected levels that count at a time, by area and symptom; of several the one set last.

    A session of the area ends what was set before it: it has its own course.
    """
    sessions = tuple(visits)
    found: dict[tuple[str, str], _Level] = {}
    for level in sorted(levels, key=lambda one: one.set_at):
        is_on = level.set_at <= at < level.until_at and (level.ended_at is None or at < level.ended_at)
        is_over = any(level.set_at < visit.at <= at and level.area in visit.areas for visit in sessions)
        if is_on and not is_over:
            found[level.area, level.symptom] = level
    return found


@dataclass(frozen=True, slots=True)
class Expectation:
    """What was told of one symptom so many hours after the session, the window there, and a nurse's level."""

    area: str
    symptom: str
    grade: int
    hours: float
    window: Window
    level: Level | None = None

    @property
    def is_own(self) -> bool:
        """Whether a nurse expects more of this patient than the protocol does."""
        return self.level is not None and self.level.grade > self.window.expected(self.hours)

    @property
    def expected(self) -> int:
        """The highest grade that is expected: the protocol's, or a nurse's where it is higher."""
        return max(self.window.expected(self.hours), self.level.grade if self.level else 0)

    @property
    def is_within(self) -> bool:
        """Whether it is what the clinic expects."""
        return self.grade <= self.expected

    @property
    def day(self) -> int:
        """The day after the session, counted from 0."""
        return int(self.hours // 24)


def most_telling(expectations: Iterable[Expectation]) -> list[Expectation]:
    """Of each area the symptom furthest above what is expected, or else the strongest."""
    found: dict[str, Expectation] = {}
    for one in expectations:
        known = found.get(one.area)
        if known is None or (one.grade - one.expected, one.grade) > (known.grade - known.expected, known.grade):
            found[one.area] = one
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Replay:
    """Past entries judged by two protocols: how many, over how many days, how many alert, how many change.

    An alert is an entry that tells a nurse at once: same day or more urgent.
    """

    entries: int
    days: int
    alerts_before: int
    alerts_after: int
    raised: int
    lowered: int

    def lines(self) -> list[str]:
        """The figures for people."""
        if not self.entries:
            return [f"No entry in the last {self.days} days."]
        before, after = (f"{count / self.days:.2f}" for count in (self.alerts_before, self.alerts_after))
        share_before, share_after = (f"{count / self.entries:.1%}" for count in (self.alerts_before, self.alerts_after))
        return [
            f"{self.entries:,} entries in {self.days} days",
            f"alerts a day: {before} before, {after} after",
            f"share of entries that alert: {share_before} before, {share_after} after",
            f"entries that change: {self.raised} raised, {self.lowered} lowered",
        ]


@dataclass(frozen=True, slots=True)
class Noted:
    """One entry for a chart: when it was so, and the grades by area and symptom."""

    at: datetime
    grades: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Point:
    """A grade at its place in the drawing (SVG units)."""

    x: float
    y: float
    grade: int


@dataclass(frozen=True, slots=True)
class Line:
    """One symptom over time."""

    symptom: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The points as SVG wants them."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """One area: its lines, where sessions stand, and the same as rows of a table (time, grade by symptom)."""

    area: str
    lines: tuple[Line, ...]
    visits: tuple[float, ...]
    rows: tuple[tuple[datetime, Mapping[str, int]], ...]


def charts(entries: Sequence[Noted], visits: Mapping[str, Sequence[datetime]]) -> list[Chart]:
    """A chart for each area that was ever reported, the symptoms that were ever noticed as its lines.

    `visits` holds the sessions of each area; those within the time of the entries, or just before, are drawn.
    """
    areas = dict.fromkeys(area for entry in entries for area in entry.grades)
    return [_chart(area, sorted(entries, key=lambda entry: entry.at), visits.get(area, ())) for area in areas]


def _chart(area: str, entries: Sequence[Noted], visits: Sequence[datetime]) -> Chart:
    own = [(entry.at, entry.grades[area]) for entry in entries if area in entry.grades]
    earlier = [at for at in visits if at <= own[0][0]]
    shown = [*earlier[-1:], *(at for at in visits if own[0][0] < at <= own[-1][0])]
    start, end = min([own[0][0], *shown]), own[-1][0]
    symptoms = [name for name in own[0][1] if any(grades.get(name) for _, grades in own)]
    lines = tuple(
        Line(name, tuple(Point(_x(at, start, end), _y(grades[name]), grades[name]) for at, grades in own))
        for name in symptoms
    )
    return Chart(area, lines, tuple(_x(at, start, end) for at in shown), tuple(reversed(own)))


def _x(at: datetime, start: datetime, end: datetime) -> float:
    span = (end - start).total_seconds()
    share = (at - start).total_seconds() / span if span else 0.5
    return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)


def _y(grade: int) -> float:
    return round(HEIGHT - MARGIN - grade / WORST * (HEIGHT - 2 * MARGIN), 1)


@dataclass(frozen=True, slots=True)
class Band:
    """One symptom of one area over days: the expected course as a filled step, a nurse's level, and what was told."""

    expectation: Expectation
    course: str
    level: str
    points: tuple[Point, ...]
    days: int


def band(expectation: Expectation, told: Sequence[tuple[float, int]], at: datetime) -> Band:
    """The drawing of an expectation; `told` are (hours after the session, grade) until `at`, in order of time."""
    first, second, third = expectation.window.hours
    level = expectation.level if expectation.is_own else None
    until = expectation.hours + (level.until_at - at).total_seconds() / 3600 if level else 0
    span = max(first, expectation.hours, until, 24.0)

    def x(hours: float) -> float:
        return round(MARGIN + hours / span * (WIDTH - 2 * MARGIN), 1)

    steps = "".join(f"V{_y(grade):g}H{x(until_h):g}" for grade, until_h in ((3, third), (2, second), (1, first)))
    box = f"M{x(expectation.hours):g} {_y(0):g}V{_y(level.grade):g}H{x(until):g}V{_y(0):g}Z" if level else ""
    return Band(
        expectation=expectation,
        course=f"M{x(0):g} {_y(0):g}{steps}V{_y(0):g}Z",
        level=box,
        points=tuple(Point(x(hours), _y(grade), grade) for hours, grade in told),
        days=round(span / 24),
    )
