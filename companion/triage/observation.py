"""What triage looks at and what it answers: frozen values, no clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

AREAS = (
    "face", "forehead", "cheeks", "periorbital", "lips", "submental", "neck", "decollete", "scalp",
    "arms", "hands", "abdomen", "flanks", "back", "buttocks", "thighs", "knees",
)  # fmt: skip
GRADES = (0, 1, 2, 3, 4)
SYMPTOMS = ("swelling", "bruising", "redness", "pain", "itch", "bumps", "numbness")


class Disposition(IntEnum):
    """What should happen, from least to most urgent; compare them as numbers, write them by `code`."""

    SELF_CARE = 0
    CLINIC_ROUTINE = 1
    CLINIC_SAME_DAY = 2
    CLINIC_URGENT_1H = 3
    EMERGENCY = 4

    @property
    def code(self) -> str:
        """The name used in files, tables and answers."""
        return self.name.lower()

    @classmethod
    def of(cls, code: str) -> "Disposition":
        """The disposition with this code; KeyError for any other word."""
        return cls[code.upper()]


@dataclass(frozen=True, slots=True)
class AreaReport:
    """One treated area: grades 0 to 4 by symptom (absent: not asked), and the largest patch around one point, in cm.

    Red or darker skin and swelling are measured apart; either may be missing. `past_line` says whether it has gone past
    the line that the patient drew round its edge; None where no line was drawn.
    """

    grades: Mapping[str, int]
    redness_cm: float | None = None
    swelling_cm: float | None = None
    past_line: bool | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One entry by a patient. `noted_at` is when it was so, `received_at` when the clinic got it; both aware.

    `not_sure` holds groups of warning signs that the patient could not rule out ("any": could not say at all).
    `said` holds warning signs that were not ticked but told in words, each with the sentence that tells it.
    """

    noted_at: datetime
    areas: Mapping[str, AreaReport]
    received_at: datetime | None = None
    temperature_c: float | None = None
    warning_signs: frozenset[str] = frozenset()
    not_sure: frozenset[str] = frozenset()
    warnings_answered: bool = True
    feels: str | None = None
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def signs(self) -> frozenset[str]:
        """The warning signs, ticked or told: a match in words counts as the sign."""
        return self.warning_signs.union(self.said) if self.said else self.warning_signs


@dataclass(frozen=True, slots=True)
class Visit:
    """A treatment session that took place: when, where, with what."""

    at: datetime
    areas: frozenset[str]
    agents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the entries: the visits, the level of the patient's open case, and expected levels.

    `expected[area, symptom]` is the grade up to which a nurse expects a symptom; it bears on windows only.
    """

    visits: tuple[Visit, ...] = ()
    open_case: Disposition | None = None
    expected: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule, what was found, the limit it passed, how long after the visit, and where the rule comes from.

    `symptom` says what moved, where the rule's own words do not name it.
    """

    rule: str
    level: Disposition
    words: str
    patient: str
    source: str
    mark: str
    area: str | None = None
    value: float | str | None = None
    limit: float | None = None
    hours: float | None = None
    symptom: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The reason as plain JSON."""
        return {
            "rule": self.rule,
            "level": self.level.code,
            "words": self.words,
            "patient": self.patient,
            "source": self.source,
            "mark": self.mark,
            "area": self.area,
            "value": self.value,
            "limit": self.limit,
            "hours": self.hours,
            "symptom": self.symptom,
        }


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer: a disposition with every reason that fired, most urgent first, and what could not be judged."""

    disposition: Disposition
    reasons: tuple[Reason, ...]
    protocol_version: str
    hours: float | None = None
    unjudged: tuple[str, ...] = field(default=())
