"""The course form's fields as checked values."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext

from companion.course import rules
from companion.course.models import Course
from companion.errors import Invalid
from companion.triage.observation import AREAS


@dataclass(frozen=True, slots=True)
class CourseForm:
    """A plan: what for, where, with what, how many sessions, how many days apart."""

    indication: str
    areas: tuple[str, ...]
    agents: tuple[str, ...]
    technique: str
    planned_visits: int
    interval_days: int


def parse_course(fields: dict[str, list[str]]) -> CourseForm:
    """Invalid with a sentence for each field that is missing, unknown or out of range."""
    faults: dict[str, str] = {}
    form = CourseForm(
        indication=_one("indication", fields, rules.INDICATIONS, faults),
        areas=_some("areas", fields, AREAS, faults),
        agents=_some("agents", fields, rules.AGENTS, faults),
        technique=_one("technique", fields, rules.TECHNIQUES, faults),
        planned_visits=_number("planned_visits", fields, (1, 30), faults),
        interval_days=_number("interval_days", fields, (1, 400), faults),
    )
    if faults:
        raise Invalid(faults)
    return form


def plan_of(course: Course) -> CourseForm:
    """The plan of a course, as the form gave it."""
    return CourseForm(
        indication=course.indication,
        areas=tuple(course.areas),
        agents=tuple(course.agents),
        technique=course.technique,
        planned_visits=course.planned_visits,
        interval_days=course.interval_days,
    )


def _one(name: str, fields: dict[str, list[str]], known: Sequence[str], faults: dict[str, str]) -> str:
    given = fields.get(name, [""])[0]
    if given not in known:
        faults[name] = gettext("Choose one")
    return given


def _some(name: str, fields: dict[str, list[str]], known: Sequence[str], faults: dict[str, str]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(fields.get(name, [])))
    if not given or not set(given) <= set(known):
        faults[name] = gettext("Choose at least one")
    return given


def _number(name: str, fields: dict[str, list[str]], limits: tuple[int, int], faults: dict[str, str]) -> int:
    low, high = limits
    given = fields.get(name, [""])[0].strip()
    if given.isascii() and given.isdigit() and len(given) < 6 and low <= int(given) <= high:
        return int(given)
    faults[name] = gettext("Enter a whole number from %(low)s to %(high)s", low=low, high=high)
    return low
