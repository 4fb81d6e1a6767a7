"""What patients read: short words, and nothing that soothes where nobody has looked."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests import catalogues

textstat: Any = import_module("textstat")  # its functions are made as it is loaded

# Where patients read; the console is for trained people.
PATIENTS = (
    "templates/reactions/",
    "templates/schedule/",
    "templates/accounts/join.html",
    "templates/web/_words.html",
    "templates/web/shell.html",
    "companion/reactions/words.py",
    "companion/outbox/words.py",
)
PROTOCOLS = sorted((catalogues.ROOT / "companion" / "triage").glob("*.toml"))
# School years 4 to 6 are the ages of 9 to 11. A score by letters and sentences needs no dictionary.
OLDEST_GRADE = 6.0
JARGON = r"oedema|edema|erythema|haematoma|dyspnoea|adverse|symptomatic|contraindicat|disposition|escalat|triage"


def _plain(text: str) -> str:
    return re.sub(r"%\(\w+\)s|\{\w+\}", "it", text)


def _of_patients() -> list[str]:
    lines = {text for path in PROTOCOLS for key in ("line", "patient") for text in catalogues.texts_of(path, key)}
    found = {
        text
        for message in catalogues.template()
        if any(name.startswith(PATIENTS) for name, _ in message.locations)
        for text in (message.id if isinstance(message.id, tuple | list) else (message.id,))
    }
    return sorted(_plain(text) for text in lines | found if text)


def _score(text: str) -> float:
    return float(textstat.automated_readability_index(text) + textstat.coleman_liau_index(text)) / 2


def _sentences() -> list[str]:
    """Whole sentences: labels of a word or two would only make the score look good."""
    parts = [part for text in _of_patients() for part in re.split(r"(?<=[.?!])\s", text)]
    return [part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if len(part.split()) >= 6]


def test_patients_texts_are_for_readers_of_nine_to_eleven() -> None:
    assert len(_sentences()) > 100
    assert _score(" ".join(_sentences())) <= OLDEST_GRADE


def test_no_sentence_for_patients_is_long_or_hard() -> None:
    for sentence in _sentences():
        assert len(sentence.split()) <= 25, sentence
        assert _score(sentence) <= 2 * OLDEST_GRADE + 1, sentence  # of one sentence the score is a rough one


@pytest.mark.parametrize("text", _of_patients())
def test_only_a_nurse_says_normal_and_nobody_says_do_not_worry(text: str) -> None:
    assert not re.search(r"\bnormal|don.?t worry|do not worry|nothing to worry|\bfine\b(?!$)|harmless", text.lower()), (
        text
    )
    assert not re.search(JARGON, text.lower()), text


def test_every_error_says_what_to_do() -> None:
    source = (Path(catalogues.ROOT) / "companion" / "web" / "pages.py").read_text(encoding="utf-8")
    pairs = re.findall(r'gettext\("[^"]+"\),\s+gettext\("([^"]+)"\)', source)
    assert len(pairs) >= 9
    for advice in pairs:
        assert re.search(r"\b(go|check|load|wait|make|try|kept)\b", advice.lower()), advice
