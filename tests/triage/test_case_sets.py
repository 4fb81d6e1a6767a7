"""The project's own case sets, and that nothing of the protocol can change without a case that tells.

The expected answers are read from the tables of the clinical report (sections 2 to 4), not from what the engine said.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from companion.triage.case_file import read_cases
from companion.triage.cases import run_case, run_cases
from companion.triage.observation import SYMPTOMS, Disposition
from companion.triage.protocol import AGENT_GROUPS, FOREVER, Combination, Entry, Protocol, Rule, Trend, Window
from companion.triage.reader import load_shipped_protocol
from tests.triage.situations import SITUATIONS

PROTOCOL = load_shipped_protocol()
SETS = sorted((Path(__file__).parent / "cases").glob("*.json"), reverse=True)  # most changes are seen in the windows
CASES = [case for path in SETS for case in read_cases(path, PROTOCOL)]
# How the engine says that a rule's `limit` speaks of nothing that is measured.
HAS_A_LIMIT = {"warnings_skipped", "past_line", "silence"}


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_every_log_of_a_case_set_has_the_expected_answer(path: Path) -> None:
    cases = json.loads(path.read_text(encoding="utf-8"))["vignettes"]
    expected = {(case["id"], n): log["expected"] for case in cases for n, log in enumerate(case["logs"])}
    assert {(row["case"], row["log"]): row["disposition"] for row in run_cases(path, PROTOCOL)} == expected


def test_no_case_stands_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def answers(protocol: Protocol) -> Iterator[str]:
    """Every answer, one after the other: of each log of the sets, and of each situation."""
    for case in CASES:
        yield from (row["disposition"] for row in run_case(case, protocol))
    for pair in SITUATIONS.values():
        yield from (situation.judge(protocol).disposition.code for situation in pair)


ANSWERS = list(answers(PROTOCOL))


def unseen(changed: Mapping[str, Protocol]) -> list[str]:
    """The names of the changes that no case and no situation tells of."""
    return [
        name
        for name, protocol in changed.items()
        if all(found == known for found, known in zip(answers(protocol), ANSWERS, strict=True))
    ]


def test_a_change_that_changes_nothing_is_unseen() -> None:
    assert unseen({"the same": PROTOCOL, "without signs": replace(PROTOCOL, signs={})}) == ["the same"]


def with_window(group: str, area: str, symptom: str, window: Window) -> Protocol:
    of_group = PROTOCOL.windows[group]
    changed = {**of_group, area: {**of_group[area], symptom: window}}
    return replace(PROTOCOL, windows={**PROTOCOL.windows, group: changed})


def moved(window: Window, grade: int, hours: float) -> Window:
    limits = list(window.hours)
    limits[grade - 1] = hours
    return replace(window, hours=(limits[0], limits[1], limits[2]))


@pytest.mark.parametrize("group", AGENT_GROUPS)
def test_no_window_is_longer_or_shorter_unseen(group: str) -> None:
    changed = {}
    for symptom, window in PROTOCOL.windows[group][""].items():
        for grade, limit in enumerate(window.hours, 1):
            for hours in (limit + 1, *([limit - 1] if limit else [])):
                changed[f"{symptom} {grade} {hours}"] = with_window(group, "", symptom, moved(window, grade, hours))
    assert unseen(changed) == []


@pytest.mark.parametrize("area", ["periorbital", "lips"])
def test_no_area_loses_its_longer_window_unseen(area: str) -> None:
    windows, usual = PROTOCOL.windows["light"][area], PROTOCOL.windows["light"][""]
    longer = {symptom: windows[symptom] for symptom in SYMPTOMS if windows[symptom].hours != usual[symptom].hours}
    assert set(longer) == {"swelling"}
    changed = {
        f"{symptom} {grade} {hours}": with_window("light", area, symptom, moved(window, grade, hours))
        for symptom, window in longer.items()
        for grade, limit in enumerate(window.hours, 1)
        for hours in (limit - 1, limit + 1)
    }
    without = {name: row for name, row in PROTOCOL.windows["light"].items() if name != area}
    changed["none"] = replace(PROTOCOL, windows={**PROTOCOL.windows, "light": without})
    assert unseen(changed) == []


def other_levels(entry: Entry) -> Iterator[tuple[str, Any]]:
    for level in (entry.level - 1, entry.level + 1):
        if level in list(Disposition):
            yield f"{entry.id} at {Disposition(level).code}", replace(entry, level=Disposition(level))


def other_values(entry: Entry) -> Iterator[tuple[str, Any]]:
    """The entry with one thing changed: its level, a number one step up or down, one name or condition dropped."""
    yield from other_levels(entry)
    for one in fields(entry):
        for other in _others(entry, one.name, is_default=getattr(entry, one.name) == one.default):
            changed: dict[str, Any] = {one.name: other}
            yield f"{entry.id} {changed}", replace(entry, **changed)


def _others(entry: Entry, name: str, *, is_default: bool) -> list[Any]:
    value = getattr(entry, name)
    if isinstance(value, frozenset):
        return [value - {one} for one in value]
    if name in ("symptom", "temperature"):
        return [""] if value and not _would_always_hold(entry, name) else []
    if isinstance(value, int | float) and name != "level" and not is_default:
        step = 0.1 if type(value) is float else 1
        return [value - step, value + step]
    return []


def _would_always_hold(entry: Entry, left_out: str) -> bool:
    others = {"signs", "any_sign", "temperature", "symptom"} - {left_out}
    return not any(getattr(entry, name) for name in others)


@pytest.mark.parametrize("rule", PROTOCOL.combinations, ids=lambda rule: rule.id)
def test_no_combination_changes_unseen(rule: Combination) -> None:
    others = tuple(one for one in PROTOCOL.combinations if one.id != rule.id)
    changed = {name: replace(PROTOCOL, combinations=(*others, one)) for name, one in other_values(rule)}
    changed["none"] = replace(PROTOCOL, combinations=others)
    assert unseen(changed) == []


@pytest.mark.parametrize("trend", PROTOCOL.trends.values(), ids=lambda trend: trend.id)
def test_no_trend_changes_unseen(trend: Trend) -> None:
    changed = {name: replace(PROTOCOL, trends={**PROTOCOL.trends, trend.id: one}) for name, one in other_values(trend)}
    assert unseen(changed) == []


@pytest.mark.parametrize("rule", PROTOCOL.rules.values(), ids=lambda rule: rule.id)
def test_no_rule_changes_unseen(rule: Rule) -> None:
    others = other_values(rule) if rule.id in HAS_A_LIMIT else other_levels(rule)
    changed = {name: replace(PROTOCOL, rules={**PROTOCOL.rules, rule.id: one}) for name, one in others}
    never = replace(rule, level=Disposition.SELF_CARE)
    changed["none"] = replace(PROTOCOL, rules={**PROTOCOL.rules, rule.id: never})
    assert unseen(changed) == []


def test_no_sign_changes_its_level_unseen() -> None:
    changed = {
        name: replace(PROTOCOL, signs={**PROTOCOL.signs, sign.id: one})
        for sign in PROTOCOL.signs.values()
        for name, one in other_levels(sign)
    }
    assert len(changed) == 2 * len(PROTOCOL.signs) - 14  # nothing is above an emergency
    assert unseen(changed) == []


def test_no_peak_and_no_agent_moves_unseen() -> None:
    changed = {}
    for symptom, hours in PROTOCOL.peaks["light"].items():
        for other in (hours - 1, hours + 1, FOREVER):
            peaks = {group: {**of_group, symptom: other} for group, of_group in PROTOCOL.peaks.items()}
            changed[f"{symptom} {other}"] = replace(PROTOCOL, peaks=peaks)
    for other in (95, 97, 72, FOREVER):
        lipolytic = {**PROTOCOL.peaks["lipolytic"], "swelling": other}
        changed[f"lipolytic {other}"] = replace(PROTOCOL, peaks={**PROTOCOL.peaks, "lipolytic": lipolytic})
    for agent, group in PROTOCOL.agents.items():
        for wrong in set(AGENT_GROUPS) - {group}:
            changed[f"{agent} {wrong}"] = replace(PROTOCOL, agents={**PROTOCOL.agents, agent: wrong})
    assert unseen(changed) == []


def test_no_temperature_and_no_level_outside_the_windows_moves_unseen() -> None:
    degrees = PROTOCOL.temperature
    low, high = degrees.plausible
    others = [replace(degrees, fever=degrees.fever + step, low=degrees.low) for step in (-0.1, 0.1)]
    others += [replace(degrees, low=degrees.low + step) for step in (-0.1, 0.1)]
    others += [replace(degrees, plausible=(low + step, high)) for step in (-0.1, 0.1)]
    others += [replace(degrees, plausible=(low, high + step)) for step in (-0.1, 0.1)]
    changed = {str(one): replace(PROTOCOL, temperature=one) for one in others}
    for grade, level in PROTOCOL.outside.items():
        for step in (-1, 1):
            outside = {**PROTOCOL.outside, grade: Disposition(level + step)}
            changed[f"outside {grade} {step}"] = replace(PROTOCOL, outside=outside)
    assert unseen(changed) == []
