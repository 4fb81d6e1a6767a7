"""Reads a protocol file: checked whole, each fault with its line, then frozen."""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from companion.triage.observation import SYMPTOMS, Disposition
from companion.triage.protocol import (
    AGENT_GROUPS,
    Combination,
    Entry,
    Hours,
    Protocol,
    Rule,
    ServiceLevel,
    Sign,
    SignGroup,
    Temperature,
    Trend,
    Window,
)

SHIPPED = Path(__file__).with_name("mesotherapy.toml")
MARKS = ("sourced", "proposal")

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
        "silence",
    }
)
TRENDS = frozenset({"rise_after_peak", "rise_by_two", "late_onset", "large_patch", "growing_patch", "two_rises"})
_SECTIONS = frozenset(
    {
        "protocol",
        "sources",
        "agents",
        "windows",
        "area_windows",
        "window_words",
        "outside",
        "temperature",
        "peaks",
        "trend",
        "combination",
        "rule",
        "service",
        "group",
        "sign",
    }
)
_Entry = TypeVar("_Entry", bound=Entry)


class ProtocolError(ValueError):
    """The file cannot be used; the text names file, line where known, and fault."""


@cache
def load_shipped_protocol() -> Protocol:
    """The protocol that comes with the product: example values, approved by no clinician."""
    return load(SHIPPED)


def load(path: Path) -> Protocol:
    """Read and check one file; ProtocolError says what is wrong and where."""
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(raw: str, name: str) -> Protocol:
    """Read and check a file's text; `name` is how a fault calls it."""
    try:
        return _Reader(tomllib.loads(raw)).protocol()
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{name}: {error}") from None
    except _Fault as fault:
        raise ProtocolError(f"{name}, line {_line_of(raw, fault.near)}: {fault}") from None


class _Fault(Exception):
    def __init__(self, near: str, text: str) -> None:
        super().__init__(text)
        self.near = near


def _line_of(raw: str, near: str) -> int:
    return next((number for number, line in enumerate(raw.splitlines(), 1) if near in line), 1)


