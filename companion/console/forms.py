"""The console's forms as checked values."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from flask_babel import gettext

from companion import clock
from companion.accounts.forms import parse_contact
from companion.accounts.rules import is_name
from companion.console.case_forms import parse_numbers
from companion.course.forms import CourseForm, parse_course
from companion.errors import Invalid
from companion.escalation.rules import Numbers
from companion.reactions.rules import LEVEL_DAYS, LevelForm
from companion.triage.observation import AREAS, SYMPTOMS

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True)
class VisitForm:
    """When a session takes place."""

    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new patient: the id that the page gave, so that a second press changes nothing; course and first session."""

    id: UUID
    name: str
    locale: str
    contact_email: str | None
    course: CourseForm
    starts_at: datetime | None
    numbers: Numbers


def parse_enrolment(fields: dict[str, list[str]], zone: str, *, locales: Collection[str]) -> Enrolment:
    """Invalid with a sentence for every field that is wrong; without date and time there is no session yet."""
    faults: dict[str, str] = {}
    name = _collect(faults, lambda: parse_name(fields))
    contact = _collect(faults, lambda: parse_contact(fields))
    numbers = _collect(faults, lambda: parse_numbers(fields))
    course = _collect(faults, lambda: parse_course(fields))
    has_visit = any(fields.get(part, [""])[0].strip() for part in ("date", "time"))
    visit = _collect(faults, lambda: parse_visit(fields, zone)) if has_visit else None
    locale = fields.get("locale", [""])[0]
    if locale not in locales:
        faults["locale"] = gettext("Choose one")
    try:
        own = UUID(fields.get("id", [""])[0])
    except ValueError:
        faults[""] = gettext("Load this page again and answer once more")
    if faults or name is None or course is None or numbers is None:
        raise Invalid(faults)
    return Enrolment(own, name, locale, contact, course, visit.starts_at if visit else None, numbers)


def parse_expected_level(fields: dict[str, list[str]]) -> LevelForm:
    """Invalid with a sentence for each field that is missing, unknown or out of range."""
    area, symptom, grade, days, reason = (
        " ".join(fields.get(name, [""])[0].split()) for name in ("area", "symptom", "grade", "days", "reason")
    )
    faults: dict[str, str] = {}
    if area not in AREAS:
        faults["area"] = gettext("Choose where")
    if symptom not in SYMPTOMS:
        faults["symptom"] = gettext("Choose a symptom")
    if grade not in ("1", "2", "3"):
        faults["grade"] = gettext("Choose up to which level")
    if days not in map(str, range(1, LEVEL_DAYS + 1)):
        faults["days"] = gettext("Enter a whole number from %(low)s to %(high)s", low=1, high=LEVEL_DAYS)
    if not 3 <= len(reason) <= 500:
        faults["reason"] = gettext("Write why, in 3 to 500 characters")
    if faults:
        raise Invalid(faults)
    return LevelForm(area, symptom, int(grade), timedelta(days=int(days)), reason)


def _collect(faults: dict[str, str], parse: Callable[[], _Parsed]) -> _Parsed | None:
    try:
        return parse()
    except Invalid as error:
        faults.update(error.fields)
        return None


def parse_named(fields: dict[str, list[str]]) -> str:
    """What somebody typed to find a patient, at most 100 characters."""
    return " ".join(fields.get("named", [""])[0].split())[:100]


def parse_name(fields: dict[str, list[str]]) -> str:
    """A patient's name, 1 to 100 characters."""
    name = " ".join(fields.get("name", [""])[0].split())
    if not is_name(name):
        raise Invalid({"name": gettext("Enter the patient's name, at most 100 characters")})
    return name


def parse_visit(fields: dict[str, list[str]], zone: str) -> VisitForm:
    """A date and a time of the clinic's zone; a time that a clock change skips is refused, a doubled one asked."""
    day, hour = (fields.get(name, [""])[0].strip() for name in ("date", "time"))
    try:
        local = datetime.combine(clock.parse_date(day), clock.parse_hour(hour))
    except ValueError:
        raise Invalid({"date": gettext("Enter a date and a time")}) from None
    if not 2000 <= local.year <= 2100:
        raise Invalid({"date": gettext("Enter a date and a time")})
    fold = fields.get("fold", [""])[0]
    try:
        return VisitForm(clock.to_utc(local, zone, fold=int(fold) if fold in ("0", "1") else None))
    except clock.SkippedTime:
        raise Invalid({"time": gettext("The clocks go forward then: this time does not exist")}) from None
    except clock.DoubledTime:
        raise Invalid({"fold": gettext("The clocks go back then: choose the first or the second time")}) from None
