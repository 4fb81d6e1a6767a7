"""Patterns found in a text: rows of words that stand close enough together, in an order or in any.

Each word of a lexicon stands in slots ("@throat" is one); a text is looked up word by word, so that its time grows with
the text and hardly with the lexicon. A pattern is tried only where every one of its slots is filled.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from companion.triage.spelling import plain

NEAR, FAR, EITHER, WIDE = 2, 5, 6, 16  # words between two words of a pattern: next to it, "..", "&", and "&&"

Span = tuple[int, int]
_Filler = tuple[tuple[str, ...], int]
PATTERN_SIGNS = frozenset("|&@^~_")
_REMEMBERED = 50_000  # words looked up, so that strange ones do not fill the memory


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows of slots, each with how many other words may stand before it; `needs` has a bit for every slot, and a word
    of `beside` stands near but is no part of what is found."""

    needs: int
    rows: tuple[tuple[tuple[int, int], ...], ...]
    beside: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """Words with their places (a comma or a full stop widens the distance), the slots they fill, and where a word
    stands that parts a pattern; `parted[i]` counts those before word i. A strange word is none of the lexicon's."""

    words: Sequence[str]
    places: Sequence[int]
    chunks: Sequence[int]
    sentences: Sequence[int]
    fills: Mapping[int, Sequence[Span]]
    filled: int
    parted: Sequence[int]
    is_strange: Sequence[bool]
    questions: Sequence[bool]

    def asked(self, at: int) -> bool:
        """Whether the sentence of this word ends with a question mark."""
        return self.questions[bisect_right(self.sentences, at) - 1]


@dataclass(frozen=True, slots=True)
class _Entry:
    """The slots that a word fills alone, and by the next word those that it begins to fill."""

    alone: tuple[int, ...]
    phrases: Mapping[str, Sequence[_Filler]]
    stems: Sequence[_Filler]


class Index:
    """Which slots a word fills, alone or with those that follow it."""

    def __init__(self) -> None:
        self._slots: dict[frozenset[str], int] = {}
        self._words: dict[str, list[_Filler]] = {}
        self._stems: dict[str, list[_Filler]] = {}
        self._looked_up: dict[str, _Entry] = {}

    def slot(self, phrases: Iterable[str]) -> int:
        """The slot that any of these fills: "word", "stem*", "two words"; "#" stands for a digit."""
        wanted = frozenset(plain(one) for one in phrases)
        if wanted not in self._slots:
            self._slots[wanted] = len(self._slots)
            for phrase in wanted:
                first, *rest = phrase.split()
                firsts = self._stems if first.endswith("*") else self._words
                firsts.setdefault(first.rstrip("*"), []).append((tuple(rest), self._slots[wanted]))
        return self._slots[wanted]

    def knows(self, word: str) -> bool:
        """Whether the word begins or fills anything."""
        return bool(self._fillers(word))

    def words_of(self, slots: frozenset[int]) -> Iterator[str]:
        """The single words that fill one of these, without "word*"."""
        return (
            word for word, fillers in self._words.items() if any(not rest and one in slots for rest, one in fillers)
        )

    def fills_any(self, word: str, slots: frozenset[int]) -> bool:
        """Whether the word fills one of these by itself."""
        return not slots.isdisjoint(self._lookup(word).alone)

    def fills(self, words: Sequence[str], places: Sequence[int]) -> dict[int, list[Span]]:
        """The slots that are filled, each with where, from left to right."""
        filled: dict[int, list[Span]] = {}
        entries = [self._lookup(word) for word in words]
        for at, entry in enumerate(entries):
            for slot in entry.alone:
                filled.setdefault(slot, []).append((at, at + 1))
            if at + 1 < len(words) and (entry.phrases or entry.stems):
                following = [one for form in _forms(words[at + 1]) for one in entry.phrases.get(form, ())]
                for rest, slot in (*following, *entry.stems):
                    end = at + 1 + len(rest)
                    if _says(words[at + 1 : end], rest) and places[end - 1] - places[at] == len(rest):
                        filled.setdefault(slot, []).append((at, end))
        return filled

    def _lookup(self, word: str) -> _Entry:
        if word not in self._looked_up:
            if len(self._looked_up) > _REMEMBERED:
                self._looked_up.clear()
            fillers = self._fillers(word)
            phrases: dict[str, list[_Filler]] = {}
            for filler in fillers:
                if filler[0] and not filler[0][0].endswith("*"):
                    phrases.setdefault(filler[0][0], []).append(filler)
            stems = [filler for filler in fillers if filler[0] and filler[0][0].endswith("*")]
            self._looked_up[word] = _Entry(tuple({slot for rest, slot in fillers if not rest}), phrases, stems)
        return self._looked_up[word]

    def _fillers(self, word: str) -> list[_Filler]:
        return [
            *(filler for form in _forms(word) for filler in self._words.get(form, ())),
            *(filler for end in range(len(word) + 1) for filler in self._stems.get(word[:end], ())),
        ]


