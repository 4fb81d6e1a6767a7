"""Case files are read strictly: what a fault is in is named, and nothing in them is taken for something else."""

import copy
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from companion.triage.case_file import CaseError
from companion.triage.cases import run_cases
from companion.triage.observation import Disposition
from companion.triage.reader import load_shipped_protocol

PROTOCOL = load_shipped_protocol()
SELF_CARE, ROUTINE, SAME_DAY, URGENT = "self_care", "clinic_routine", "clinic_same_day", "clinic_urgent_1h"


def session(areas: str, agents: str, **more: Any) -> dict[str, Any]:
    return {"id": "S1", "areas": areas.split(), "agents": agents.split(), **more}


def log(hours: float, areas: dict[str, Any], **more: Any) -> dict[str, Any]:
    row = {"session_id": "S1", "hours_since_session": hours, "areas": areas, "warning_signs": []}
    return {**row, "warnings_answered": True, **more}


def dispositions(tmp_path: Path, sessions: list[dict[str, Any]], logs: list[dict[str, Any]]) -> list[str]:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"vignettes": [{"id": "Q", "sessions": sessions, "logs": logs}]}))
    return [row["disposition"] for row in run_cases(path, PROTOCOL)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a case file"),
        ("[" * 100_000, "not a case file"),
        ("[]", "the file must be a table"),
        ('{"vignettes": 3}', "vignettes must be a list"),
        ('{"vignettes": [{"id": "Q", "sessions": [], "logs": [{"session_id": "S"}]}]}', "case Q, log 0"),
        ('{"vignettes": [], "vignettes": []}', "a key stands twice"),
        ('{"vignettes": [{"id": NaN}]}', "NaN is not a number"),
    ],
)
def test_a_case_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(content)
    with pytest.raises(CaseError, match=told):
        list(run_cases(path, PROTOCOL))


def test_a_case_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_bytes('{"vignettes": ["é"]}'.encode("latin-1"))
    with pytest.raises(CaseError, match="not a case file"):
        list(run_cases(path, PROTOCOL))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"hours_since_session": 1e300}, "hours_since_session must be a number"),
        ({"hours_since_session": "30"}, "hours_since_session must be a number"),
        ({"session_id": "S2"}, "session_id must name one of"),
        ({"session_id": ["S1"]}, "session_id must be a text"),
        ({"areas": None}, "areas must be a table"),
        ({"areas": {"face": 3}}, "face must be a table"),
        ({"areas": {"face": {"redness": 2.0}}}, "redness must be a whole number from 0 to 4"),
        ({"areas": {"face": {"redness": True}}}, "redness must be a whole number from 0 to 4"),
        ({"areas": {"face": {"redness_cm": "3"}}}, "redness_cm must be a number"),
        ({"areas": {"face": {"past_line": 1}}}, "past_line must be true or false"),
        ({"temperature_c": True}, "temperature_c must be a number"),
        ({"warning_signs": "seizure"}, "warning_signs must be a list"),
        ({"warning_signs": [3]}, "each of warning_signs must be a text"),
        ({"warnings_answered": "yes"}, "warnings_answered must be true or false"),
        ({"free_text": 3}, "free_text must be a text"),
        ({"free_text": "\ud800"}, "surrogates not allowed"),
        ({"missed": "no"}, "missed must be true or false"),
    ],
)
def test_a_fault_of_a_log_is_named_with_case_and_log(tmp_path: Path, fault: dict[str, Any], told: str) -> None:
    with pytest.raises(CaseError, match=f"^case Q, log 1: .*{told}"):
        dispositions(tmp_path, [session("face", "vitamins")], [log(5, {}), log(30, {}) | fault])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"id": None}, "the id of a session must be a text"),
        ({"areas": "face"}, "areas must be a list"),
        ({"agents": "vitamins"}, "agents must be a list"),
        ({"combined_with": 3}, "combined_with must be a list"),
        ({"start_hours": "0"}, "start_hours must be a number"),
    ],
)
def test_a_fault_of_a_session_is_named_with_its_case(tmp_path: Path, fault: dict[str, Any], told: str) -> None:
    with pytest.raises(CaseError, match=f"^case Q: .*{told}"):
        dispositions(tmp_path, [session("face", "vitamins") | fault], [])
    with pytest.raises(CaseError, match=r"^case Q: the id of a session stands twice"):
        dispositions(tmp_path, [session("face", "vitamins")] * 2, [])


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


