"""The ladder of a level: who is told when, and what comes next. Pure; the numbers are proposals to be changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from companion.clinic import rules as clinic

LEVELS = ("clinic_routine", "clinic_same_day", "clinic_urgent_1h", "emergency")
URGENT = ("clinic_urgent_1h", "emergency")
# Routine cases wait in the queue: the levels that have a ladder.
ALERTING = ("emergency", "clinic_urgent_1h", "clinic_same_day")
AUDIENCES = ("on_duty", "nurses", "clinicians", "person")
CHANNELS = ("push", "email", "webhook")
FAR_OPENING = timedelta(hours=12)
MAX_STEPS = 6
REPEAT_BETWEEN = (5, 60)


@dataclass(frozen=True, slots=True)
class Step:
    """Tell an audience by these ways, so many minutes after the ladder began.

    Audiences: on_duty, nurses (all nurses and clinicians), clinicians, or the one person whose id it names.
    """

    after_minutes: int
    audience: str
    channels: tuple[str, ...] = ("push",)
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The ladder of a level. After its last step everybody is told again every `repeat_minutes`, until somebody takes
    the case. Taking it stops the ladder for `act_minutes`.
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
        steps = steps_of(snapshot["steps"])
        return cls(steps, repeat_minutes=snapshot["repeat_minutes"], act_minutes=snapshot["act_minutes"])


@dataclass(frozen=True, slots=True)
class Staff:
    """Who can be told at one instant."""

    on_duty: frozenset[UUID]
    nurses: frozenset[UUID]
    clinicians: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Position:
    """Where on the ladder a case is: this round, steps taken in it, when the next is due."""

    round: int
    step: int
    next_step_at: datetime


@dataclass(frozen=True, slots=True)
class Telling:
    """Everybody that one step tells: (person, channel), in a fixed order. Nobody where its audience is empty."""

    step: int
    targets: tuple[tuple[UUID, str], ...]

    @property
    def people(self) -> frozenset[UUID]:
        """The persons among them."""
        return frozenset(person_id for person_id, _ in self.targets)


@dataclass(frozen=True, slots=True)
class Move:
    """What happens when a ladder's next step is due: whom it tells, and where the case stands then.

    `completes`: everybody in the ladder has now been told for the first time.
    """

    tellings: tuple[Telling, ...]
    position: Position
    completes: bool


_PUSH, _LAST = ("push",), ("push", "webhook")
_URGENT_STEPS = (Step(0, "on_duty", _PUSH), Step(10, "nurses", _PUSH), Step(20, "clinicians", _LAST))
# What no device can be told goes by e-mail by itself (outbox); a gateway, as for SMS, is asked where nobody answered.
DEFAULTS = {
    "emergency": _URGENT_STEPS,
    "clinic_urgent_1h": _URGENT_STEPS,
    "clinic_same_day": (Step(0, "on_duty", _PUSH), Step(60, "nurses", _PUSH), Step(120, "clinicians", _LAST)),
    "clinic_routine": (),
}
DEFAULT_REPEAT_MINUTES = 10


def steps_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps from plain JSON; older ones say nothing of channels and mean push."""
    return tuple(Step(**{**step, "channels": tuple(step.get("channels", _PUSH))}) for step in stored)


def starts_at(level: str, *, opening: clinic.Opening, zone: str, now: datetime) -> datetime | None:
    """When the ladder of a new case begins; None for routine, which waits in the queue only.

    Urgent ones at once, day and night. Same day: at once while the clinic is open, else when it opens; if that is
    more than 12 hours away, now.
    """
    if level not in ALERTING:
        return None
    if level in URGENT or clinic.is_open(opening, zone, now):
        return now
    opens_at = clinic.next_opening(opening, zone, now)
    return now if opens_at is None or opens_at - now > FAR_OPENING else opens_at


def is_exhausted(policy: Policy, step: int) -> bool:
    """Whether everybody in the ladder has been told."""
    return step >= len(policy.steps)


def advance(policy: Policy, *, round_: int, step: int, staff: Staff, now: datetime) -> Move:
    """What is done when step number `step` (from 0) is due at `now`.

    A step whose audience is empty holds nothing up: the next one is taken with it. Once the ladder is exhausted, each
    move is a round of its own that tells everybody again.
    """
    if is_exhausted(policy, step):
        targets = {target for one in policy.steps for target in _targets(one, staff)}
        again = Position(round_ + 1, step, now + timedelta(minutes=policy.repeat_minutes))
        return Move((Telling(step, _sorted(targets)),), again, completes=False)
    tellings = []
    for number in range(step, len(policy.steps)):
        tellings.append(Telling(number, _sorted(_targets(policy.steps[number], staff))))
        if tellings[-1].targets:
            break
    taken = step + len(tellings)
    is_last = is_exhausted(policy, taken)
    wait = (
        policy.repeat_minutes if is_last else policy.steps[taken].after_minutes - policy.steps[taken - 1].after_minutes
    )
    return Move(tuple(tellings), Position(round_, taken, now + timedelta(minutes=wait)), completes=is_last)


def walk(policy: Policy, start: datetime, staff_at: Callable[[datetime], Staff]) -> Iterator[tuple[datetime, Move]]:
    """Every move of a ladder that begins at `start` and that nobody answers, without an end."""
    position = Position(1, 0, start)
    while True:
        at = position.next_step_at
        move = advance(policy, round_=position.round, step=position.step, staff=staff_at(at), now=at)
        yield at, move
        position = move.position


def people_of(step: Step, staff: Staff) -> frozenset[UUID]:
    """Whom a step tells."""
    if step.audience == "on_duty":
        return staff.on_duty
    if step.audience == "person":
        return frozenset(person_id for person_id in staff.nurses if str(person_id) == step.person_id)
    return staff.clinicians if step.audience == "clinicians" else staff.nurses


def faults_of(level: str, steps: Sequence[Step], repeat_minutes: int) -> list[str]:
    """What is wrong with a ladder, as codes: a case must not end in silence because of it."""
    minutes = [step.after_minutes for step in steps]
    checks = {
        "no_steps": not steps,
        "starts_late": bool(steps) and minutes[0] != 0,
        "out_of_order": any(later <= earlier for earlier, later in pairwise(minutes)),
        "one_audience": level in URGENT and len({(step.audience, step.person_id) for step in steps}) < 2,
        "too_slow": level in URGENT and bool(minutes) and max(minutes) > 60,
        "no_channel": any(not step.channels for step in steps),
        "repeats": not REPEAT_BETWEEN[0] <= repeat_minutes <= REPEAT_BETWEEN[1],
    }
    return [code for code, is_fault in checks.items() if is_fault]


def planned(rota: clinic.Rota) -> clinic.Rota:
    """The rota without those who have only switched on by hand: they may have switched off by then."""
    return replace(rota, switched_on=frozenset())


def _targets(step: Step, staff: Staff) -> set[tuple[UUID, str]]:
    return {(person_id, channel) for person_id in people_of(step, staff) for channel in step.channels}


def _sorted(targets: Iterable[tuple[UUID, str]]) -> tuple[tuple[UUID, str], ...]:
    return tuple(sorted(targets, key=lambda target: (str(target[0]), CHANNELS.index(target[1]))))
