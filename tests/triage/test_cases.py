"""Case files are read strictly: a fault is named with its case and log."""

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
