"""A protocol: every threshold of triage as frozen values, read from a file by `reader`; a clinician owns each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from companion.triage.observation import Disposition

AGENT_GROUPS = ("light", "booster", "lipolytic")  # in rising order of precedence for a mixed visit
# The floor: a clinic may add emergency signs, and may never remove or lower one of these.
EMERGENCY_FLOOR = frozenset(
    {
        "breathing_difficulty",
        "tongue_or_throat_swelling",
        "collapse",
        "vision_change",
        "stroke_signs",
        "confusion",
        "seizure",
        "chest_pain_or_irregular_heartbeat",
        "mottled_or_blue_skin_generalised",
        "non_fading_rash",
        "no_urine_18h",
        "extreme_shivering_with_infection",
        "crackling_skin",
        "numbing_cream_toxicity_signs",
    }
)
# What the engine asks for by name.
RULES = frozenset(
    {
        "warnings_skipped",
        "unknown_sign",
        "unsure_any",
        "area_without_visit",
        "severe_without_visit",
        "feels_now",
        "feels_today",
        "open_case",
        "past_line",
        "silence",
    }
)
TRENDS = frozenset({"rise_after_peak", "rise_by_two", "late_onset", "large_patch", "growing_patch", "two_rises"})
Hours = tuple[float, float, float]
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Entry:
    """What every entry of a protocol has: its level, words for nurse and patient, where it comes from."""

    id: str
    level: Disposition
    nurse: str
    patient: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Sign(Entry):
    """A warning sign, and the group in which it is asked; `line` is what the patient reads."""

    group: str
    line: str


@dataclass(frozen=True, slots=True)
class SignGroup:
    """At most ten of these are asked; `line` is what the patient reads, `nurse` what it means where it is unsure."""

    id: str
    line: str
    nurse: str
    signs: tuple[Sign, ...]

    @property
    def level(self) -> Disposition:
        """What the group counts as when the patient is not sure which of its signs it is."""
        return max(sign.level for sign in self.signs)


@dataclass(frozen=True, slots=True)
class Rule(Entry):
    """A rule on the data, on what the patient asks for, or on what is open. `limit` is in the unit it speaks of."""

    limit: float


@dataclass(frozen=True, slots=True)
class Trend(Entry):
    """How a symptom moves: `limit` in grades or cm; the rest in hours after the session, `quiet` without an entry."""

    limit: float
    after: float = 0
    until: float = FOREVER
    quiet: float = 0
    early_after: float = FOREVER
    early: frozenset[str] = frozenset()
    symptoms: frozenset[str] = frozenset()
    not_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Combination(Entry):
    """Conditions that must all hold: signs (all, one of), temperature, areas, agents, a symptom's grade, a time."""

    signs: frozenset[str] = frozenset()
    any_sign: frozenset[str] = frozenset()
    temperature: str = ""
    areas: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    symptom: str = ""
    at_least: int = 1
    until: float = FOREVER


@dataclass(frozen=True, slots=True)
class Window:
    """Until which hour grades 1, 2 and 3 of a symptom are expected, and the words for what lies outside."""

    hours: Hours
    source: str
    nurse: str
    patient: str

    def expected(self, hours: float) -> int:
        """The highest grade, 0 to 3, that is still expected so many hours after the session."""
        return max((grade for grade, limit in enumerate(self.hours, 1) if hours <= limit), default=0)


@dataclass(frozen=True, slots=True)
class Temperature:
    """Degrees Celsius: fever from, low below, and between which values a reading can be true."""

    fever: float
    low: float
    plausible: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """How soon a person answers: minutes from when the clinic is told until somebody takes the case and until the
    patient is contacted, or `contact_working_days`; taking a case counts for `act_minutes` without a recorded action.
    """

    acknowledge_minutes: int = 0
    contact_minutes: int = 0
    act_minutes: int = 0
    contact_working_days: int = 0


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything triage needs. `windows[group][area][symptom]`; the area "" stands for every area without its own."""

    name: str
    version: str
    status: str
    agents: Mapping[str, str]
    windows: Mapping[str, Mapping[str, Mapping[str, Window]]]
    outside: Mapping[int, Disposition]
    temperature: Temperature
    peaks: Mapping[str, Mapping[str, float]]
    service: Mapping[Disposition, ServiceLevel]
    service_source: str
    trends: Mapping[str, Trend]
    combinations: tuple[Combination, ...]
    rules: Mapping[str, Rule]
    groups: tuple[SignGroup, ...]
    signs: Mapping[str, Sign]
    entries: Mapping[str, Entry] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def group_of(self, agents: frozenset[str]) -> str | None:
        """The agent group that decides for a visit; None where an agent is unknown and no known one is heavier."""
        found = {self.agents.get(agent, "") for agent in agents}
        known = [group for group in AGENT_GROUPS if group in found]
        return known[-1] if known and ("" not in found or known[-1] == AGENT_GROUPS[-1]) else None

    def windows_of(self, group: str, area: str) -> Mapping[str, Window]:
        """The windows of every symptom; an area's own never shortens the group's: the longer one counts."""
        own = self.windows[group]
        return own.get(area) or own[""]
