"""What a lexicon must hold: every section and cue, each of the right kind, and signs, areas and sets that there are."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from companion.triage import values
from companion.triage.cues import CUES
from companion.triage.matching import PATTERN_SIGNS
from companion.triage.observation import AREAS
from companion.triage.values import Fault, Place

SECTIONS = ("language", "common", "sets", "spelling", "cues", "innocent", "sign")
KINDS = ("patterns", "certain", "unless", "explained")
_MOST_PARTS = 5  # of a pattern in any order: they are tried in every order
_JOINTS = re.compile(r" && | & ")


def check(content: Mapping[str, Any], signs: Collection[str]) -> None:
    """Fault for what the reading of texts could not use, or would pass over; `signs` are those of the protocol."""
    values.only(content, SECTIONS, ())
    values.all_of(content, SECTIONS, ())
    values.text(content["language"], ("language",))
    _lines(content["common"], ("common",))
    sets = values.table(content["sets"], ("sets",))
    for name in sets:
        _check_set(name, sets, ())
    _check_spelling(values.table(content["spelling"], ("spelling",)))
    _check_cues(values.table(content["cues"], ("cues",)), sets)
    innocent = values.table(content["innocent"], ("innocent",))
    values.only(innocent, ("patterns",), ("innocent",))
    values.all_of(innocent, ("patterns",), ("innocent",))
    _check_patterns(innocent["patterns"], sets, ("innocent", "patterns"))
    rows = values.table(content["sign"], ("sign",))
    values.known(rows, signs, ("sign",), what="sign")
    values.all_of(rows, sorted(signs), ("sign",))
    for name, row in rows.items():
        _check_sign(values.table(row, ("sign", name)), sets, ("sign", name))


def _check_sign(row: Mapping[str, Any], sets: Mapping[str, Any], place: Place) -> None:
    values.only(row, (*KINDS, "treated", "passes"), place)
    for kind in KINDS:
        if kind in row:
            _check_patterns(row[kind], sets, (*place, kind))
    if not (row.get("patterns") or row.get("certain")):
        raise Fault(place, "has no pattern: nobody could tell of it in words")
    if "treated" in row:
        areas = values.texts(row["treated"], (*place, "treated"))
        values.known(areas, AREAS, (*place, "treated"), what="area")
    if not isinstance(row.get("passes", False), bool):
        raise Fault((*place, "passes"), "must be true or false")


def _check_set(name: str, sets: Mapping[str, Any], within: tuple[str, ...]) -> None:
    place = ("sets", name)
    if name in within:
        raise Fault(place, f"names itself, by way of {' and '.join(within)}")
    for one in _words(sets[name], place).replace("|", " ").split():
        if one.startswith("@"):
            values.known([one[1:]], sets, place, what="set")
            _check_set(one[1:], sets, (*within, name))


def _check_spelling(rows: Mapping[str, Any]) -> None:
    for name, meant in rows.items():
        _words(meant, ("spelling", name))
    if any(pair.count(">") != 1 for pair in rows.get("endings", "").split()):
        raise Fault(("spelling", "endings"), "must be pairs as in>ing, with blanks between them")


def _check_cues(rows: Mapping[str, Any], sets: Mapping[str, Any]) -> None:
    values.only(rows, CUES, ("cues",))
    values.all_of(rows, CUES, ("cues",))
    for name, lines in rows.items():
        for index, line in enumerate(_lines(lines, ("cues", name))):
            if PATTERN_SIGNS & set(line):
                _check_pattern(line, sets, ("cues", name, index))


def _check_patterns(lines: object, sets: Mapping[str, Any], place: Place) -> None:
    for index, line in enumerate(_lines(lines, place)):
        _check_pattern(line, sets, (*place, index))


def _check_pattern(line: str, sets: Mapping[str, Any], place: Place) -> None:
    rows, beside, near = line.partition(" ~ ")
    parts = _JOINTS.split(rows)
    if len(parts) > _MOST_PARTS:
        raise Fault(place, f"has more than {_MOST_PARTS} parts joined by &")
    for part in (*parts, near) if beside else parts:
        words = [word.removeprefix("^") for word in part.split() if word != ".."]
        if not words or any(not word.strip("|") or word in ("&", "&&", "~") for word in words):
            raise Fault(place, "has nothing to look for beside one of its signs")
        named = [one[1:] for word in words for one in word.split("|") if one.startswith("@")]
        values.known(named, sets, place, what="set")


def _lines(value: object, place: Place) -> list[str]:
    if not isinstance(value, list):
        raise Fault(place, "must be a list of texts")
    return [values.text(one, (*place, index)) for index, one in enumerate(value)]


def _words(value: object, place: Place) -> str:
    """Words of a set or a spelling, on as many lines as it takes."""
    if not isinstance(value, str) or not value.strip():
        raise Fault(place, "must be words in quotation marks")
    return value
