"""How symptoms move: worse after the peak, two grades up, late onset, patches that grow. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from companion.triage.observation import AreaReport, Observation, Reason, Visit
from companion.triage.protocol import Protocol, Trend

_SECONDS = 3600.0
_DECIMALS = 1  # a patch is measured to the millimetre; 4.1 - 2.1 as binary fractions falls short of 2


@dataclass(frozen=True, slots=True)
class Symptom:
    """One noticed symptom of an area: its grade, when, how long after the visit, and the grade and time before it."""

    area: str
    name: str
    grade: int
    at: datetime
    hours: float
    group: str
    last: tuple[int, datetime] | None


def of_symptom(symptom: Symptom, visit: Visit, protocol: Protocol) -> Iterator[Reason]:
    """Reasons from how one symptom has moved since the entry before it."""
    grade, last = symptom.grade, symptom.last
    if last and last[1] >= visit.at:
        peak, rise = protocol.trends["rise_after_peak"], protocol.trends["rise_by_two"]
        if grade > last[0] and grade >= peak.limit and _is_after_peak(symptom, protocol):
            yield of_trend(peak, symptom)
        if grade - last[0] >= rise.limit and _is_time_to_compare(symptom, rise):
            yield of_trend(rise, symptom)
    late = protocol.trends["late_onset"]
    if is_late_onset(symptom, late):
        yield of_trend(late, symptom)


def is_late_onset(symptom: Symptom, trend: Trend) -> bool:
    """Whether a symptom is new so long after a session that it should have settled."""
    if symptom.grade < trend.limit or symptom.name not in trend.symptoms or symptom.group in trend.not_groups:
        return False
    if not trend.after <= symptom.hours <= trend.until:
        return False
    last = symptom.last
    return last is None or last[0] <= 1 or (symptom.at - last[1]).total_seconds() / _SECONDS > trend.quiet


def of_patch(
    area: str, report: AreaReport, *, visit: Visit, hours: float, history: Sequence[Observation], protocol: Protocol
) -> Iterator[Reason]:
    """Reasons from the measured patches of an area, against those measured since the session."""
    for name in ("redness_cm", "swelling_cm"):
        size = getattr(report, name)
        if size is None:
            continue
        earlier = [
            (measured, (past.noted_at - visit.at).total_seconds() / _SECONDS)
            for past in history
            if past.noted_at >= visit.at and area in past.areas
            if (measured := getattr(past.areas[area], name)) is not None
        ]
        for trend in _patch_trends(name, size, hours, earlier, protocol):
            yield _reason(trend, area, size, hours, name.removesuffix("_cm"))


def _patch_trends(
    name: str, size: float, hours: float, earlier: Sequence[tuple[float, float]], protocol: Protocol
) -> Iterator[Trend]:
    large, growing, rises = (protocol.trends[key] for key in ("large_patch", "growing_patch", "two_rises"))
    if name == "redness_cm":
        if hours > large.after and size > large.limit:
            yield large
        if hours > growing.after and earlier and _growth(earlier[0][0], size) >= growing.limit:
            yield growing
    if hours > rises.after and len(earlier) >= 2:
        (first, _), (second, second_hours) = earlier[-2:]
        if first < second < size and second_hours > rises.after and _growth(first, size) >= rises.limit:
            yield rises


def _growth(first: float, size: float) -> float:
    return round(size - first, _DECIMALS)


def before(area: str, symptom: str, history: Sequence[Observation]) -> tuple[int, datetime] | None:
    """Grade and time of the latest entry that was asked about this symptom here (`history` in order of time)."""
    for past in reversed(history):
        report = past.areas.get(area)
        if report is not None and symptom in report.grades:
            return report.grades[symptom], past.noted_at
    return None


def _is_after_peak(symptom: Symptom, protocol: Protocol) -> bool:
    peak = protocol.peaks[symptom.group].get(symptom.name)
    return peak is not None and symptom.hours > peak


def _is_time_to_compare(symptom: Symptom, rise: Trend) -> bool:
    return symptom.hours > rise.after or (symptom.name in rise.early and symptom.hours >= rise.early_after)


def of_trend(trend: Trend, symptom: Symptom) -> Reason:
    """A trend that was found in a symptom, as a reason."""
    return _reason(trend, symptom.area, symptom.grade, symptom.hours, symptom.name)


def _reason(trend: Trend, area: str, value: float, hours: float, symptom: str) -> Reason:
    return Reason(
        trend.id,
        trend.level,
        trend.nurse,
        trend.patient,
        trend.source,
        trend.mark,
        area,
        value,
        trend.limit,
        hours,
        symptom,
    )
