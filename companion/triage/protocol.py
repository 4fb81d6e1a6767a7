"""The protocol file: read, checked whole, and frozen. Thresholds are data that a clinician owns."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.triage.observation import SYMPTOMS, Disposition

SHIPPED = Path(__file__).with_name("mesotherapy.toml")
AGENT_GROUPS = ("light", "booster", "lipolytic")  # in rising order of precedence for a mixed visit
_MARKS = ("sourced", "proposal")

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


class ProtocolError(ValueError):
    """The file cannot be used; the text names file, line where known, and fault."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A warning sign: its level, the group it stands in, a plain line for patients and words for the nurse."""

    id: str
    group: str
    level: Disposition
    line: str
    nurse: str
    source: str
    mark: str


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
class Rule:
    """A rule with limits: fever, low temperature, severe pain and their like. `limit` is in the unit the rule names."""

    id: str
    level: Disposition
    limit: float
    nurse: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything triage needs. `windows[group][symptom]`: the last hours at which grades 1, 2, 3 are expected."""

    name: str
    version: str
    status: str
    agents: Mapping[str, str]
    windows: Mapping[str, Mapping[str, tuple[float, float, float]]]
    window_sources: Mapping[str, str]
    window_words: Mapping[str, str]
    area_windows: Mapping[str, Mapping[str, tuple[float, float, float]]]
    outside: Mapping[int, Disposition]
    rules: Mapping[str, Rule]
    groups: tuple[SignGroup, ...]
    signs: Mapping[str, Sign]

    def group_of(self, agents: frozenset[str]) -> str | None:
        """The agent group that decides for a visit; None where an agent is unknown and no known one is heavier."""
        found = {self.agents.get(agent, "") for agent in agents}
        known = [group for group in AGENT_GROUPS if group in found]
        return known[-1] if known and ("" not in found or known[-1] == AGENT_GROUPS[-1]) else None

    def limits(self, group: str, area: str, symptom: str) -> tuple[float, float, float]:
        """Hours for grades 1 to 3; an area's own window never shortens the group's: the longer one counts."""
        usual = self.windows[group][symptom]
        own = self.area_windows.get(area, {}).get(symptom, (0.0, 0.0, 0.0))
        return tuple(map(max, usual, own))  # type: ignore[return-value] # three and three give three


def load_shipped_protocol() -> Protocol:
    """The protocol that comes with the product: example values, approved by no clinician."""
    return load(SHIPPED)


def load(path: Path) -> Protocol:
    """Read and check one file; ProtocolError says what is wrong and where."""
    raw = path.read_text(encoding="utf-8")
    try:
        return _Reader(tomllib.loads(raw)).protocol()
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{path.name}: {error}") from None
    except _Fault as fault:
        raise ProtocolError(f"{path.name}, line {_line_of(raw, fault.near)}: {fault}") from None


class _Fault(Exception):
    def __init__(self, near: str, text: str) -> None:
        super().__init__(text)
        self.near = near


def _line_of(raw: str, near: str) -> int:
    return next((number for number, line in enumerate(raw.splitlines(), 1) if near in line), 1)


class _Reader:
    """Turns the file's tables into the frozen protocol, one section a method."""

    _SECTIONS = frozenset(
        {"protocol", "agents", "windows", "area_windows", "window_words", "outside", "rule", "group", "sign"}
    )

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        _only(content, self._SECTIONS, "the file")

    def protocol(self) -> Protocol:
        about = self._content["protocol"]
        signs = self._signs()
        canonical = repr(sorted(_flat(self._content)))
        windows, sources = self._windows()
        return Protocol(
            name=about["name"],
            version=f"{about['name']}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}",
            status=about["status"],
            agents=self._agents(),
            windows=windows,
            window_sources=sources,
            window_words=self._window_words(),
            area_windows={area: self._table(area, table) for area, table in self._content["area_windows"].items()},
            outside={int(grade): _level(code, "[outside]") for grade, code in self._content["outside"].items()},
            rules=self._rules(),
            groups=self._groups(signs),
            signs=signs,
        )

    def _agents(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for group, agents in self._content["agents"].items():
            if group not in AGENT_GROUPS:
                raise _Fault(group, f"unknown agent group {group!r}")
            for agent in agents:
                if agent in found:
                    raise _Fault(agent, f"agent {agent!r} stands in two groups")
                found[agent] = group
        return found

    def _windows(self) -> tuple[dict[str, dict[str, tuple[float, float, float]]], dict[str, str]]:
        tables, sources = {}, {}
        for group in AGENT_GROUPS:
            table = dict(self._content["windows"].get(group) or {})
            sources[group] = table.pop("source", "")
            tables[group] = self._table(f"windows.{group}", table)
            missing = [symptom for symptom in SYMPTOMS if symptom not in table]
            if missing or not sources[group]:
                raise _Fault(f"[windows.{group}]", f"window group {group!r} lacks {missing or ['source']}")
        return tables, sources

    def _window_words(self) -> dict[str, str]:
        words = dict(self._content["window_words"])
        if sorted(words) != sorted(SYMPTOMS):
            raise _Fault("[window_words]", f"words for each of {SYMPTOMS}, and no other")
        return words

    @staticmethod
    def _table(name: str, table: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
        for symptom, hours in table.items():
            if symptom not in SYMPTOMS:
                raise _Fault(symptom, f"unknown symptom {symptom!r} in {name}")
            is_numbers = len(hours) == 3 and all(type(hour) in (int, float) and hour >= 0 for hour in hours)
            if not is_numbers or not hours[0] >= hours[1] >= hours[2]:
                raise _Fault(f"{symptom} =", f"{name}.{symptom} must be three falling numbers of hours")
        return {symptom: (float(a), float(b), float(c)) for symptom, (a, b, c) in table.items()}

    def _rules(self) -> dict[str, Rule]:
        found: dict[str, Rule] = {}
        for row in self._content["rule"]:
            _only(row, frozenset(Rule.__slots__), f'"{row.get("id")}"')
            if row["id"] in found:
                raise _Fault(f'"{row["id"]}"', f"rule {row['id']!r} stands twice")
            found[row["id"]] = Rule(**{**row, "level": _level(row["level"], row["id"]), "mark": _mark(row)})
        return found

    def _signs(self) -> dict[str, Sign]:
        found: dict[str, Sign] = {}
        for row in self._content["sign"]:
            _only(row, frozenset(Sign.__slots__), f'"{row.get("id")}"')
            if row["id"] in found:
                raise _Fault(f'"{row["id"]}"', f"sign {row['id']!r} stands twice")
            found[row["id"]] = Sign(**{**row, "level": _level(row["level"], row["id"]), "mark": _mark(row)})
        for sign in sorted(EMERGENCY_FLOOR):
            if sign not in found or found[sign].level is not Disposition.EMERGENCY:
                raise _Fault(f'"{sign}"', f"{sign!r} must stay an emergency sign")
        return found

    def _groups(self, signs: Mapping[str, Sign]) -> tuple[SignGroup, ...]:
        groups = []
        for row in self._content["group"]:
            members = tuple(sign for sign in signs.values() if sign.group == row["id"])
            if not members:
                raise _Fault(f'"{row["id"]}"', f"group {row['id']!r} has no signs")
            groups.append(SignGroup(row["id"], row["line"], row["nurse"], members))
        strays = [sign.id for sign in signs.values() if sign.group not in {group.id for group in groups}]
        if strays or len(groups) > 10:
            raise _Fault("[[group]]", f"at most ten groups, every sign in one of them; without a group: {strays}")
        return tuple(groups)


def _only(row: Mapping[str, Any], known: frozenset[str], near: str) -> None:
    if unknown := sorted(set(row) - known):
        raise _Fault(unknown[0], f"unknown key {unknown[0]!r} in {near}")


def _level(code: object, near: str) -> Disposition:
    try:
        return Disposition.of(str(code))
    except KeyError:
        raise _Fault(near, f"unknown level {code!r}") from None


def _mark(row: Mapping[str, Any]) -> str:
    if row.get("mark") not in _MARKS or not row.get("source"):
        raise _Fault(f'"{row.get("id")}"', f"{row.get('id')!r} needs a source and a mark, one of {_MARKS}")
    return str(row["mark"])


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in _flat(inner, f"{path}[{index}]")]
    return [(path, repr(value))]