class _Reader:
    """Turns the file's tables into the frozen protocol, one section a method."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        _only(content, _SECTIONS, "the file")
        if missing := sorted(_SECTIONS - set(content)):
            raise _Fault("", f"the file has no {missing[0]!r}")

    def protocol(self) -> Protocol:
        about = self._content["protocol"]
        _only(about, frozenset({"name", "status"}), "[protocol]")
        signs = self._signs()
        trends, rules = self._named(Trend, "trend", TRENDS), self._named(Rule, "rule", RULES)
        combinations = self._entries(Combination, "combination")
        entries = _apart(signs, trends, combinations, rules)
        windows = self._windows()
        return Protocol(
            name=about["name"],
            version=f"{about['name']}-{_hash(self._content)}",
            status=about["status"],
            agents=self._agents(),
            windows=windows,
            outside=self._outside(),
            temperature=self._temperature(),
            peaks=self._peaks(),
            service=self._service(),
            service_source=self._content["service"].get("source", ""),
            trends=trends,
            combinations=tuple(combinations.values()),
            rules=rules,
            groups=self._groups(signs),
            signs=signs,
            entries=entries,
            sources=self._sources(entries, windows),
        )

    def _sources(
        self, entries: Mapping[str, Entry], windows: Mapping[str, Mapping[str, Mapping[str, Window]]]
    ) -> dict[str, str]:
        sources = {key: str(title) for key, title in self._content["sources"].items()}
        cited = [one.source for one in entries.values()]
        cited += [window.source for areas in windows.values() for window in areas[""].values()]
        cited.append(self._content["service"].get("source", ""))
        for source in (key.strip() for row in cited for key in row.split(",")):
            if source not in sources:
                raise _Fault(f'"{source}"', f"the source {source!r} is not listed in [sources]")
        return sources

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

    def _windows(self) -> dict[str, dict[str, dict[str, Window]]]:
        words = self._window_words()
        of_areas = {area: _hours(area, table) for area, table in self._content["area_windows"].items()}
        found: dict[str, dict[str, dict[str, Window]]] = {}
        for group in AGENT_GROUPS:
            table = dict(self._content["windows"].get(group) or {})
            source = table.pop("source", "")
            usual = _hours(f"windows.{group}", table)
            missing = [symptom for symptom in SYMPTOMS if symptom not in table]
            if missing or not source:
                raise _Fault(f"[windows.{group}]", f"window group {group!r} lacks {missing or ['source']}")
            found[group] = {
                area: {name: Window(_longer(usual[name], own.get(name)), source, *words[name]) for name in SYMPTOMS}
                for area, own in {"": {}, **of_areas}.items()
            }
        return found

    def _window_words(self) -> dict[str, tuple[str, str]]:
        words = self._content["window_words"]
        if sorted(words) != sorted(SYMPTOMS):
            raise _Fault("[window_words]", f"words for each of {SYMPTOMS}, and no other")
        return {name: (row["nurse"], row["patient"]) for name, row in words.items()}

    def _outside(self) -> dict[int, Disposition]:
        levels = {int(grade): _level(code, "[outside]") for grade, code in self._content["outside"].items()}
        if sorted(levels) != [1, 2, 3, 4] or any(levels[n] > levels[n + 1] for n in (1, 2, 3)):
            raise _Fault("[outside]", "a level for each grade from 1 to 4, none lower than the one before")
        return levels

    def _temperature(self) -> Temperature:
        row = self._content["temperature"]
        _only(row, frozenset({"fever", "low", "plausible", "source"}), "[temperature]")
        low, high = row["plausible"]
        if not low < row["low"] < row["fever"] < high or not row.get("source"):
            raise _Fault("[temperature]", "plausible[0] < low < fever < plausible[1], with a source")
        return Temperature(row["fever"], row["low"], (low, high))

    def _peaks(self) -> dict[str, dict[str, float]]:
        table = dict(self._content["peaks"])
        own = {group: table.pop(group, {}) for group in AGENT_GROUPS}
        for name in [*table, *(name for rows in own.values() for name in rows)]:
            if name not in SYMPTOMS:
                raise _Fault(name, f"unknown symptom {name!r} in [peaks]")
        return {group: {**table, **rows} for group, rows in own.items()}

    def _service(self) -> dict[Disposition, ServiceLevel]:
        rows = {name: row for name, row in self._content["service"].items() if name != "source"}
        found = {_level(name, "[service]"): _service_level(name, row) for name, row in rows.items()}
        if sorted(found) != [level for level in Disposition if level is not Disposition.SELF_CARE]:
            raise _Fault("[service]", "a service level for each level but self_care, and no other")
        timed = [found[level].contact_minutes for level in sorted(found, reverse=True) if found[level].contact_minutes]
        if timed != sorted(timed):
            raise _Fault("[service]", "a more urgent level is answered no later than a less urgent one")
        return found

    def _signs(self) -> dict[str, Sign]:
        found = self._entries(Sign, "sign")
        for sign in sorted(EMERGENCY_FLOOR):
            if sign not in found or found[sign].level is not Disposition.EMERGENCY:
                raise _Fault(f'"{sign}"', f"{sign!r} must stay an emergency sign")
        return found

    def _groups(self, signs: Mapping[str, Sign]) -> tuple[SignGroup, ...]:
        groups = []
        for row in self._content["group"]:
            _only(row, frozenset({"id", "line", "nurse"}), f'"{row.get("id")}"')
            members = tuple(sign for sign in signs.values() if sign.group == row["id"])
            if not members:
                raise _Fault(f'"{row["id"]}"', f"group {row['id']!r} has no signs")
            groups.append(SignGroup(row["id"], row["line"], row["nurse"], members))
        strays = [sign.id for sign in signs.values() if sign.group not in {group.id for group in groups}]
        if strays or len(groups) > 10:
            raise _Fault("[[group]]", f"at most ten groups, every sign in one of them; without a group: {strays}")
        return tuple(groups)

    def _named(self, kind: Callable[..., _Entry], section: str, wanted: frozenset[str]) -> dict[str, _Entry]:
        found = self._entries(kind, section)
        if wrong := sorted(wanted ^ set(found)):
            verb = "is missing" if wrong[0] in wanted else "is unknown"
            raise _Fault(f'"{wrong[0]}"' if wrong[0] in found else f"[[{section}]]", f"{section} {wrong[0]!r} {verb}")
        return found

    def _entries(self, kind: Callable[..., _Entry], section: str) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for row in self._content[section]:
            entry = _entry(kind, row)
            if entry.id in found:
                raise _Fault(f'"{entry.id}"', f"{section} {entry.id!r} stands twice")
            found[entry.id] = entry
        return found


def _entry(kind: Any, row: Mapping[str, Any]) -> Any:
    near = f'"{row.get("id")}"'
    if "line" in row:  # what the patient ticked is what the patient is told
        row = {"patient": row["line"], **row}
    known = {one.name: one for one in fields(kind)}
    _only(row, frozenset(known), near)
    needed = [name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in row]:
        raise _Fault(near, f"{row.get('id')!r} lacks {missing[0]!r}")
    if row["mark"] not in MARKS or not row["source"]:
        raise _Fault(near, f"{row['id']!r} needs a source and a mark, one of {MARKS}")
    values = {name: frozenset(value) if isinstance(value, list) else value for name, value in row.items()}
    _check_symptoms(values, near)
    return kind(**{**values, "level": _level(row["level"], near)})


def _check_symptoms(values: Mapping[str, Any], near: str) -> None:
    named = {*values.get("symptoms", ()), *values.get("early", ()), *filter(None, [values.get("symptom")])}
    if unknown := sorted(named - set(SYMPTOMS)):
        raise _Fault(near, f"unknown symptom {unknown[0]!r} in {near}")
    if values.get("temperature", "") not in ("", "fever", "low"):
        raise _Fault(near, f"{near}: temperature is 'fever' or 'low'")


def _service_level(name: str, row: Mapping[str, Any]) -> ServiceLevel:
    _only(row, frozenset(one.name for one in fields(ServiceLevel)), name)
    if any(type(value) is not int or value <= 0 for value in row.values()):
        raise _Fault(name, f"the service level {name!r} holds whole numbers above 0")
    level = ServiceLevel(**row)
    by_clock = (level.acknowledge_minutes, level.contact_minutes, level.act_minutes)
    is_timed = all(by_clock) and level.acknowledge_minutes <= level.contact_minutes and not level.contact_working_days
    may_wait = _level(name, name) < Disposition.CLINIC_SAME_DAY and not any(by_clock) and level.contact_working_days
    if not (is_timed or may_wait):
        raise _Fault(name, f"{name!r} needs acknowledge_minutes <= contact_minutes and act_minutes, or working days")
    return level


def _apart(*sections: Mapping[str, Entry]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for section in sections:
        for name, entry in section.items():
            if name in found:
                raise _Fault(f'"{name}"', f"the id {name!r} stands in two sections")
            found[name] = entry
    return found


def _hours(name: str, table: Mapping[str, Any]) -> dict[str, Hours]:
    for symptom, hours in table.items():
        if symptom not in SYMPTOMS:
            raise _Fault(symptom, f"unknown symptom {symptom!r} in {name}")
        is_numbers = len(hours) == 3 and all(type(hour) in (int, float) and hour >= 0 for hour in hours)
        if not is_numbers or not hours[0] >= hours[1] >= hours[2]:
            raise _Fault(f"{symptom} =", f"{name}.{symptom} must be three falling numbers of hours")
    return {symptom: (float(a), float(b), float(c)) for symptom, (a, b, c) in table.items()}


def _longer(usual: Hours, own: Hours | None) -> Hours:
    return usual if own is None else (max(usual[0], own[0]), max(usual[1], own[1]), max(usual[2], own[2]))


def _only(row: Mapping[str, Any], known: frozenset[str], near: str) -> None:
    if unknown := sorted(set(row) - known):
        raise _Fault(unknown[0], f"unknown key {unknown[0]!r} in {near}")


def _level(code: object, near: str) -> Disposition:
    try:
        return Disposition.of(str(code))
    except KeyError:
        raise _Fault(near, f"unknown level {code!r}") from None


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(_flat(content))).encode()).hexdigest()[:12]


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in _flat(inner, f"{path}[{index}]")]
    return [(path, repr(value))]
