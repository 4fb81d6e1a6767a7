"""Reads the tables of a protocol file, section by section, into the frozen protocol."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Any, TypeVar

from companion.triage import values
from companion.triage.entries import check_combination, entry, level
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
from companion.triage.values import Fault, Place

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
_MOST_GROUPS = 10  # lines that a patient is asked
_Entry = TypeVar("_Entry", bound=Entry)


def read(content: dict[str, Any]) -> Protocol:
    """A protocol out of a file's tables; Fault names what is wrong, whatever it is.

    Refuses what triage could not use. What it could use and a clinic should not is refused in `publishable`.
    """
    return _Reader(content).protocol()


class _Reader:
    """Turns the file's tables into the frozen protocol, one section a method."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self._places: dict[str, Place] = {}  # of the entries, by id
        values.only(content, _SECTIONS, ())
        values.all_of(content, sorted(_SECTIONS), ())

    def protocol(self) -> Protocol:
        about = self._texts("protocol")
        values.only(about, {"name", "status"}, ("protocol",))
        values.all_of(about, ("name", "status"), ("protocol",))
        signs = self._signs()
        trends, rules = self._named(Trend, "trend", TRENDS), self._named(Rule, "rule", RULES)
        combinations = self._entries(Combination, "combination")
        entries: dict[str, Entry] = {**signs, **trends, **combinations, **rules}
        windows, agents = self._windows(), self._agents()
        for rule in combinations.values():
            check_combination(rule, signs, agents, place=self._places[rule.id])
        return Protocol(
            name=about["name"],
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
            sources=self._sources(entries),
            version=f"{about['name']}-{_hash(self._content)}",
        )

    def _sources(self, entries: Mapping[str, Entry]) -> dict[str, str]:
        sources = self._texts("sources")
        cited: dict[Place, str] = {(name,): self._content[name]["source"] for name in ("service", "temperature")}
        cited |= {("windows", group): row["source"] for group, row in self._content["windows"].items()}
        cited |= {self._places[name]: one.source for name, one in entries.items()}
        for place, row in cited.items():
            values.known([key.strip() for key in row.split(",")], sources, (*place, "source"), what="source")
        return sources

    def _agents(self) -> dict[str, str]:
        found: dict[str, str] = {}
        groups = self._table("agents")
        values.known(groups, AGENT_GROUPS, ("agents",), what="agent group")
        for group, agents in groups.items():
            for agent in values.texts(agents, ("agents", group)):
                if agent in found:
                    raise Fault(("agents", group), f"names {agent!r}, which stands before already")
                found[agent] = group
        return found

    def _windows(self) -> dict[str, dict[str, dict[str, Window]]]:
        words = self._window_words()
        rows = self._table("area_windows")
        values.known(rows, AREAS, ("area_windows",), what="area")
        of_areas = {area: _hours(row, ("area_windows", area)) for area, row in rows.items()}
        groups = self._table("windows")
        values.known(groups, AGENT_GROUPS, ("windows",), what="agent group")
        values.all_of(groups, AGENT_GROUPS, ("windows",))
        found: dict[str, dict[str, dict[str, Window]]] = {}
        for group in AGENT_GROUPS:
            place = ("windows", group)
            table = dict(values.table(groups[group], place))
            values.only(table, ("source", *SYMPTOMS), place)
            values.all_of(table, ("source", *SYMPTOMS), place)
            source = values.text(table.pop("source"), (*place, "source"))
            usual = _hours(table, place)
            found[group] = {
                area: {name: Window(_longer(usual[name], own.get(name)), source, *words[name]) for name in SYMPTOMS}
                for area, own in {"": {}, **of_areas}.items()
            }
        return found

    def _window_words(self) -> dict[str, tuple[str, str]]:
        words = self._table("window_words")
        values.known(words, SYMPTOMS, ("window_words",), what="symptom")
        values.all_of(words, SYMPTOMS, ("window_words",))
        found = {}
        for name, row in words.items():
            place = ("window_words", name)
            values.only(values.table(row, place), {"nurse", "patient"}, place)
            values.all_of(row, ("nurse", "patient"), place)
            nurse, patient = (values.text(row[whose], (*place, whose)) for whose in ("nurse", "patient"))
            found[name] = (nurse, patient)
        return found

    def _outside(self) -> dict[int, Disposition]:
        rows = self._table("outside")
        values.known(rows, "1234", ("outside",), what="grade")
        values.all_of(rows, "1234", ("outside",))
        levels = {grade: level(rows[str(grade)], ("outside", str(grade))) for grade in (1, 2, 3, 4)}
        for grade in (2, 3, 4):
            if levels[grade] < levels[grade - 1]:
                raise Fault(("outside", str(grade)), "must not be a lower level than that of the grade before")
        return levels

    def _temperature(self) -> Temperature:
        row, place = self._table("temperature"), ("temperature",)
        values.only(row, {"fever", "low", "plausible", "source"}, place)
        values.all_of(row, ("fever", "low", "plausible", "source"), place)
        values.text(row["source"], (*place, "source"))
        if not isinstance(row["plausible"], list) or len(row["plausible"]) != 2:
            raise Fault((*place, "plausible"), "must be two numbers, the lowest and the highest")
        lowest, highest = (values.number(one, (*place, "plausible")) for one in row["plausible"])
        fever, low = (values.number(row[name], (*place, name)) for name in ("fever", "low"))
        if not lowest < low < highest:
            raise Fault((*place, "low"), "must lie between the two numbers of plausible")
        if not low < fever < highest:
            raise Fault((*place, "fever"), "must be above low, and below the second number of plausible")
        return Temperature(fever, low, (lowest, highest))

    def _peaks(self) -> dict[str, dict[str, float]]:
        usual = dict(self._table("peaks"))
        own = {group: values.table(usual.pop(group, {}), ("peaks", group)) for group in AGENT_GROUPS}
        for place, rows in ((("peaks",), usual), *((("peaks", group), rows) for group, rows in own.items())):
            values.known(rows, SYMPTOMS, place, what="symptom")
            for symptom, hours in rows.items():
                values.number(hours, (*place, symptom))
        return {group: {**usual, **rows} for group, rows in own.items()}

    def _service(self) -> dict[Disposition, ServiceLevel]:
        rows = dict(self._table("service"))
        values.all_of(rows, ("source",), ("service",))
        values.text(rows.pop("source"), ("service", "source"))
        wanted = [one.code for one in Disposition if one is not Disposition.SELF_CARE]
        values.known(rows, wanted, ("service",), what="level")
        values.all_of(rows, wanted, ("service",))
        found = {level(name, ("service", name)): _service_level(name, row) for name, row in rows.items()}
        timed = [one for one in sorted(found, reverse=True) if found[one].contact_minutes]
        for urgent, other in pairwise(timed):
            if found[urgent].contact_minutes > found[other].contact_minutes:
                raise Fault(("service", urgent.code), f"must be answered no later than {other.code}")
        return found

    def _signs(self) -> dict[str, Sign]:
        found = self._entries(Sign, "sign")
        for sign in sorted(EMERGENCY_FLOOR):
            if sign not in found:
                raise Fault(("sign",), f"lacks {sign!r}, which must stay an emergency sign")
            if found[sign].level is not Disposition.EMERGENCY:
                raise Fault((*self._places[sign], "level"), "must stay 'emergency'")
        return found

    def _groups(self, signs: Mapping[str, Sign]) -> tuple[SignGroup, ...]:
        groups = []
        for index, row in enumerate(values.tables(self._content["group"], ("group",))):
            place = ("group", index)
            values.only(row, {"id", "line", "nurse"}, place)
            values.all_of(row, ("id", "line", "nurse"), place)
            for name in row:
                values.text(row[name], (*place, name))
            members = tuple(sign for sign in signs.values() if sign.group == row["id"])
            if not members:
                raise Fault((*place, "id"), "is the group of no sign")
            groups.append(SignGroup(row["id"], row["line"], row["nurse"], members))
        if len(groups) > _MOST_GROUPS:
            raise Fault(("group", _MOST_GROUPS), f"is one too many: a patient is asked at most {_MOST_GROUPS} groups")
        for sign in signs.values():
            values.known([sign.group], {one.id for one in groups}, (*self._places[sign.id], "group"), what="group")
        return tuple(groups)

    def _named(self, kind: Callable[..., _Entry], section: str, wanted: frozenset[str]) -> dict[str, _Entry]:
        found = self._entries(kind, section)
        for name in found:
            values.known([name], wanted, (*self._places[name], "id"), what=section)
        values.all_of(found, sorted(wanted), (section,))
        return found

    def _table(self, section: str) -> dict[str, Any]:
        return values.table(self._content[section], (section,))

    def _texts(self, section: str) -> dict[str, str]:
        return {key: values.text(one, (section, key)) for key, one in self._table(section).items()}

    def _entries(self, kind: Callable[..., _Entry], section: str) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for index, row in enumerate(values.tables(self._content[section], (section,))):
            one = entry(kind, row, (section, index))
            if one.id in self._places:
                raise Fault((section, index, "id"), f"stands twice, also under [[{self._places[one.id][0]}]]")
            self._places[one.id] = (section, index)
            found[one.id] = one
        return found


