"""The forms of duty and opening hours as checked values."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import gettext

from companion import clock
from companion.accounts.models import Person
from companion.clinic.rules import Interval, Shift
from companion.console.forms import parse_visit
from companion.errors import Invalid

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LONGEST_CHANGE = timedelta(days=92)
# How many days that differ one page takes in at a time beyond those that are there.
_NEW_ROWS = 2


@dataclass(frozen=True, slots=True)
class ChangeForm:
    """Who is away, who is on duty (one of them may be nobody), and from when to when."""

    away: UUID | None
    instead: UUID | None
    span: Interval


def parse_shifts(fields: Mapping[str, list[str]], carers: Sequence[Person]) -> list[Shift]:
    """One shift for each day that was ticked; Invalid with a sentence for every field that is wrong."""
    faults: dict[str, str] = {}
    person_id = _person(fields, "person", carers, faults)
    starts, ends = (_hour(fields, name, faults) for name in ("starts", "ends"))
    days = sorted({int(day) for day in fields.get("weekday", []) if day in set("0123456")})
    if not days:
        faults["weekday"] = gettext("Choose at least one day")
    if person_id is None and "person" not in faults:
        faults["person"] = gettext("Choose who")
    if faults or person_id is None:
        raise Invalid(faults)
    return [Shift(person_id, day, starts, ends) for day in days]


def parse_change(fields: Mapping[str, list[str]], carers: Sequence[Person], zone: str, *, now: datetime) -> ChangeForm:
    """A swap, an absence or extra duty; it must end in the future and last at most three months."""
    faults: dict[str, str] = {}
    away, instead = (_person(fields, name, carers, faults) for name in ("away", "instead"))
    if away == instead and "away" not in faults and "instead" not in faults:
        faults["away"] = gettext("Choose who is away, who is on duty, or two different people")
    starts_at, ends_at = (_moment(fields, name, zone, faults) for name in ("from", "until"))
    if starts_at and ends_at and not (starts_at < ends_at <= starts_at + _LONGEST_CHANGE and ends_at > now):
        faults["until"] = gettext("Choose an end after the start, in the future and within three months")
    if faults or starts_at is None or ends_at is None:
        raise Invalid(faults)
    return ChangeForm(away, instead, (starts_at, ends_at))


def parse_opening(fields: Mapping[str, list[str]], *, today: date) -> dict[str, list[str]]:
    """Hours by weekday ("0" Monday) and by date where one differs; a day without hours is closed."""
    faults: dict[str, str] = {}
    opening = {}
    for day in range(7):
        hours = _hours(fields, f"day-{day}", faults)
        if hours:
            opening[str(day)] = hours
    for row, given in enumerate(fields.get("date", [])):
        if not given.strip():
            continue
        try:
            when = clock.parse_date(given.strip())
        except ValueError:
            faults[f"date-{row}"] = gettext("Enter a date")
            continue
        hours = _hours(fields, f"special-{row}", faults)
        if when >= today and not fields.get(f"special-{row}-remove"):
            opening[when.isoformat()] = hours
    if faults:
        raise Invalid(faults)
    return opening


def fields_of(opening: Mapping[str, Any], *, today: date) -> dict[str, list[str]]:
    """The opening hours as the form's fields; days that differ and are over are left out."""
    fields: dict[str, list[str]] = {}
    for day in range(7):
        fields |= _as_fields(f"day-{day}", opening.get(str(day), []))
    special = sorted(key for key in opening if len(key) > 1 and key >= today.isoformat())
    fields["date"] = special
    for row, key in enumerate(special):
        fields |= _as_fields(f"special-{row}", opening[key])
    return fields


def special_rows(fields: Mapping[str, list[str]]) -> range:
    """The rows of days that differ: those that are there, and two empty ones."""
    return range(len([day for day in fields.get("date", []) if day.strip()]) + _NEW_ROWS)


def _as_fields(name: str, hours: Collection[str]) -> dict[str, list[str]]:
    opens, closes = hours or ("", "")
    return {f"{name}-opens": [opens], f"{name}-closes": [closes]}


def _hours(fields: Mapping[str, list[str]], name: str, faults: dict[str, str]) -> list[str]:
    opens, closes = (fields.get(f"{name}-{part}", [""])[0].strip() for part in ("opens", "closes"))
    if not opens and not closes:
        return []
    if not (_HOUR.fullmatch(opens) and _HOUR.fullmatch(closes) and opens < closes):
        faults[name] = gettext("Enter two times, the later one second; leave both empty where it is closed")
    return [opens, closes]


def _hour(fields: Mapping[str, list[str]], name: str, faults: dict[str, str]) -> str:
    given = fields.get(name, [""])[0].strip()
    if not _HOUR.fullmatch(given):
        faults[name] = gettext("Enter a time")
    return given


def _person(
    fields: Mapping[str, list[str]], name: str, carers: Sequence[Person], faults: dict[str, str]
) -> UUID | None:
    given = fields.get(name, [""])[0]
    found = next((person.id for person in carers if str(person.id) == given), None)
    if given and found is None:
        faults[name] = gettext("Choose who")
    return found


def _moment(fields: Mapping[str, list[str]], name: str, zone: str, faults: dict[str, str]) -> datetime | None:
    own = {part: fields.get(f"{name}-{part}", [""]) for part in ("date", "time", "fold")}
    try:
        return parse_visit(own, zone).starts_at
    except Invalid as error:
        faults |= {f"{name}-{part}": sentence for part, sentence in error.fields.items()}
        return None
