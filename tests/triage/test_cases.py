"""Case files are read strictly: a fault is named with its case and log."""

import re
from pathlib import Path

import pytest

from companion.triage.cases import CaseError, run_cases
from companion.triage.reader import load_shipped_protocol


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a case file"),
        ('{"vignettes": [{"id": "Q", "sessions": [], "logs": [{"session_id": "S"}]}]}', "case Q, log 0"),
        ('{"vignettes": [], "vignettes": []}', "a key stands twice"),
        ('{"vignettes": [{"id": NaN}]}', "NaN is not a number"),
    ],
)
def test_a_case_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(content)
    with pytest.raises(CaseError, match=told):
        list(run_cases(path, load_shipped_protocol()))


def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "case-files.md").read_text(encoding="utf-8")
    path = tmp_path / "cases.json"
    path.write_text(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    found = [(row["log"], row["hours"], row["disposition"]) for row in run_cases(path, load_shipped_protocol())]
    assert found == [(0, 30, "self_care"), (1, 102, "self_care")]
