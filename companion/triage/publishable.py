"""What may be published: a protocol with no rule switched off by a slip, and no condition that triage does not look at.

A version that was published before a check was added is not checked again: it is read as it was.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from companion.triage import values
from companion.triage.observation import GRADES, SYMPTOMS, Disposition
from companion.triage.protocol import AGENT_GROUPS, Combination, Entry, Protocol, Trend
from companion.triage.values import Fault, Place

# The least that these say, whoever publishes: triage says them where it is in doubt, or where it must not wait.
LEAST = {
    "skin_and_vomiting": Disposition.EMERGENCY,
    "unknown_sign": Disposition.CLINIC_URGENT_1H,
    "unsure_any": Disposition.CLINIC_URGENT_1H,
    "warnings_skipped": Disposition.CLINIC_SAME_DAY,
    "severe_without_visit": Disposition.CLINIC_SAME_DAY,
    "feels_now": Disposition.CLINIC_SAME_DAY,
}
# By trend: the keys that triage asks for beside `limit`, and those that may be left out. It looks at no others.
TREND_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "rise_after_peak": (frozenset(), frozenset()),
    "rise_by_two": (frozenset({"after"}), frozenset({"early", "early_after"})),
    "late_onset": (frozenset({"symptoms", "after", "until", "quiet"}), frozenset({"not_groups"})),
    "large_patch": (frozenset({"after"}), frozenset()),
    "growing_patch": (frozenset({"after"}), frozenset()),
    "two_rises": (frozenset({"after"}), frozenset()),
}
IN_GRADES = frozenset({"rise_after_peak", "rise_by_two", "late_onset", "warnings_skipped"})
# Rules whose limit triage does not read: it is only shown, and must say what triage does.
SHOWN_ONLY = {
    "unknown_sign": 1,
    "unsure_any": 1,
    "area_without_visit": 1,
    "severe_without_visit": 3,
    "feels_now": 1,
    "feels_today": 1,
    "open_case": 1,
}
PEAKED = tuple(name for name in SYMPTOMS if name != "numbness")  # numbness is at its worst at once, by the injection
CONTACT_WITHIN = {
    Disposition.CLINIC_URGENT_1H: 60,
    Disposition.CLINIC_SAME_DAY: 24 * 60,
}  # minutes: what their names say
YEAR = 366 * 24  # hours: whatever is later than this never happens
WIDEST_CM = 50  # the largest patch that a patient can enter
_OWN_ID = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = re.compile(r"(window|sign|words|unsure)_.*|triage_failed")  # what triage itself calls its reasons
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_COMMON = frozenset({"id", "level", "nurse", "patient", "source", "mark", "limit"})
_VOMITING, _ALLERGIC = (
    frozenset({"repeated_vomiting"}),
    frozenset({"widespread_hives", "swelling_outside_treated_area_face"}),
)


def check(content: Mapping[str, Any], protocol: Protocol) -> None:
    """Fault for what must not be published; `protocol` is what was read from `content`."""
    if not _NAME.fullmatch(protocol.name):
        raise Fault(("protocol", "name"), "must be of letters, digits, - and _: it stands in the version's name")
    places = {row["id"]: (section, index) for section, index, row in _entries(content)}
    for entry in protocol.entries.values():
        _check_level(entry, places[entry.id])
    for trend in protocol.trends.values():
        _check_trend(trend, content["trend"][places[trend.id][1]], places[trend.id])
    for rule in protocol.rules.values():
        _check_limit(rule.id, rule.limit, places[rule.id])
    for combination in protocol.combinations:
        row = content["combination"][places[combination.id][1]]
        _check_combination(combination, row, places[combination.id])
    _check_allergy(protocol, places)
    _check_ids(content, protocol)
    _check_hours(content, protocol)
    for level, minutes in CONTACT_WITHIN.items():
        if protocol.service[level].contact_minutes > minutes:
            raise Fault(("service", level.code), f"must be answered within {minutes} minutes, as its name says")


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for section in ("sign", "trend", "combination", "rule"):
        for index, row in enumerate(content[section]):
            yield section, index, row


def _check_level(entry: Entry, place: Place) -> None:
    least = LEAST.get(entry.id, Disposition.CLINIC_ROUTINE)
    if entry.level < least:
        raise Fault((*place, "level"), f"must be at least {least.code}, or the rule would say too little when it fires")


def _check_trend(trend: Trend, row: Mapping[str, Any], place: Place) -> None:
    needs, may = TREND_KEYS[trend.id]
    for key in row:
        if key not in {*_COMMON, *needs, *may}:
            raise Fault((*place, key), "is nothing that triage looks at in this trend")
    values.all_of(row, sorted(needs), place)
    _check_limit(trend.id, trend.limit, place)
    if not trend.after < trend.until:
        raise Fault((*place, "until"), "must be later than after")
    if "quiet" in needs and not trend.quiet:
        raise Fault((*place, "quiet"), "must be above 0")
    if ("early" in row) != ("early_after" in row):
        raise Fault(place, "needs both early and early_after, or neither")
    if "early" in row and not trend.early_after < trend.after:
        raise Fault((*place, "early_after"), "must be earlier than after")
    if trend.not_groups >= set(AGENT_GROUPS):
        raise Fault((*place, "not_groups"), "must leave a group: else the rule never fires")


def _check_limit(name: str, limit: float, place: Place) -> None:
    place = (*place, "limit")
    if name in SHOWN_ONLY:
        if limit != SHOWN_ONLY[name]:
            raise Fault(place, f"must be {SHOWN_ONLY[name]}: triage fixes this number, it is only shown")
    elif name in IN_GRADES:
        most = 3 if name == "warnings_skipped" else GRADES[-1]
        if limit not in range(1, most + 1):
            raise Fault(place, f"must be a whole grade from 1 to {most}")
    elif limit > (most := YEAR if name in ("silence", "past_line") else WIDEST_CM):
        raise Fault(place, f"must be at most {most}: else the rule never fires")


def _check_combination(rule: Combination, row: Mapping[str, Any], place: Place) -> None:
    if "at_least" in row and not rule.symptom:
        raise Fault((*place, "at_least"), "needs a symptom: without one it is not looked at")
    if both := sorted(rule.signs & rule.any_sign):
        raise Fault((*place, "any_sign"), f"names {both[0]!r}, which signs asks for already: so it always holds")
    if not rule.until:
        raise Fault((*place, "until"), "must be above 0: else the rule never fires")


def _check_allergy(protocol: Protocol, places: Mapping[str, Place]) -> None:
    """Skin or face with vomiting is anaphylaxis (WAO2020) in every clinic, as emergency signs are emergencies."""
    rule = next((one for one in protocol.combinations if one.id == "skin_and_vomiting"), None)
    if rule is None:
        raise Fault(("combination",), "lacks 'skin_and_vomiting', which must stay an emergency")
    more = rule.temperature or rule.areas or rule.agents or rule.symptom or rule.until < YEAR
    if more or not rule.signs <= _VOMITING or (rule.any_sign and not rule.any_sign >= _ALLERGIC):
        raise Fault(
            places[rule.id],
            f"must hold for {', '.join(_VOMITING)} with any of {', '.join(sorted(_ALLERGIC))}, whatever else is so",
        )


def _check_ids(content: Mapping[str, Any], protocol: Protocol) -> None:
    own = [(section, index, row) for section, index, row in _entries(content) if section in ("sign", "combination")]
    for section, index, row in own:
        if not _OWN_ID.fullmatch(row["id"]):
            raise Fault((section, index, "id"), "must be of small letters, digits and _, a letter first")
        if _TAKEN.fullmatch(row["id"]):
            raise Fault((section, index, "id"), "is a name that triage gives to reasons of its own")
    seen = {"any"}  # what a patient says who cannot tell which group it is
    for index, group in enumerate(protocol.groups):
        if group.id in seen or not _OWN_ID.fullmatch(group.id):
            raise Fault(("group", index, "id"), "must be of small letters, digits and _, not 'any', and stand once")
        seen.add(group.id)


def _check_hours(content: Mapping[str, Any], protocol: Protocol) -> None:
    values.all_of(content["agents"], AGENT_GROUPS, ("agents",))
    for grade, level in protocol.outside.items():
        if level < Disposition.CLINIC_ROUTINE:
            raise Fault(("outside", str(grade)), "must be at least clinic_routine: else the windows say nothing")
    for group, peaks in protocol.peaks.items():
        values.all_of(peaks, PEAKED, ("peaks", group) if group in content["peaks"] else ("peaks",))
    for place, hours in _all_hours(content):
        if hours > YEAR:
            raise Fault(place, f"must be at most {YEAR} hours, a year: else the rule never fires, or never stops")
    for area, row in content["area_windows"].items():
        for symptom, hours in row.items():
            usual = [content["windows"][group][symptom] for group in AGENT_GROUPS]
            if all(own <= limit for other in usual for own, limit in zip(hours, other, strict=True)):
                raise Fault(("area_windows", area, symptom), "changes nothing: every agent's own window is as long")


def _all_hours(content: Mapping[str, Any]) -> Iterator[tuple[Place, float]]:
    for section in ("windows", "area_windows"):
        for name, row in content[section].items():
            yield from (((section, name, key), max(hours)) for key, hours in row.items() if key != "source")
    for name, given in content["peaks"].items():
        rows = {name: given} if not isinstance(given, dict) else given
        base: Place = ("peaks", name) if isinstance(given, dict) else ("peaks",)
        yield from (((*base, symptom), hours) for symptom, hours in rows.items())
    for section, index, row in _entries(content):
        timed = ("after", "until", "quiet", "early_after")
        yield from (((section, index, key), row[key]) for key in timed if key in row)
