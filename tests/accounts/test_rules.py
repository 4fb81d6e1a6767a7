"""What can stand as a name."""

import pytest

from companion.accounts.rules import is_name


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Zoë Nguyễn", True),
        ("علی\u200cرضا", True),  # Persian, a joiner that keeps two letters apart
        ("ശ്രീ മോഹന്\u200d", True),  # Malayalam, at the end of a word
        ("ක්\u200dරිස්ටීන්", True),  # Sinhala, within one
        ("Ada 👩\u200d🦰", True),
        ("", False),
        ("x" * 101, False),
        ("\u200dAda", False),
        ("Ada \u200dWinter", False),
        ("Ada\u200d\u200d", False),
        ("Ada\u202eretniW", False),
        ("Ada\nWinter", False),
    ],
)
def test_a_name_is_what_can_be_seen_and_joiners_within_it(name: str, is_one: bool) -> None:
    assert is_name(name) is is_one
