"""The forms of a case as checked values."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext

from companion.accounts.models import Person
from companion.accounts.rules import is_name
from companion.errors import Invalid
from companion.escalation import rules
from companion.escalation.rules import Numbers

# At least five digits among what people put between them.
_NUMBER = re.compile(r"(?=(?:[^0-9]*[0-9]){5})\+?[0-9 ()./-]{5,25}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended; `noise_reason` where the alert was not useful."""

    outcome: str
    note: str
    noise_reason: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """For how long a case is put off, and why."""

    minutes: int
    reason: str


def parse_outcome(fields: Mapping[str, list[str]]) -> Outcome:
    """Outcome code and note; Invalid where one is missing: a case is not closed in silence."""
    outcome, note, noise = (_text(fields, name) for name in ("outcome", "note", "noise_reason"))
    faults = {}
    if outcome not in rules.OUTCOMES:
        faults["outcome"] = gettext("Choose an outcome")
    if not 3 <= len(note) <= 2000:
        faults["note"] = gettext("Write what was done, in 3 to 2,000 characters")
    if outcome == "not_actionable" and noise not in rules.NOISE_REASONS:
        faults["noise_reason"] = gettext("Choose why the alert was not useful")
    if faults:
        raise Invalid(faults)
    return Outcome(outcome, note, noise if outcome == "not_actionable" else "")


def parse_contact(fields: Mapping[str, list[str]]) -> str:
    """What was done for the patient, as one of the known codes."""
    how = _text(fields, "how")
    if how not in rules.CONTACTS:
        raise Invalid({"how": gettext("Choose what you did")})
    return how


def parse_mark(fields: Mapping[str, list[str]]) -> str:
    """What the page showed when somebody decided on it; empty where the page did not say."""
    return _text(fields, "mark")


def parse_snooze(fields: Mapping[str, list[str]], level: str) -> Snooze:
    """Invalid where no time that the level allows, or no reason, was chosen."""
    minutes, reason = _text(fields, "minutes"), _text(fields, "reason")
    faults = {}
    if minutes not in map(str, rules.SNOOZE_MINUTES.get(level, ())):
        faults["minutes"] = gettext("Choose for how long")
    if reason not in rules.SNOOZE_REASONS:
        faults["reason"] = gettext("Choose why")
    if faults:
        raise Invalid(faults)
    return Snooze(int(minutes), reason)


def parse_colleague(fields: Mapping[str, list[str]], colleagues: list[Person]) -> Person:
    """Who is asked to take over; Invalid for anybody who is no colleague."""
    given = _text(fields, "colleague")
    for person in colleagues:
        if str(person.id) == given:
            return person
    raise Invalid({"colleague": gettext("Choose who")})


def parse_reopening(fields: Mapping[str, list[str]]) -> str:
    """Why a case is opened again, 3 to 500 characters."""
    why = _text(fields, "why")
    if not 3 <= len(why) <= 500:
        raise Invalid({"why": gettext("Write why, in 3 to 500 characters")})
    return why


def parse_numbers(fields: Mapping[str, list[str]]) -> Numbers:
    """The patient's own number and somebody else's; each may be missing, but a name needs its number."""
    phone, name, other = (_text(fields, field) for field in ("phone", "other_name", "other_phone"))
    faults = {
        field: gettext("Enter a phone number, like +44 1632 960 001")
        for field, given in (("phone", phone), ("other_phone", other))
        if given and not _NUMBER.fullmatch(given)
    }
    if name and not other:
        faults["other_phone"] = gettext("Enter their phone number")
    if name and not is_name(name):
        faults["other_name"] = gettext("Enter a name, at most 100 characters")
    if faults:
        raise Invalid(faults)
    return Numbers(phone, name, other)


def _text(fields: Mapping[str, list[str]], name: str) -> str:
    # Two answers to one question are none, and so is a text of which nothing can be seen.
    given = set(fields.get(name, []))
    text = given.pop().strip() if len(given) == 1 else ""
    return text if any(unicodedata.category(one)[0] in "LNPS" for one in text) else ""
