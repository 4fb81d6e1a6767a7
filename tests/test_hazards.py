"""The hazard log: every hazard has its fields, ratings by the table, and controls; test_house looks for their tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOG = (ROOT / "docs" / "hazard-log.md").read_text(encoding="utf-8")
FIELDS = ("Hazard", "Cause", "Harm", "Initial risk", "Controls", "Residual risk", "Owner")
LIKELIHOODS = ("very low", "low", "medium", "high", "very high")
HAZARDS = dict(re.findall(r"^## (H\d\d) [^\n]+\n(.*?)(?=^## |\Z)", LOG, re.MULTILINE | re.DOTALL))
CONTROL = re.compile(r"^  - .+((?:\n    `[\w/]+\.py::test_\w+`)+)$", re.MULTILINE)


def matrix() -> dict[tuple[str, str], int]:
    rows = re.findall(r"^\| (\w+) \| (\d) \| (\d) \| (\d) \| (\d) \| (\d) \|$", LOG, re.MULTILINE)
    return {(severity, likely): int(n) for severity, *own in rows for likely, n in zip(LIKELIHOODS, own, strict=True)}


def risk(text: str, name: str) -> tuple[str, str, int]:
    found = re.search(rf"^- \*\*{name} risk\*\*: (\w+), ([\w ]+): (\d)$", text, re.MULTILINE)
    assert found, name
    return found[1], found[2], int(found[3])


def test_the_log_is_whole_and_numbered() -> None:
    assert list(HAZARDS) == [f"H{number:02}" for number in range(1, len(HAZARDS) + 1)]
    assert len(HAZARDS) >= 20
    assert len(matrix()) == 25


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_has_its_fields_and_its_ratings_follow_the_table(hazard: str) -> None:
    text = HAZARDS[hazard]
    for field in FIELDS:
        assert re.search(rf"^- \*\*{field}\*\*:", text, re.MULTILINE), field
    before, after = risk(text, "Initial"), risk(text, "Residual")
    for severity, likelihood, number in (before, after):
        assert matrix()[severity, likelihood] == number
    # Controls make a hazard less likely; what it does to a person stays what it is.
    assert after[0] == before[0]
    assert LIKELIHOODS.index(after[1]) < LIKELIHOODS.index(before[1])


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_has_controls_and_each_names_its_tests(hazard: str) -> None:
    controls = CONTROL.findall(HAZARDS[hazard])
    assert len(controls) >= 2
    assert len(controls) == HAZARDS[hazard].count("\n  - ")
    assert sum(tests.count("::test_") for tests in controls) == HAZARDS[hazard].count("::test_")
