"""The form of a ladder as checked values."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext

from companion.errors import Invalid
from companion.policies.rules import AUDIENCES, CHANNELS, MAX_STEPS, REPEAT_BETWEEN, Policy, Step, faults_of

_ROWS = {f"audience-{row}" for row in range(MAX_STEPS)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a simulation is asked: a case of this level, at this time."""

    level: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """A ladder, and the version that it was made from."""

    steps: tuple[Step, ...]
    repeat_minutes: int
    version: int


def parse_policy(fields: Mapping[str, list[str]], level: str, people: Collection[UUID]) -> PolicyForm:
    """Invalid with a sentence for every field that is wrong, and for a ladder that could end in silence."""
    faults: dict[str, str] = {}
    steps = [step for row in range(MAX_STEPS) if (step := _step(fields, row, people, faults)) is not None]
    repeat = _number(fields, "repeat")
    if any(name.startswith("audience-") and name not in _ROWS and any(fields[name]) for name in fields):
        faults["minutes-0"] = gettext("A policy has at most %(count)s steps", count=MAX_STEPS)
    if not faults:
        for code in faults_of(level, steps, repeat if repeat is not None else 0):
            faults[_field_of(code)] = _sentence_of(code)
    version = _number(fields, "version")
    if faults or repeat is None or version is None:
        raise Invalid(faults or {"": gettext("Load this page again and answer once more")})
    return PolicyForm(tuple(steps), repeat, version)


def fields_of(policy: Policy, *, version: int) -> dict[str, list[str]]:
    """A ladder as the form's fields."""
    fields = {"repeat": [str(policy.repeat_minutes)], "version": [str(version)]}
    for row, step in enumerate(policy.steps):
        fields[f"minutes-{row}"] = [str(step.after_minutes)]
        fields[f"audience-{row}"] = [step.person_id or step.audience]
        fields[f"channel-{row}"] = list(step.channels)
    return fields


def _step(fields: Mapping[str, list[str]], row: int, people: Collection[UUID], faults: dict[str, str]) -> Step | None:
    audience = fields.get(f"audience-{row}", [""])[0]
    if not audience:
        return None
    minutes = _number(fields, f"minutes-{row}")
    if minutes is None or minutes > 24 * 60:
        faults[f"minutes-{row}"] = gettext("Enter whole minutes, from 0 to 1,440")
        return None
    channels = tuple(channel for channel in CHANNELS if channel in fields.get(f"channel-{row}", []))
    if audience in map(str, people):
        return Step(minutes, "person", channels, audience)
    if audience not in AUDIENCES or audience == "person":
        faults[f"audience-{row}"] = gettext("Choose who")
        return None
    return Step(minutes, audience, channels)


def _number(fields: Mapping[str, list[str]], name: str) -> int | None:
    given = fields.get(name, [""])[0].strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 6 else None


def _field_of(code: str) -> str:
    return {"repeats": "repeat", "no_channel": "channel-0", "one_audience": "audience-0"}.get(code, "minutes-0")


def _sentence_of(code: str) -> str:
    low, high = REPEAT_BETWEEN
    return {
        "no_steps": gettext("Tell at least one audience: a case must not end in silence"),
        "starts_late": gettext("The first step must be at 0 minutes"),
        "out_of_order": gettext("Each step must come later than the one before"),
        "one_audience": gettext("An urgent case needs at least two audiences"),
        "too_slow": gettext("An urgent case must have told everybody within 60 minutes"),
        "no_channel": gettext("Choose at least one way for each step"),
        "repeats": gettext("Enter whole minutes, from %(low)s to %(high)s", low=low, high=high),
    }[code]
