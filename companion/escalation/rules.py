"""Who is told when, and what comes next. Pure; every number is a proposal that the clinic may change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from companion.clinic import rules as clinic
from companion.triage.protocol import ServiceLevel

LEVELS = ("clinic_routine", "clinic_same_day", "clinic_urgent_1h", "emergency")
OUTCOMES = ("reassured", "advice_given", "seen_in_clinic", "sent_elsewhere", "emergency_services", "not_actionable")
CONTACTS = ("called", "wrote", "seen", "no_answer")
FAR_OPENING = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Step:
    """Tell an audience so many minutes after the ladder began: on_duty, nurses (all carers) or clinicians."""

    after_minutes: int
    audience: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The ladder of a level. After its last step it begins anew in `repeat_minutes`, until somebody takes the case.

    Taking a case stops the ladder for `act_minutes`.
    """

    steps: tuple[Step, ...]
    repeat_minutes: int
    act_minutes: int

    def as_json(self) -> dict[str, Any]:
        """The policy as plain JSON, for the case's snapshot."""
        return asdict(self)

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "Policy":
        """The policy of a snapshot."""
        steps = tuple(Step(**step) for step in snapshot["steps"])
        return cls(steps, repeat_minutes=snapshot["repeat_minutes"], act_minutes=snapshot["act_minutes"])


@dataclass(frozen=True, slots=True)
class Position:
    """Where on the ladder a case is: this round, steps taken in it, when the next is due."""

    round: int
    step: int
    next_step_at: datetime | None


_URGENT = (Step(0, "on_duty"), Step(10, "nurses"), Step(20, "clinicians"))
_STEPS = {
    "emergency": _URGENT,
    "clinic_urgent_1h": _URGENT,
    "clinic_same_day": (Step(0, "on_duty"), Step(60, "nurses"), Step(120, "clinicians")),
    "clinic_routine": (),
}
_REPEAT_MINUTES = 10


def policy_for(level: str, service: ServiceLevel) -> Policy:
    """The ladder of a level, with the time that the protocol gives to whoever takes a case."""
    return Policy(_STEPS[level], repeat_minutes=_REPEAT_MINUTES, act_minutes=service.act_minutes)


def is_higher(level: str, than: str) -> bool:
    """Whether a level is more urgent than another."""
    return LEVELS.index(level) > LEVELS.index(than)


def starts_at(level: str, *, opening: clinic.Opening, zone: str, now: datetime) -> datetime | None:
    """When the ladder of a new case begins; None for routine, which waits in the queue only.

    Urgent ones at once, day and night. Same day: at once while the clinic is open, else when it opens; if that is
    more than 12 hours away, now.
    """
    if level == "clinic_routine":
        return None
    if level != "clinic_same_day" or clinic.is_open(opening, zone, now):
        return now
    opens_at = clinic.next_opening(opening, zone, now)
    return now if opens_at is None or opens_at - now > FAR_OPENING else opens_at


def respond_by(
    service: ServiceLevel, *, started_at: datetime | None, opening: clinic.Opening, zone: str, now: datetime
) -> datetime:
    """What the patient is promised: within minutes of the ladder's start, or by the end of so many days of work."""
    if service.contact_working_days:
        return clinic.after_working_days(opening, zone, now, service.contact_working_days)
    return (started_at or now) + timedelta(minutes=service.contact_minutes)


def after_step(policy: Policy, *, round_: int, step: int, now: datetime) -> Position:
    """Where the case stands once step number `step` (from 0) of this round was taken at `now`."""
    taken = step + 1
    if taken < len(policy.steps):
        wait = policy.steps[taken].after_minutes - policy.steps[step].after_minutes
        return Position(round_, taken, now + timedelta(minutes=wait))
    return Position(round_, taken, now + timedelta(minutes=policy.repeat_minutes))


def is_exhausted(policy: Policy, step: int) -> bool:
    """Whether everybody in this round has been told."""
    return step >= len(policy.steps)


def tells_patient(round_: int) -> bool:
    """Whether the patient is told that nobody has answered: after the first round, then every sixth."""
    return round_ % 6 == 1
