"""Slips of the thumb are mended against the words of a lexicon; what is known or real is left alone."""

import pytest

from companion.triage.spelling import MENDED_TO, Speller, words_of

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


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2000,
        "ab" * 1000,
        "swollen" * 280,
        "mycheekisswollenandithurtsalot" * 66,
        "e\u0301" * 1000,
        "\ufb03" * 2000,
        "1234567890" * 200,
        "b" + "e" * 1990 + "rathe",
    ],
    ids=lambda text: text[:6],
)
def test_what_is_too_long_to_be_a_word_stays_as_written_and_costs_no_look_up(text: str) -> None:
    asked, speller = _listening()
    (word,) = words_of(text)
    assert (speller.mend(word), asked) == ([word], [])


def test_the_longest_word_that_is_mended_costs_few_look_ups() -> None:
    asked, speller = _listening()
    longest = ("ab" * MENDED_TO)[:MENDED_TO]
    assert speller.mend(longest) == [longest]
    assert 0 < len(asked) <= 3 * MENDED_TO
    assert SPELLER.mend("breathe" + "e" * (MENDED_TO - 7)) == ["breathe"]


def _listening() -> tuple[list[str], Speller]:
    """A speller, and the words that it has looked up."""
    asked: list[str] = []

    def is_known(word: str) -> bool:
        asked.append(word)
        return False

    return asked, Speller({}, mending=["swollen", "breathe"], real=[], is_known=is_known, glued=["j"])
