"""For every rule of the protocol: a situation in which it fires, and one that just misses it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from companion.triage.engine import assess
from companion.triage.observation import AreaReport, Assessment, Context, Disposition, Observation, Visit
from companion.triage.protocol import Protocol

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Log:
    """An entry: hours after the session, grades and patch of the area, and what else was given."""

    hours: float
    grades: tuple[tuple[str, int], ...] = ()
    patch: float | None = None
    line: bool | None = None
    signs: frozenset[str] = frozenset()
    not_sure: frozenset[str] = frozenset()
    temperature: float | None = None
    answered: bool = True
    feels: str = "can_wait"


@dataclass(frozen=True, slots=True)
class Situation:
    """Entries after a session of one area; the last is the one that is judged."""

    logs: tuple[Log, ...]
    area: str = "face"
    agents: frozenset[str] = frozenset({"vitamins"})
    visits: tuple[float, ...] = (0.0,)
    open_case: Disposition | None = None
    expected: tuple[tuple[str, int], ...] = ()

    def judge(self, protocol: Protocol) -> Assessment:
        """What the protocol says of the last entry."""
        *earlier, last = (self._observation(log) for log in self.logs)
        visits = tuple(
            Visit(START + timedelta(hours=hours), frozenset({self.area}), self.agents) for hours in self.visits
        )
        expected = {(self.area, symptom): grade for symptom, grade in self.expected}
        return assess(last, earlier, Context(visits, self.open_case, expected), protocol)

    def _observation(self, log: Log) -> Observation:
        return Observation(
            noted_at=START + timedelta(hours=log.hours),
            areas={self.area: AreaReport(dict(log.grades), redness_cm=log.patch, past_line=log.line)},
            temperature_c=log.temperature,
            warning_signs=log.signs,
            not_sure=log.not_sure,
            warnings_answered=log.answered,
            feels=log.feels,
        )


def at(hours: float, *, area: str = "face", agents: tuple[str, ...] = ("vitamins",), **given: object) -> Situation:
    """One entry at a time; `given` are symptoms with their grade, or the fields of a log."""
    return then(log(hours, **given), area=area, agents=agents)


def log(hours: float, **given: object) -> Log:
    """An entry; unknown names are symptoms."""
    known = {name: given.pop(name) for name in list(given) if name in Log.__slots__}
    known |= {name: frozenset(known[name]) for name in ("signs", "not_sure") if name in known}  # type: ignore[call-overload]
    return Log(hours, tuple(given.items()), **known)  # type: ignore[arg-type]


def then(*logs: Log, area: str = "face", agents: tuple[str, ...] = ("vitamins",), **more: object) -> Situation:
    """Several entries after one session."""
    return replace(Situation(logs, area, frozenset(agents)), **more)  # type: ignore[arg-type]


FILLER = ("vitamins", "ha_filler_crosslinked")
# rule: (fires, just misses)
SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "fever": (at(20, temperature=38.0), at(20, temperature=37.9)),
    "fever_spreading_redness": (
        at(20, temperature=38.0, signs=["spreading_redness_warm"]),
        at(20, temperature=37.9, signs=["spreading_redness_warm"]),
    ),
    "fever_red_eyelid": (
        at(20, area="periorbital", redness=2, temperature=38.2),
        at(20, area="periorbital", redness=1, temperature=38.2),
    ),
    "low_temperature_infection": (
        at(20, temperature=35.9, signs=["pus_or_discharge"]),
        at(20, temperature=36.0, signs=["pus_or_discharge"]),
    ),
    "skin_and_vomiting": (
        at(2, signs=["widespread_hives", "repeated_vomiting"]),
        at(2, signs=["pus_or_discharge", "repeated_vomiting"]),
    ),
    "blisters_near_eye": (
        at(40, area="periorbital", redness=1, signs=["blister_cluster"]),
        at(40, area="lips", redness=1, signs=["blister_cluster"]),
    ),
    "pain_after_crosslinked": (at(3, agents=FILLER, pain=3), at(3, agents=FILLER, pain=2)),
    "worst_pain": (at(1, area="thighs", pain=4), at(1, area="thighs", pain=3)),
    "rise_after_peak": (then(log(50, swelling=1), log(86, swelling=2)), then(log(50, swelling=1), log(72, swelling=2))),
    "rise_by_two": (then(log(10, pain=0), log(30, pain=2)), then(log(10, pain=1), log(30, pain=2))),
    "late_onset": (at(168, redness=2), at(167.9, redness=2)),
    "large_patch": (at(49, redness=1, patch=5.1), at(49, redness=1, patch=5.0)),
    "growing_patch": (
        then(log(20, redness=1, patch=1.5), log(60, redness=1, patch=3.5)),
        then(log(20, redness=1, patch=1.5), log(60, redness=1, patch=3.4)),
    ),
    "two_rises": (
        then(log(40, redness=1, patch=1.0), log(60, redness=1, patch=1.8), log(80, redness=1, patch=2.5)),
        then(log(40, redness=1, patch=1.0), log(60, redness=1, patch=1.8), log(80, redness=1, patch=2.4)),
    ),
    "past_line": (at(24.1, redness=1, line=True), at(24, redness=1, line=True)),
    "warnings_skipped": (at(5, redness=3, answered=False), at(5, redness=2, answered=False)),
    "unknown_sign": (at(5, signs=["green_ears"]), at(5, signs=["dent_or_hollow"])),
    "unsure_any": (at(5, not_sure=["any"]), at(5, not_sure=["later"])),
    "area_without_visit": (then(log(5, redness=1), visits=()), then(log(5, redness=0), visits=())),
    "severe_without_visit": (then(log(5, redness=3), visits=()), then(log(5, redness=2), visits=())),
    "feels_now": (at(5, feels="now"), at(5, feels="today")),
    "feels_today": (at(5, feels="today"), at(5, feels="can_wait")),
    "open_case": (then(log(5), open_case=Disposition.CLINIC_SAME_DAY), then(log(5))),
}
