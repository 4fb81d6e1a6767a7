"""Reads the entries of a protocol file: signs, trends, combinations and rules, each checked by itself."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from companion.triage import values
from companion.triage.observation import AREAS, GRADES, SYMPTOMS, Disposition
from companion.triage.protocol import AGENT_GROUPS, Combination, Entry
from companion.triage.values import Fault

MARKS = ("sourced", "proposal")


def entry(kind: Any, row: Mapping[str, Any]) -> Any:
    """An entry of this kind from its table; Fault where a key is missing, unknown or of the wrong kind."""
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
            return level(value, near)
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


def check_combinations(rules: Iterable[Combination], signs: Collection[str], agents: Collection[str]) -> None:
    """Fault where a combination names what there is not, or would hold always."""
    for rule in rules:
        near = f'"{rule.id}"'
        values.known(rule.signs | rule.any_sign, signs, near, what="sign")
        values.known(rule.agents, agents, near, what="agent")
        if not (rule.signs or rule.any_sign or rule.temperature or rule.symptom):
            raise Fault(near, f"{near} needs a sign, a temperature or a symptom: else it would always hold")


def apart(*sections: Mapping[str, Entry]) -> dict[str, Entry]:
    """All entries by id; Fault where two sections have the same."""
    found: dict[str, Entry] = {}
    for section in sections:
        for name, entry in section.items():
            if name in found:
                raise Fault(f'"{name}"', f"the id {name!r} stands in two sections")
            found[name] = entry
    return found


def level(code: object, near: str) -> Disposition:
    """The disposition of this code; Fault for any other word."""
    try:
        return Disposition.of(str(code))
    except KeyError:
        raise Fault(near, f"unknown level {code!r}") from None
