"""The protocol's loader: a broken file is refused, by name, line and fault."""

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.triage.reader import SHIPPED, ProtocolError, load, parse
from companion.triage.sections import read
from companion.triage.values import Fault
from tests.triage.situations import SITUATIONS

GOOD = SHIPPED.read_text()


@pytest.mark.parametrize(
    ("find", "put", "fault"),
    [
        (
            'group = "breathing"\nlevel = "emergency"',
            'group = "breathing"\nlevel = "clinic_routine"',
            "must stay an emergency sign",
        ),
        ('id = "worst_pain"', 'id = "fever"', "stands twice"),
        ('id = "worst_pain"', 'id = "collapse"', "stands in two sections"),
        ('id = "silence"', 'id = "quiet"', "is unknown"),
        ('[[trend]]\nid = "two_rises"', '[[trend]]\nid = "three_rises"', "is unknown"),
        ("redness = [96, 48, 24]", "redness = [24, 48, 96]", "three falling numbers"),
        ("redness = [96, 48, 24]", "", "lacks"),
        ('mark = "sourced"', 'mark = "guessed"', "needs a source and a mark"),
        ('1 = "clinic_routine"', '1 = "whatever"', "unknown level"),
        ("[area_windows.lips]", "[colours]\n[area_windows.lips]", "unknown key"),
        ("fever = 38.0", "fevers = 38.0", "unknown key"),
        ("fever = 38.0", "fever = 35.0", "low < fever"),
        ('symptom = "redness"', 'symptom = "reddness"', "unknown symptom"),
        ('areas = ["periorbital"]', 'areas = ["periorbial"]', "unknown area"),
        ('any_sign = ["pus_or_discharge"', 'any_sign = ["puss_or_discharge"', "unknown sign"),
        ('agents = ["ha_crosslinked_booster"', 'agents = ["ha_crosslinked_boster"', "unknown agent"),
        ("limit = 5.0", "limit = nan", "must be a number"),
        ('nurse = "Fever"', 'nurse = ""', "must be a text"),
        ("[peaks.lipolytic]\nswelling", "[peaks.lipolytic]\nswellin", "unknown symptom"),
        ('3 = "clinic_same_day"', '3 = "self_care"', "none lower than the one before"),
        ('patient = "You have a fever"\n', "", "lacks 'patient'"),
        ('source = "WAO2020"', 'source = "HEARSAY"', "is not listed in"),
        ('temperature = "low"', 'temperature = "cold"', "'fever' or 'low'"),
        ("clinic_same_day = { acknowledge_minutes = 60", "self_care = { acknowledge_minutes = 60", "but self_care"),
        ("clinic_routine = { contact_working_days = 2 }", "", "a service level for each level"),
        ("{ contact_working_days = 2 }", "{ contact_working_days = 0 }", "a whole number above 0"),
        ("{ acknowledge_minutes = 60, contact_minutes = 240", "{ contact_minutes = 240", "needs acknowledge_minutes"),
        (
            "emergency = { acknowledge_minutes = 10, contact_minutes = 60",
            "emergency = { acknowledge_minutes = 10, contact_minutes = 90",
            "no later than",
        ),
        ("act_minutes = 240 }", "act_minutes = 240, contact_working_days = 1 }", "needs acknowledge_minutes"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, find: str, put: str, fault: str) -> None:
    assert find in GOOD
    path = tmp_path / "broken.toml"
    path.write_text(GOOD.replace(find, put, 1))
    with pytest.raises(ProtocolError, match=rf"broken\.toml, line \d+: .*{fault}"):
        load(path)


def test_the_version_changes_with_any_number(tmp_path: Path) -> None:
    path = tmp_path / "edited.toml"
    path.write_text(GOOD.replace("fever = 38.0", "fever = 38.1", 1))
    assert load(path).version != load(SHIPPED).version


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


_CONTENT = tomllib.loads(GOOD)


@settings(max_examples=400)
@given(
    st.sampled_from(list(_paths(_CONTENT))),
    st.sampled_from(["", 0, -1, 1.5, True, [], {}, [1], ["x"], [[1]], {"a": 1}, float("nan"), float("inf"), 10**30]),
)
def test_a_value_of_the_wrong_kind_is_a_named_fault_or_a_protocol_that_triage_can_use(
    path: tuple[Any, ...], value: Any
) -> None:
    content = copy.deepcopy(_CONTENT)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        protocol = read(content)
    except Fault:
        return
    for situation, _ in SITUATIONS.values():
        assert situation.judge(protocol).protocol_version == protocol.version


@pytest.mark.parametrize("section", sorted(_CONTENT))
def test_a_missing_section_is_named(section: str) -> None:
    with pytest.raises(Fault, match=section):
        read({name: rows for name, rows in _CONTENT.items() if name != section})


def test_a_combination_without_a_condition_is_refused() -> None:
    always = '[[combination]]\nid = "always"\nlevel = "clinic_same_day"\nareas = ["face"]\n'
    words = 'nurse = "n"\npatient = "p"\nsource = "PROPOSAL"\nmark = "proposal"\n'
    with pytest.raises(ProtocolError, match=r"line 2: .*would always hold"):
        parse(always + words + GOOD, "own.toml")
