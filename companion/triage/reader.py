"""Reads a protocol file: checked whole, each fault with its line, then frozen."""

import hashlib
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from companion.triage import values
from companion.triage.observation import AREAS, GRADES, SYMPTOMS, Disposition
from companion.triage.protocol import (
    AGENT_GROUPS,
    EMERGENCY_FLOOR,
    RULES,
    TRENDS,
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
from companion.triage.values import Fault

SHIPPED = Path(__file__).with_name("mesotherapy.toml")
MARKS = ("sourced", "proposal")

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
        return read(tomllib.loads(raw))
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{name}: {error}") from None
    except values.Fault as fault:
        raise ProtocolError(f"{name}, line {_line_of(raw, fault.near)}: {fault}") from None


def read(content: dict[str, Any]) -> Protocol:
    """A protocol out of a file's tables; Fault names what is wrong, whatever it is."""
    return _Reader(content).protocol()


def _line_of(raw: str, near: str) -> int:
    return next((number for number, line in enumerate(raw.splitlines(), 1) if near in line), 1)


class _Reader:
    """Turns the file's tables into the frozen protocol, one section a method."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        values.only(content, _SECTIONS, "the file")
        values.all_of(content, sorted(_SECTIONS), "the file")

    def protocol(self) -> Protocol:
        about = self._texts("protocol")
        values.only(about, {"name", "status"}, "[protocol]")
        values.all_of(about, ("name", "status"), "[protocol]")
        signs = self._signs()
        trends, rules = self._named(Trend, "trend", TRENDS), self._named(Rule, "rule", RULES)
        combinations = self._entries(Combination, "combination")
        entries = _apart(signs, trends, combinations, rules)
        windows, agents = self._windows(), self._agents()
        _check_combinations(combinations.values(), signs, agents)
        return Protocol(
            name=about["name"],
            version=f"{about['name']}-{_hash(self._content)}",
            status=about["status"],
            agents=agents,
            windows=windows,
            outside=self._outside(),
            temperature=self._temperature(),
            peaks=self._peaks(),
            service=self._service(),
            service_source=self._content["service"]["source"],
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
        sources = self._texts("sources")
        cited = [self._content["service"]["source"], self._content["temperature"]["source"]]
        cited += [one.source for one in entries.values()]
        cited += [window.source for areas in windows.values() for window in areas[""].values()]
        for source in (key.strip() for row in cited for key in row.split(",")):
            if source not in sources:
                raise Fault(f'"{source}"', f"the source {source!r} is not listed in [sources]")
        return sources

    def _agents(self) -> dict[str, str]:
        found: dict[str, str] = {}
        groups = self._table("agents")
        values.known(groups, AGENT_GROUPS, "[agents]", what="agent group")
        for group, agents in groups.items():
            for agent in values.texts(agents, group):
                if agent in found:
                    raise Fault(agent, f"agent {agent!r} stands in two groups")
                found[agent] = group
        return found

    def _windows(self) -> dict[str, dict[str, dict[str, Window]]]:
        words = self._window_words()
        rows = self._table("area_windows")
        values.known(rows, AREAS, "[area_windows]", what="area")
        of_areas = {area: _hours(area, values.table(row, f"[area_windows.{area}]")) for area, row in rows.items()}
        values.known(self._table("windows"), AGENT_GROUPS, "[windows]", what="agent group")
        found: dict[str, dict[str, dict[str, Window]]] = {}
        for group in AGENT_GROUPS:
            near = f"[windows.{group}]"
            table = dict(values.table(self._table("windows").get(group), near))
            values.all_of(table, ("source", *SYMPTOMS), near)
            source = values.text(table.pop("source"), near)
            usual = _hours(f"windows.{group}", table)
            found[group] = {
                area: {name: Window(_longer(usual[name], own.get(name)), source, *words[name]) for name in SYMPTOMS}
                for area, own in {"": {}, **of_areas}.items()
            }
        return found

    def _window_words(self) -> dict[str, tuple[str, str]]:
        words = self._table("window_words")
        values.known(words, SYMPTOMS, "[window_words]", what="symptom")
        values.all_of(words, SYMPTOMS, "[window_words]")
        found = {}
        for name, row in words.items():
            near = f"{name} = "
            values.only(values.table(row, near), {"nurse", "patient"}, near)
            values.all_of(row, ("nurse", "patient"), near)
            found[name] = (values.text(row["nurse"], near), values.text(row["patient"], near))
        return found

    def _outside(self) -> dict[int, Disposition]:
        rows = self._table("outside")
        values.known(rows, "1234", "[outside]", what="grade")
        levels = {int(grade): _level(code, "[outside]") for grade, code in rows.items()}
        if sorted(levels) != [1, 2, 3, 4] or any(levels[n] > levels[n + 1] for n in (1, 2, 3)):
            raise Fault("[outside]", "a level for each grade from 1 to 4, none lower than the one before")
        return levels

    def _temperature(self) -> Temperature:
        row, near = self._table("temperature"), "[temperature]"
        values.only(row, {"fever", "low", "plausible", "source"}, near)
        values.all_of(row, ("fever", "low", "plausible", "source"), near)
        values.text(row["source"], near)
        if not isinstance(row["plausible"], list) or len(row["plausible"]) != 2:
            raise Fault("plausible", "plausible must be two numbers")
        low, high, *_ = (values.number(one, near) for one in (*row["plausible"], row["fever"], row["low"]))
        if not low < row["low"] < row["fever"] < high:
            raise Fault(near, "plausible[0] < low < fever < plausible[1]")
        return Temperature(row["fever"], row["low"], (low, high))

    def _peaks(self) -> dict[str, dict[str, float]]:
        usual = dict(self._table("peaks"))
        own = {group: values.table(usual.pop(group, {}), f"[peaks.{group}]") for group in AGENT_GROUPS}
        for rows in (usual, *own.values()):
            values.known(rows, SYMPTOMS, "[peaks]", what="symptom")
            for symptom, hours in rows.items():
                values.number(hours, symptom)
        return {group: {**usual, **rows} for group, rows in own.items()}

    def _service(self) -> dict[Disposition, ServiceLevel]:
        rows = dict(self._table("service"))
        values.all_of(rows, ("source",), "[service]")
        values.text(rows.pop("source"), "[service]")
        found = {_level(name, "[service]"): _service_level(name, row) for name, row in rows.items()}
        if sorted(found) != [level for level in Disposition if level is not Disposition.SELF_CARE]:
            raise Fault("[service]", "a service level for each level but self_care, and no other")
        timed = [found[level].contact_minutes for level in sorted(found, reverse=True) if found[level].contact_minutes]
        if timed != sorted(timed):
            raise Fault("[service]", "a more urgent level is answered no later than a less urgent one")
        return found

    def _signs(self) -> dict[str, Sign]:
        found = self._entries(Sign, "sign")
        for sign in sorted(EMERGENCY_FLOOR):
            if sign not in found or found[sign].level is not Disposition.EMERGENCY:
                raise Fault(f'"{sign}"', f"{sign!r} must stay an emergency sign")
        return found

    def _groups(self, signs: Mapping[str, Sign]) -> tuple[SignGroup, ...]:
        groups = []
        for row in values.tables(self._content["group"], "[[group]]"):
            near = f'"{row.get("id")}"'
            values.only(row, {"id", "line", "nurse"}, near)
            values.all_of(row, ("id", "line", "nurse"), near)
            for name in row:
                values.text(row[name], near)
            members = tuple(sign for sign in signs.values() if sign.group == row["id"])
            if not members:
                raise Fault(f'"{row["id"]}"', f"group {row['id']!r} has no signs")
            groups.append(SignGroup(row["id"], row["line"], row["nurse"], members))
        strays = [sign.id for sign in signs.values() if sign.group not in {group.id for group in groups}]
        if strays or len(groups) > 10:
            raise Fault("[[group]]", f"at most ten groups, every sign in one of them; without a group: {strays}")
        return tuple(groups)

    def _named(self, kind: Callable[..., _Entry], section: str, wanted: frozenset[str]) -> dict[str, _Entry]:
        found = self._entries(kind, section)
        if wrong := sorted(wanted ^ set(found)):
            verb = "is missing" if wrong[0] in wanted else "is unknown"
            raise Fault(f'"{wrong[0]}"' if wrong[0] in found else f"[[{section}]]", f"{section} {wrong[0]!r} {verb}")
        return found

    def _table(self, section: str) -> dict[str, Any]:
        return values.table(self._content[section], f"[{section}]")

    def _texts(self, section: str) -> dict[str, str]:
        return {key: values.text(one, key) for key, one in self._table(section).items()}

    def _entries(self, kind: Callable[..., _Entry], section: str) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for row in values.tables(self._content[section], f"[[{section}]]"):
            entry = _entry(kind, row)
            if entry.id in found:
                raise Fault(f'"{entry.id}"', f"{section} {entry.id!r} stands twice")
            found[entry.id] = entry
        return found


def _entry(kind: Any, row: Mapping[str, Any]) -> Any:
    near = f'"{row.get("id")}"'
    if "line" in row:  # what the patient ticked is what the patient is told
        row = {"patient": row["line"], **row}
    known = {one.name: one for one in fields(kind)}
    values.only(row, known, near)
    needed = [name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    values.all_of(row, needed, near)
    read = {name: _value(known[name].type, row[name], near=near, name=name) for name in row}
    if read["mark"] not in MARKS:
        raise Fault(near, f"{row['id']!r} needs a source and a mark, one of {MARKS}")
    _check_names(read, near)
    return kind(**read)


def _value(kind: Any, value: object, *, near: str, name: str) -> Any:
    where = f"{name} of {near}"
    try:
        if kind is Disposition:
            return _level(value, near)
        if kind is str:
            return values.text(value, where)
        if kind is int:
            return values.whole(value, where)
        return values.number(value, where) if kind is float else frozenset(values.texts(value, where))
    except Fault as fault:
        raise Fault(near, str(fault)) from None


def _check_names(read: Mapping[str, Any], near: str) -> None:
    symptoms = {*read.get("symptoms", ()), *read.get("early", ()), *filter(None, [read.get("symptom")])}
    values.known(symptoms, SYMPTOMS, near, what="symptom")
    values.known(read.get("areas", ()), AREAS, near, what="area")
    values.known(read.get("not_groups", ()), AGENT_GROUPS, near, what="agent group")
    if read.get("temperature", "") not in ("", "fever", "low"):
        raise Fault(near, f"{near}: temperature is 'fever' or 'low'")
    if not read.get("limit", 1) or read.get("at_least", 1) > GRADES[-1]:
        raise Fault(near, f"{near}: a limit is above 0, a grade at most {GRADES[-1]}")


def _check_combinations(rules: Iterable[Combination], signs: Collection[str], agents: Collection[str]) -> None:
    for rule in rules:
        near = f'"{rule.id}"'
        values.known(rule.signs | rule.any_sign, signs, near, what="sign")
        values.known(rule.agents, agents, near, what="agent")
        if not (rule.signs or rule.any_sign or rule.temperature or rule.symptom):
            raise Fault(near, f"{near} needs a sign, a temperature or a symptom: else it would always hold")


def _service_level(name: str, row: object) -> ServiceLevel:
    row = values.table(row, name)
    values.only(row, [one.name for one in fields(ServiceLevel)], name)
    for minutes in row.values():
        values.whole(minutes, name)
    level = ServiceLevel(**row)
    by_clock = (level.acknowledge_minutes, level.contact_minutes, level.act_minutes)
    is_timed = all(by_clock) and level.acknowledge_minutes <= level.contact_minutes and not level.contact_working_days
    may_wait = _level(name, name) < Disposition.CLINIC_SAME_DAY and not any(by_clock) and level.contact_working_days
    if not (is_timed or may_wait):
        raise Fault(name, f"{name!r} needs acknowledge_minutes <= contact_minutes and act_minutes, or working days")
    return level


def _apart(*sections: Mapping[str, Entry]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for section in sections:
        for name, entry in section.items():
            if name in found:
                raise Fault(f'"{name}"', f"the id {name!r} stands in two sections")
            found[name] = entry
    return found


def _hours(name: str, table: Mapping[str, Any]) -> dict[str, Hours]:
    values.known(table, SYMPTOMS, name, what="symptom")
    found: dict[str, Hours] = {}
    for symptom, hours in table.items():
        given = [values.number(one, f"{symptom} =") for one in hours] if isinstance(hours, list) else []
        if len(given) != 3 or not given[0] >= given[1] >= given[2]:
            raise Fault(f"{symptom} =", f"{name}.{symptom} must be three falling numbers of hours")
        found[symptom] = (float(given[0]), float(given[1]), float(given[2]))
    return found


def _longer(usual: Hours, own: Hours | None) -> Hours:
    return usual if own is None else (max(usual[0], own[0]), max(usual[1], own[1]), max(usual[2], own[2]))


def _level(code: object, near: str) -> Disposition:
    try:
        return Disposition.of(str(code))
    except KeyError:
        raise Fault(near, f"unknown level {code!r}") from None


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(_flat(content))).encode()).hexdigest()[:12]


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in _flat(inner, f"{path}[{index}]")]
    return [(path, repr(value))]
