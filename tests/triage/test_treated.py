"""What a patient writes about swelling is judged by where they were treated, not by where they report something."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.triage.cases import run_cases
from companion.triage.observation import SYMPTOMS, Visit
from companion.triage.reader import load_shipped_protocol
from companion.triage.treated import still_swelling

PROTOCOL = load_shipped_protocol()
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LIPS = Visit(AT, frozenset({"lips"}), frozenset({"vitamins"}))
UNTIL = PROTOCOL.windows_of("light", "lips")["swelling"].hours[0]
SWOLLEN = "my lips are swollen since this morning"


@pytest.mark.parametrize(
    ("hours", "areas"), [(-0.1, set()), (0, {"lips"}), (UNTIL, {"lips"}), (UNTIL + 0.1, set()), (3600, set())]
)
def test_an_area_may_swell_from_its_session_until_its_window_ends(hours: float, areas: set[str]) -> None:
    assert still_swelling([LIPS], AT + timedelta(hours=hours), PROTOCOL) == areas


def test_each_session_gives_its_own_area_its_own_window() -> None:
    thighs = Visit(AT, frozenset({"thighs"}), frozenset({"deoxycholate"}))
    unknown = Visit(AT, frozenset({"neck"}), frozenset({"nobody_knows"}))
    visits, longest = [LIPS, thighs, unknown], PROTOCOL.windows_of("lipolytic", "thighs")["swelling"].hours[0]
    assert still_swelling(visits, AT, PROTOCOL) == {"lips", "thighs", "neck"}
    assert still_swelling(visits, AT + timedelta(hours=longest), PROTOCOL) == {"thighs"}


@pytest.mark.parametrize(
    ("treated", "hours_ago", "reported", "level"),
    [
        ("thighs", 20, "lips", "clinic_urgent_1h"),  # a place that nobody treated
        ("lips", 20, "neck", "self_care"),  # the lips were treated, though something else is reported
        ("lips", 3600, "thighs", "clinic_urgent_1h"),  # treated so long ago that it explains nothing
    ],
)
def test_swollen_lips_in_words_count_unless_the_lips_may_still_swell(
    tmp_path: Path, treated: str, hours_ago: float, reported: str, level: str
) -> None:
    sessions = [
        {"id": "S1", "areas": [treated], "agents": ["vitamins"], "start_hours": 0},
        {"id": "S2", "areas": [reported], "agents": ["vitamins"], "start_hours": hours_ago - 1},
    ]
    log: dict[str, Any] = {
        "session_id": "S1",
        "hours_since_session": hours_ago,
        "areas": {reported: dict.fromkeys(SYMPTOMS, 0)},
        "warning_signs": [],
        "warnings_answered": True,
        "free_text": SWOLLEN,
    }
    if reported == "lips":
        sessions = sessions[:1]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"vignettes": [{"id": "Q", "sessions": sessions, "logs": [log]}]}))
    (result,) = run_cases(path, PROTOCOL)
    assert result["disposition"] == level
