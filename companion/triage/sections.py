"""Reads the tables of a protocol file, section by section, into the frozen protocol."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from companion.triage import values
from companion.triage.entries import apart, check_combinations, entry, level
from companion.triage.observation import AREAS, SYMPTOMS, Disposition
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


def read(content: dict[str, Any]) -> Protocol:
    """A protocol out of a file's tables; Fault names what is wrong, whatever it is."""
    return _Reader(content).protocol()


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
        found = apart(signs, trends, combinations, rules)
        windows, agents = self._windows(), self._agents()
        check_combinations(combinations.values(), signs, agents)
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
            entries=found,
            sources=self._sources(found, windows),
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
        levels = {int(grade): level(code, "[outside]") for grade, code in rows.items()}
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
        found = {level(name, "[service]"): _service_level(name, row) for name, row in rows.items()}
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
            one = entry(kind, row)
            if one.id in found:
                raise Fault(f'"{one.id}"', f"{section} {one.id!r} stands twice")
            found[one.id] = one
        return found


def _service_level(name: str, row: object) -> ServiceLevel:
    row = values.table(row, name)
    values.only(row, [one.name for one in fields(ServiceLevel)], name)
    for minutes in row.values():
        values.whole(minutes, name)
    service = ServiceLevel(**row)
    by_clock = (service.acknowledge_minutes, service.contact_minutes, service.act_minutes)
    is_timed = (
        all(by_clock) and service.acknowledge_minutes <= service.contact_minutes and not service.contact_working_days
    )
    may_wait = level(name, name) < Disposition.CLINIC_SAME_DAY and not any(by_clock) and service.contact_working_days
    if not (is_timed or may_wait):
        raise Fault(name, f"{name!r} needs acknowledge_minutes <= contact_minutes and act_minutes, or working days")
    return service


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


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(_flat(content))).encode()).hexdigest()[:12]


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for index, inner in enumerate(value) for pair in _flat(inner, f"{path}[{index}]")]
    return [(path, repr(value))]
