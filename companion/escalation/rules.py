"""What becomes of a case: promises, when they are near, how long it may wait. Pure; the numbers are proposals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from companion.clinic import rules as clinic
from companion.policies.rules import LEVELS
from companion.triage.protocol import ServiceLevel

OUTCOMES = ("reassured", "advice_given", "seen_in_clinic", "sent_elsewhere", "emergency_services", "not_actionable")
CONTACTS = ("called", "wrote", "seen", "no_answer")
# Why an alert was not useful: what the figures count by rule.
NOISE_REASONS = ("expected_course", "known_condition", "mistaken_tap", "unclear_question", "told_already")
SNOOZE_REASONS = ("patient_asked", "waiting_for_doctor", "planned_call", "seen_soon")
# How long a case may be put off at a time; what is urgent may not.
SNOOZE_MINUTES = {"clinic_same_day": (30, 60, 120), "clinic_routine": (60, 240, 1440)}
# A case that somebody acted on and did not close comes back to them after this.
FOLLOW_UP = timedelta(hours=24)
# After so many calls without an answer the page shows whom else to call.
NO_ANSWERS = 2
WARN_AT_MOST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How to reach a patient, and somebody else when they do not answer; empty where the clinic was not told."""

    phone: str = ""
    other_name: str = ""
    other_phone: str = ""


def is_higher(level: str, than: str) -> bool:
    """Whether a level is more urgent than another."""
    return LEVELS.index(level) > LEVELS.index(than)


def respond_by(
    service: ServiceLevel, *, started_at: datetime | None, opening: clinic.Opening, zone: str, now: datetime
) -> datetime:
    """What the patient is promised: within minutes of the ladder's start, or by the end of so many days of work."""
    if service.contact_working_days:
        return clinic.after_working_days(opening, zone, now, service.contact_working_days)
    return (started_at or now) + timedelta(minutes=service.contact_minutes)


def warn_at(promised_at: datetime, respond_by: datetime) -> datetime:
    """When a promise that nobody has kept is near to breaking: a sixth of its time before, at most an hour."""
    return respond_by - min((respond_by - promised_at) / 6, WARN_AT_MOST)


def is_unanswered(happened: Iterable[str]) -> bool:
    """Whether everybody was told, or a promise came near, and nobody has taken the case since: the patient must call.

    `happened` are the kinds of the case's events, in order.
    """
    found = False
    for kind in happened:
        found = kind in ("unanswered", "late") or (found and kind not in ("taken", "handed", "contacted", "resolved"))
    return found


def tells_patient(round_: int) -> bool:
    """Whether the patient is told once more that nobody has answered: in every sixth round."""
    return round_ % 6 == 0


def snooze_until(level: str, minutes: int, *, respond_by: datetime, now: datetime) -> datetime | None:
    """Until when a case may be put off: never beyond what the patient was promised; None where it may not be."""
    if minutes not in SNOOZE_MINUTES.get(level, ()):
        return None
    until = min(now + timedelta(minutes=minutes), respond_by)
    return until if until > now else None
