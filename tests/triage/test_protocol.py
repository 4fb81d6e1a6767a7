"""The protocol's loader: a broken file is refused, by name, line and fault."""

from pathlib import Path

import pytest

from companion.triage.reader import SHIPPED, ProtocolError, load

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
        ("[peaks.lipolytic]\nswelling", "[peaks.lipolytic]\nswellin", "unknown symptom"),
        ('3 = "clinic_same_day"', '3 = "self_care"', "none lower than the one before"),
        ('patient = "You have a fever"\n', "", "lacks 'patient'"),
        ('source = "WAO2020"', 'source = "HEARSAY"', "is not listed in"),
        ('temperature = "low"', 'temperature = "cold"', "'fever' or 'low'"),
        ("clinic_same_day = { acknowledge_minutes = 60", "self_care = { acknowledge_minutes = 60", "but self_care"),
        ("clinic_routine = { contact_working_days = 2 }", "", "a service level for each level"),
        ("{ contact_working_days = 2 }", "{ contact_working_days = 0 }", "whole numbers above 0"),
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
