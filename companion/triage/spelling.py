"""Words as people type them: small letters, no accents, slips of one letter mended against the words of a lexicon."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

GLUED_FROM = 4  # letters of the word after a "j" or "l" that lost its apostrophe
MENDED_FROM = 6  # letters: a slip in a shorter word makes another word too often
DROPPED_FROM = 7  # letters of a word that may have lost a consonant
SWAPPED_FROM = 4  # letters of a word whose inner letters changed places ("hadns", "chset")
MENDED_TO = 30  # letters: no word is as long, and the rules' time grows with the square of it
_ELIDED = re.compile(r"\b(l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu)['’`´]", re.IGNORECASE)
_POSSESSED = re.compile(r"(?<![a-z])([a-z]+)['’`´]s(?![a-z])")
_CONTRACTED = frozenset(  # read as one word with its "is": "its"
    [
        *("it", "he", "she", "that", "there", "this", "what", "who", "where", "here", "how", "let", "when", "one"),
        *("someone", "somebody", "something", "everyone", "everybody", "everything", "anyone", "anybody", "anything"),
        *("nobody", "nothing", "noone"),
    ]
)
_APOSTROPHE = re.compile(r"['’`´]")
_WORD = re.compile(r"[a-z0-9]+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def plain(text: str) -> str:
    """Small letters without accents."""
    parted = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    return "".join(character for character in parted if not unicodedata.combining(character))


def words_of(text: str) -> list[str]:
    """The words of a text; English keeps its contractions in one word ("cant", "its") but not what belongs or is
    ("my throat's closing" is "my throat closing"), French elisions part ("l oeil")."""
    parted = _POSSESSED.sub(_unpossessed, plain(_ELIDED.sub(r"\1 ", text)))
    return _WORD.findall(_APOSTROPHE.sub("", parted))


def _unpossessed(found: re.Match[str]) -> str:
    return f"{found[1]}s" if found[1] in _CONTRACTED else found[1]


class Speller:
    """Mends what is misspelt: by a list, then by rule against the words worth `mending`; other known words stay."""

    def __init__(
        self,
        listed: Mapping[str, str],
        *,
        mending: Iterable[str],
        real: Iterable[str],
        is_known: Callable[[str], bool],
        glued: Iterable[str] = (),
        endings: Mapping[str, str] | None = None,
        telling: Iterable[str] = (),
    ) -> None:
        self._listed = {plain(wrong): right.split() for wrong, right in listed.items()}
        self._mending = frozenset(map(plain, mending))
        self._real = frozenset(map(plain, real))
        self._endings = endings or {}
        self._is_known = is_known
        self._glued = tuple(glued)
        words = [*sorted(telling), *sorted(self._mending)]  # where two are as near, the later one is meant
        self._by_letters = {_letters(word): word for word in words if len(word) >= SWAPPED_FROM}
        self._by_less = {less: word for word in words if len(word) > SWAPPED_FROM for less in _one_dropped(word)}
        self._by_slip: dict[str, list[str]] = {}
        for word in sorted(word for word in self._mending if len(word) >= MENDED_FROM):
            for shorter in (word, *_one_letter_less(word)):
                self._by_slip.setdefault(shorter, []).append(word)

    def mend(self, word: str) -> list[str]:
        """The word or words meant: ["breathing"] for "brething", ["cant", "breathe"] for "cantbreathe"."""
        if word in self._listed:
            return self._listed[word]
        if len(word) > MENDED_TO:
            return [word]
        if meant := self._ending(word):
            return meant
        if self._is_right(word) or not word.isalpha():
            return [word]
        rules = (
            *(self._drawn_out, self._unglued, self._doubled, self._swapped, self._dropped),
            *(self._slip, self._run_together),
        )
        return next((meant for rule in rules if (meant := rule(word))), [word])

    def _is_right(self, word: str) -> bool:
        return word in self._real or word in self._mending or self._is_known(word)

    def _ending(self, word: str) -> list[str]:
        changed = (word[: -len(short)] + full for short, full in self._endings.items() if word.endswith(short))
        return next(([one] for one in changed if one in self._mending), [])

    def _drawn_out(self, word: str) -> list[str]:
        shortened = (_DRAWN_OUT.sub(letters, word) for letters in (r"\1\1", r"\1"))
        return next(([one] for one in shortened if one != word and self._is_right(one)), [])

    def _unglued(self, word: str) -> list[str]:
        """French drops the apostrophe, and the e: ["j", "etouffe"] for "jetouffe", ["j", "tremble"] for "jtremble"."""
        parts = ((one, word[len(one) :]) for one in self._glued if word.startswith(one))
        return next(([one, *self._listed.get(rest, [rest])] for one, rest in parts if self._is_glued(rest)), [])

    def _is_glued(self, rest: str) -> bool:
        return len(rest) >= GLUED_FROM and (rest in self._listed or self._is_right(rest))

    def _doubled(self, word: str) -> list[str]:
        inner = range(1, len(word) - 1)  # a French "ee" at the end is no slip
        shorter = (word[:at] + word[at + 1 :] for at in inner if word[at] == word[at - 1])
        return next(([one] for one in shorter if len(one) >= SWAPPED_FROM - 1 and self._is_right(one)), [])

    def _dropped(self, word: str) -> list[str]:
        return [self._by_less[word]] if word in self._by_less else []

    def _swapped(self, word: str) -> list[str]:
        return [self._by_letters[_letters(word)]] if _letters(word) in self._by_letters else []

    def _slip(self, word: str) -> list[str]:
        if len(word) < MENDED_FROM - 1:
            return []
        near = (one for part in (word, *_one_letter_less(word)) for one in self._by_slip.get(part, ()))
        return next(([one] for one in near if one[0] == word[0] and _is_one_slip(word, one)), [])

    def _run_together(self, word: str) -> list[str]:
        cuts = ([word[:at], word[at:]] for at in range(2, len(word) - 2))
        return next((cut for cut in cuts if self._mending & set(cut) and all(map(self._is_right, cut))), [])


def _letters(word: str) -> tuple[str, str, str]:
    return word[0], "".join(sorted(word[1:-1])), word[-1]


def _one_dropped(word: str) -> Iterator[str]:
    """A vowel of any word, any letter but the first of a long one: without it, few are another word."""
    inner = range(1, len(word))
    return (word[:at] + word[at + 1 :] for at in inner if word[at] in "aeiou" or len(word) >= DROPPED_FROM)


def _one_letter_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _is_one_slip(one: str, other: str) -> bool:
    """One letter more, less or other, or two that changed places (Damerau's slips)."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
