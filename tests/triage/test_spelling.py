"""Slips of the thumb are mended against the words of a lexicon; what is known or real is left alone."""

import pytest

from companion.triage.spelling import Speller, words_of

SPELLER = Speller(
    {"tounge": "tongue", "chestpain": "chest pain"},
    known={"breathing", "swollen", "throat", "cant", "see", "so"},
    real={"breeding", "threat"},
    has_stem=lambda word: word.startswith("swell"),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("breathing", ["breathing"]),
        ("brething", ["breathing"]),
        ("braething", ["breathing"]),
        ("breathinng", ["breathing"]),
        ("breathimg", ["breathing"]),
        ("swollllen", ["swollen"]),
        ("sooooo", ["so"]),
        ("tounge", ["tongue"]),
        ("chestpain", ["chest", "pain"]),
        ("cantsee", ["cant", "see"]),
        ("swelter", ["swelter"]),
        ("threat", ["threat"]),
        ("breding", ["breeding"]),
        ("feathing", ["feathing"]),
        ("teh", ["teh"]),
        ("2024", ["2024"]),
    ],
)
def test_a_slip_of_one_letter_is_mended(typed: str, meant: list[str]) -> None:
    assert SPELLER.mend(typed) == meant


def test_contractions_stay_whole_and_elisions_part() -> None:
    assert words_of("I CAN’T see, l'œil brûle") == ["i", "cant", "see", "l", "oeil", "brule"]