def _forms(word: str) -> Iterator[str]:
    yield word
    if word.isdigit():
        yield from (word[:at] + "#" * (len(word) - at) for at in range(len(word)))


def _says(words: Sequence[str], phrase: Sequence[str]) -> bool:
    return len(words) == len(phrase) and all(map(_is, words, phrase))


def _is(word: str, meant: str) -> bool:
    if meant.endswith("*"):
        return word.startswith(meant[:-1])
    return word == meant or ("#" in meant and meant in _forms(word))


@dataclass(frozen=True, slots=True)
class Cue:
    """Phrases that fill one slot, and patterns beside them."""

    slot: int
    patterns: tuple[Pattern, ...]

    def spans(self, text: Text) -> list[Span]:
        """Where it stands, from left to right."""
        return sorted({*text.fills.get(self.slot, ()), *spans(self.patterns, text)})


def read_cue(lines: Iterable[str], sets: Mapping[str, object], index: Index) -> Cue:
    """A cue from its phrases; one that names choices or sets is a pattern, as those of signs are."""
    known = list(lines)
    patterns = [one for one in known if PATTERN_SIGNS & set(one)]
    phrases = [one for one in known if not PATTERN_SIGNS & set(one)]
    return Cue(index.slot(phrases), tuple(read_pattern(one, sets, index) for one in patterns))


def read_pattern(source: str, sets: Mapping[str, object], index: Index) -> Pattern:
    """A pattern from its line in a lexicon; raises KeyError for a set that does not exist."""
    source, _, near = source.partition(" ~ ")
    beside = index.slot(choices(near, sets)) if near else None
    joint, gap = (" && ", WIDE) if " && " in source else (" & ", EITHER)
    parts = [_row(part.split(), sets, index, gap=gap) for part in source.split(joint)]
    rows = tuple(tuple(_joined(order)) for order in permutations(parts))
    slots = {slot for _, slot in rows[0]} | ({beside} if beside is not None else set())
    return Pattern(sum(1 << slot for slot in slots), rows, beside)


def _row(words: Sequence[str], sets: Mapping[str, object], index: Index, *, gap: int) -> list[tuple[int, int]]:
    row = []
    for word in words:
        if word == "..":
            gap = FAR
            continue
        before = 0 if word.startswith("^") else gap
        row.append((before, index.slot(choices(word.removeprefix("^"), sets))))
        gap = NEAR
    return row


def _joined(parts: Sequence[Sequence[tuple[int, int]]]) -> Iterator[tuple[int, int]]:
    for part in parts:
        yield from part


def choices(word: str, sets: Mapping[str, object]) -> Iterator[str]:
    """The words that "a|b|@set" stands for; a set is words apart by "|" or blanks, and may name other sets."""
    for one in word.replace("|", " ").split():
        if one.startswith("@"):
            yield from choices(str(sets[one[1:]]), sets)
        else:
            yield one.replace("_", " ")


def spans(patterns: Iterable[Pattern], text: Text) -> Iterator[Span]:
    """Where any of the patterns stands: first word and the one after its last."""
    missing = ~text.filled
    for pattern in [one for one in patterns if not one.needs & missing]:
        for row in pattern.rows:
            for span in _row_spans(row, text):
                if pattern.beside is None or _is_beside(span, text.fills[pattern.beside], text.places):
                    yield span


def _is_beside(span: Span, fills: Sequence[Span], places: Sequence[int]) -> bool:
    first, last = places[span[0]], places[span[1] - 1]
    return any(
        (stop <= span[0] and first - places[stop - 1] <= EITHER + 1)
        or (start >= span[1] and places[start] - last <= EITHER + 1)
        for start, stop in fills
    )


def _row_spans(row: Sequence[tuple[int, int]], text: Text) -> Iterable[Span]:
    reached = set(text.fills[row[0][1]])
    for gap, slot in row[1:]:
        reached = {
            (begin, stop)
            for begin, end in reached
            for stop in _following(text, end=end, gap=gap, fills=text.fills[slot])
        }
    return sorted(reached)


def _following(text: Text, *, end: int, gap: int, fills: Sequence[Span]) -> Iterator[int]:
    last = text.places[end - 1] + 1 + gap
    for at in range(bisect_left(fills, (end, 0)), len(fills)):
        start, stop = fills[at]
        if text.places[start] > last:
            return
        if text.parted[start] == text.parted[end]:
            yield stop