def _service_level(name: str, row: object) -> ServiceLevel:
    place = ("service", name)
    row = values.table(row, place)
    values.only(row, [one.name for one in fields(ServiceLevel)], place)
    for key, minutes in row.items():
        values.whole(minutes, (*place, key))
    service = ServiceLevel(**row)
    by_clock = (service.acknowledge_minutes, service.contact_minutes, service.act_minutes)
    in_order = all(by_clock) and service.acknowledge_minutes <= service.contact_minutes
    is_timed = in_order and not service.contact_working_days
    may_wait = level(name, place) < Disposition.CLINIC_SAME_DAY and not any(by_clock) and service.contact_working_days
    if not (is_timed or may_wait):
        raise Fault(place, "needs acknowledge_minutes <= contact_minutes and act_minutes, or working days")
    return service


def _hours(row: object, place: Place) -> dict[str, Hours]:
    table = values.table(row, place)
    values.known(table, SYMPTOMS, place, what="symptom")
    found: dict[str, Hours] = {}
    for symptom, hours in table.items():
        given = [values.number(one, (*place, symptom)) for one in hours] if isinstance(hours, list) else []
        if len(given) != 3 or not given[0] >= given[1] >= given[2]:
            raise Fault((*place, symptom), "must be three numbers of hours, none larger than the one before")
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
