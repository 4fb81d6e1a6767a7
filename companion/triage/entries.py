"""Reads the entries of a protocol file: signs, trends, combinations and rules, each checked by itself."""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any

from companion.triage import values
from companion.triage.observation import AREAS, GRADES, SYMPTOMS, Disposition
from companion.triage.protocol import AGENT_GROUPS, Combination
from companion.triage.values import Fault, Place

MARKS = ("sourced", "proposal")


def entry(kind: Any, row: Mapping[str, Any], place: Place) -> Any:
    """An entry of this kind from its table; Fault where a key is missing, unknown or of the wrong kind."""
    if "line" in row:  # what the patient ticked is what the patient is told
        row = {**row, "patient": row.get("patient", row["line"])}
    known = {one.name: one for one in fields(kind)}
    values.only(row, known, place)
    needed = [name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    values.all_of(row, needed, place)
    read = {name: _value(known[name].type, row[name], (*place, name)) for name in row}
    if read["mark"] not in MARKS:
        raise Fault((*place, "mark"), f"must be one of {MARKS}: every number has a source, or is a proposal")
    _check_names(read, place)
    return kind(**read)


def level(code: object, place: Place) -> Disposition:
    """The disposition of this code; Fault for any other word."""
    try:
        return Disposition.of(str(code))
    except KeyError:
        levels = ", ".join(one.code for one in Disposition)
        raise Fault(place, f"names an unknown level; the levels are {levels}") from None


def check_combination(rule: Combination, signs: Collection[str], agents: Collection[str], *, place: Place) -> None:
    """Fault where a combination names what there is not, or would hold always."""
    values.known(sorted(rule.signs), signs, (*place, "signs"), what="sign")
    values.known(sorted(rule.any_sign), signs, (*place, "any_sign"), what="sign")
    values.known(sorted(rule.agents), agents, (*place, "agents"), what="agent")
    if not (rule.signs or rule.any_sign or rule.temperature or rule.symptom):
        raise Fault(place, "needs a sign, a temperature or a symptom: else it would always hold")


def _value(kind: Any, value: object, place: Place) -> Any:
    if kind is Disposition:
        return level(value, place)
    if kind is str:
        return values.text(value, place)
    if kind is int:
        return values.whole(value, place)
    return values.number(value, place) if kind is float else frozenset(values.texts(value, place))


def _check_names(read: Mapping[str, Any], place: Place) -> None:
    for name in ("symptoms", "early"):
        values.known(sorted(read.get(name, ())), SYMPTOMS, (*place, name), what="symptom")
    if "symptom" in read:
        values.known([read["symptom"]], SYMPTOMS, (*place, "symptom"), what="symptom")
    values.known(sorted(read.get("areas", ())), AREAS, (*place, "areas"), what="area")
    values.known(sorted(read.get("not_groups", ())), AGENT_GROUPS, (*place, "not_groups"), what="agent group")
    if read.get("temperature", "fever") not in ("fever", "low"):
        raise Fault((*place, "temperature"), "must be 'fever' or 'low'")
    if not read.get("limit", 1):
        raise Fault((*place, "limit"), "must be above 0")
    if read.get("at_least", 1) > GRADES[-1]:
        raise Fault((*place, "at_least"), f"must be a grade, at most {GRADES[-1]}")
