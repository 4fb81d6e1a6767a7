"""The console's forms as checked values."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from companion import clock
from companion.errors import Invalid


@dataclass(frozen=True, slots=True)
class VisitForm:
    """When a session takes place."""

    starts_at: datetime


def parse_name(fields: dict[str, list[str]]) -> str:
    """A patient's name, 1 to 100 characters."""
    name = " ".join(fields.get("name", [""])[0].split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid({"name": gettext("Enter the patient's name, at most 100 characters")})
    return name


def parse_visit(fields: dict[str, list[str]], zone: str) -> VisitForm:
    """A date and a time of the clinic's zone; a time that a clock change skips is refused, a doubled one asked."""
    day, hour = (fields.get(name, [""])[0].strip() for name in ("date", "time"))
    try:
        local = datetime.fromisoformat(f"{day}T{hour}")
    except ValueError:
        raise Invalid({"date": gettext("Enter a date and a time")}) from None
    if local.tzinfo is not None or not 2000 <= local.year <= 2100:
        raise Invalid({"date": gettext("Enter a date and a time")})
    fold = fields.get("fold", [""])[0]
    try:
        return VisitForm(clock.to_utc(local, zone, fold=int(fold) if fold in ("0", "1") else None))
    except clock.SkippedTime:
        raise Invalid({"time": gettext("The clocks go forward then: this time does not exist")}) from None
    except clock.DoubledTime:
        raise Invalid({"fold": gettext("The clocks go back then: choose the first or the second time")}) from None
