"""Slips of the thumb are mended against the words of a lexicon; what is known or real is left alone."""

import pytest

from companion.triage.spelling import Speller, words_of

SPELLER = Speller(
    {"tounge": "tongue", "heartatack": "heart attack"},
    mending=["breathing", "breathe", "swollen", "throat", "chest"],
    real=["breeding", "threat", "so"],
    endings={"in": "ing"},
    is_known=lambda word: word in ("cant", "pain") or word.startswith("swell"),
    glued=["j", "l", "qu"],
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("breathing", ["breathing"]),
        ("brething", ["breathing"]),
        ("breathin", ["breathing"]),
        ("braething", ["breathing"]),
        ("breathinng", ["breathing"]),
        ("breathimg", ["breathing"]),
        ("swollllen", ["swollen"]),
        ("sooooo", ["so"]),
        ("tounge", ["tongue"]),
        ("swelter", ["swelter"]),
        ("threat", ["threat"]),
        ("breding", ["breding"]),
        ("feathing", ["feathing"]),
        ("teh", ["teh"]),
        ("jswelling", ["j", "swelling"]),
        ("lbreathing", ["l", "breathing"]),
        ("jtounge", ["j", "tongue"]),
        ("jso", ["jso"]),
        ("quelling", ["quelling"]),
        ("2024", ["2024"]),
    ],
)
def test_a_slip_of_one_letter_is_mended(typed: str, meant: list[str]) -> None:
    assert SPELLER.mend(typed) == meant


def test_contractions_stay_whole_and_elisions_part() -> None:
    assert words_of("I CAN’T see, l'œil brûle") == ["i", "cant", "see", "l", "oeil", "brule"]