@pytest.mark.parametrize("wrong", [None, 3, -1, 1e300, 10**400, "x", "", True, [], [3], {}, {"a": 1}], ids=repr)
def test_a_value_of_the_wrong_kind_is_a_named_fault_or_a_case_with_an_answer(tmp_path: Path, wrong: Any) -> None:
    face = {"redness": 1, "redness_cm": 2.0, "past_line": False}
    sessions = [session("face", "vitamins", combined_with=["microneedling"], start_hours=0)]
    logs = [log(5, {"face": face}, temperature_c=36.5, warning_signs=["open_sore"], free_text="Red.", missed=False)]
    good = {"vignettes": [{"id": "Q", "sessions": sessions, "logs": logs}]}
    path = tmp_path / "cases.json"
    for place in _paths(good):
        bad = copy.deepcopy(good)
        inner: Any = bad
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = wrong
        path.write_text(json.dumps(bad))
        with suppress(CaseError):
            assert {row["disposition"] for row in run_cases(path, PROTOCOL)} <= {level.code for level in Disposition}


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "case-files.md").read_text(encoding="utf-8")
    path = tmp_path / "cases.json"
    path.write_text(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    found = [(row["log"], row["hours"], row["disposition"]) for row in run_cases(path, PROTOCOL)]
    assert found == [(0, 30, "self_care"), (1, 102, "self_care")]


@pytest.mark.parametrize("procedure", ["microdermabrasion", "microneedling", "chemical_peel", "led", "laser", "botox"])
def test_a_procedure_beside_the_injections_is_no_agent(tmp_path: Path, procedure: str) -> None:
    beside = session("neck", "ha_crosslinked_booster", combined_with=[procedure])
    assert dispositions(tmp_path, [beside], [log(60, {"neck": {"redness": 2}})]) == [SELF_CARE]


def test_a_filler_beside_the_injections_is_an_agent_and_what_was_injected_but_nobody_knows_stays_unknown(
    tmp_path: Path,
) -> None:
    filler = session("neck", "vitamins", combined_with=["ha_filler_crosslinked"])
    assert dispositions(tmp_path, [filler], [log(60, {"neck": {"redness": 2}})]) == [SELF_CARE]
    unknown = session("neck", "ha_crosslinked_booster moon_dust")
    assert dispositions(tmp_path, [unknown], [log(60, {"neck": {"redness": 2}})]) == [ROUTINE]


@pytest.mark.parametrize("last", [503, 504, 520, 700])
def test_a_session_without_a_start_begins_after_the_logs_before_its_own(tmp_path: Path, last: float) -> None:
    sessions = [session("face", "vitamins"), session("face", "vitamins") | {"id": "S2"}]
    logs = [log(last, {"face": {"bruising": 1}}), log(6, {"face": {"redness": 3}}) | {"session_id": "S2"}]
    assert dispositions(tmp_path, sessions, logs) == [ROUTINE, SELF_CARE]
    assert dispositions(tmp_path, sessions, logs[:1]) == [ROUTINE]


def test_a_log_of_the_first_session_that_came_after_the_second_moves_no_session(tmp_path: Path) -> None:
    sessions = [session("face", "vitamins"), session("face neck", "vitamins") | {"id": "S2"}]
    logs = [log(6, {"neck": {"redness": 3}}) | {"session_id": "S2"}, log(520, {"face": {"redness": 3}})]
    assert dispositions(tmp_path, sessions, logs) == [SELF_CARE, SELF_CARE]


def test_a_session_without_a_start_begins_three_weeks_after_the_one_before_it(tmp_path: Path) -> None:
    sessions = [session("face", "vitamins", start_hours=200), session("face", "vitamins") | {"id": "S2"}]
    second = log(6, {"face": {"redness": 1}}) | {"session_id": "S2"}
    later = log(509, {"face": {"redness": 2}})
    assert dispositions(tmp_path, sessions, [second, later]) == [SELF_CARE, SELF_CARE]
    earlier = log(503, {"face": {"redness": 2}})
    assert dispositions(tmp_path, sessions, [second, earlier]) == [SELF_CARE, SAME_DAY]


PARTS = ["nose", "chin", "jawline", "temples", "nasolabial", "nasolabial_folds", "glabella", "perioral"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_face_without_an_area_of_its_own_is_the_face(tmp_path: Path, part: str) -> None:
    filler = session(part, "ha_crosslinked_booster")
    assert dispositions(tmp_path, [filler], [log(10, {part: {"pain": 3}})]) == [URGENT]
    assert dispositions(tmp_path, [filler], [log(10, {part: {"pain": 2}})]) == [SELF_CARE]
    face = session("face", "vitamins")
    assert dispositions(tmp_path, [face], [log(40, {part: {"redness": 2}})]) == [SELF_CARE]


@pytest.mark.parametrize("area", ["forehead", "cheeks", "lips", "periorbital", "neck", "submental", "elbow"])
def test_an_area_that_is_none_of_these_stays_what_it_is(tmp_path: Path, area: str) -> None:
    assert dispositions(tmp_path, [session("face", "vitamins")], [log(40, {area: {"redness": 2}})]) == [ROUTINE]


@pytest.mark.parametrize(
    ("worse", "milder", "answer"),
    [
        ({"pain": 3, "redness": 0}, {"pain": 1}, URGENT),
        ({"redness_cm": 5.1}, {"redness_cm": 5.0}, SAME_DAY),
        ({"redness_cm": 5.1}, {}, SAME_DAY),
        ({"past_line": True}, {"past_line": False}, SAME_DAY),
        ({"past_line": True}, {}, SAME_DAY),
        ({"redness": 1, "past_line": False}, {"redness_cm": 5.0}, SELF_CARE),
    ],
)
def test_of_several_parts_of_the_face_the_worse_of_each_counts(
    tmp_path: Path, worse: dict[str, Any], milder: dict[str, Any], answer: str
) -> None:
    face = [session("face", "ha_crosslinked_booster")]
    for first, second in ((worse, milder), (milder, worse)):
        assert dispositions(tmp_path, face, [log(60, {"nose": first, "chin": second})]) == [answer]
        assert dispositions(tmp_path, face, [log(60, {"nose": first, "face": second})]) == [answer]


def test_a_rise_of_two_measured_swellings_is_read(tmp_path: Path) -> None:
    rising = [log(40 + 20 * step, {"face": {"swelling_cm": 3 + 0.8 * step}}) for step in range(3)]
    assert dispositions(tmp_path, [session("face", "polynucleotides")], rising) == [SELF_CARE, SELF_CARE, SAME_DAY]
