"""What patients write in words: finds warning signs in free text by a lexicon that is data.

Words are mended (`spelling`), patterns are looked for (`matching`), and a match counts unless its surroundings say that
it is denied, past, only feared, or somebody else's (`scope`). Pure; time grows with the text only.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from companion.triage import files, wording
from companion.triage.matching import Cue, Index, Pattern, Span, Text, read_cue, read_pattern, spans
from companion.triage.reader import load_shipped_protocol
from companion.triage.scope import Scope, scope_of
from companion.triage.spelling import Speller, words_of
from companion.triage.values import Fault

FILES = tuple(Path(__file__).with_name(f"lexicon_{language}.toml") for language in ("en", "fr"))
MAX_CHARACTERS = 4000

_COMMA_COUNTS, _SENTENCE_COUNTS = 1, 4  # as so many words between
_SENTENCE = re.compile(r"(?<=[.!?;\n])\s*|\s+[-–—]\s+|\s*[()]\s*|…|\.\.+")
_CHUNK = re.compile(r"[,:]")
_SPELLING_RULES = ("mending", "real", "glued", "endings")  # the other lines of [spelling] are single slips


class LexiconError(ValueError):
    """A lexicon file that cannot be used; the text names file, line and fault."""


@dataclass(frozen=True, slots=True)
class Found:
    """A warning sign in somebody's words, with the sentence that says it."""

    sign: str
    quote: str


@dataclass(frozen=True, slots=True)
class Words:
    """How a sign is told. `certain` patterns count by themselves; the others not beside `unless` (a plain bruise is
    purple too), and not where one of the areas in `treated` was treated (lips swell there). What is `explained` by an
    everyday cause in the same sentence is none. What `passes` is no sign where it is told as over, or in the past
    only with its circumstances; what does not pass (a faint, a fit) is one whatever came after."""

    patterns: tuple[Pattern, ...]
    certain: tuple[Pattern, ...]
    unless: tuple[Pattern, ...]
    explained: tuple[Pattern, ...]
    treated: frozenset[str]
    passes: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language: everyday words that give it away, spellings, cues of context, everyday sayings that only look like
    a sign, and the words of every sign."""

    language: str
    common: frozenset[str]
    speller: Speller
    index: Index
    cues: Mapping[str, Cue]
    parting: int
    telling: frozenset[int]
    innocent: tuple[Pattern, ...]
    signs: Mapping[str, Words]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence by its first and last character, in chunks between commas."""

    begin: int
    end: int
    is_question: bool
    chunks: Sequence[Sequence[str]]


@cache
def load_shipped_lexicons() -> tuple[Lexicon, ...]:
    """The lexicons that come with the product."""
    return tuple(load(path) for path in FILES)


def load(path: Path) -> Lexicon:
    """Read and check one file; LexiconError says what is wrong and where."""
    try:
        raw = files.text_of(path)
        content = files.tables_of(raw)
    except files.Unreadable as error:
        raise LexiconError(f"{path.name}, {error}") from None
    try:
        wording.check(content, load_shipped_protocol().signs)
    except Fault as fault:
        raise LexiconError(files.sentence(path.name, raw, fault)) from None
    return _lexicon(content, Index())


def _lexicon(content: Mapping[str, Any], index: Index) -> Lexicon:
    cues, sets = content["cues"], content["sets"]
    others = [*cues["others"], *(f"{one}s" for one in cues["others"])]
    read = {name: read_cue(others if name == "others" else lines, sets, index) for name, lines in cues.items()}
    parting = index.slot((*cues["deny_inside"], *(one for one in cues["ends"] if " " not in one)))
    signs = {name: _sign(row, sets, index) for name, row in content["sign"].items()}
    innocent = _patterns(content["innocent"]["patterns"], sets, index)
    common = frozenset(content["common"])
    return Lexicon(
        language=content["language"],
        common=common,
        speller=_speller(content["spelling"], common, index, _slots(signs.values())),
        index=index,
        cues=read,
        parting=parting,
        telling=frozenset(cue.slot for cue in read.values()) | _slots(signs.values()),
        innocent=innocent,
        signs=signs,
    )


def _slots(signs: Iterable[Words]) -> frozenset[int]:
    patterns = (one for sign in signs for one in (*sign.patterns, *sign.certain))
    return frozenset(slot for one in patterns for _, slot in one.rows[0])


def _speller(spelling: Mapping[str, str], common: Iterable[str], index: Index, telling: frozenset[int]) -> Speller:
    listed = {wrong: right for wrong, right in spelling.items() if wrong not in _SPELLING_RULES}
    mending, real, glued, endings = (spelling.get(name, "").split() for name in _SPELLING_RULES)
    return Speller(
        listed,
        mending=mending,
        real=(*common, *real),
        glued=glued,
        endings=dict(pair.split(">") for pair in endings),
        is_known=index.knows,
        telling=[word for word in index.words_of(telling) if word.isalpha()],
    )


def _sign(row: Mapping[str, Any], sets: Mapping[str, object], index: Index) -> Words:
    kinds = ("patterns", "certain", "unless", "explained")
    plain_, certain, unless, explained = (_patterns(row.get(kind, ()), sets, index) for kind in kinds)
    return Words(plain_, certain, unless, explained, frozenset(row.get("treated", ())), row.get("passes", False))


def _patterns(sources: Iterable[str], sets: Mapping[str, object], index: Index) -> tuple[Pattern, ...]:
    return tuple(read_pattern(source, sets, index) for source in sources)


def find(text: str, lexicons: Iterable[Lexicon], *, areas: frozenset[str] = frozenset()) -> tuple[Found, ...]:
    """The warning signs in a text, each once, with the words that say it; the language does not matter.

    `areas` are those that were treated: what is expected there is no sign.
    """
    text = text[:MAX_CHARACTERS]
    sentences = tuple(_sentences(text))
    found: dict[str, tuple[int, int]] = {}
    known = tuple(lexicons)
    for lexicon in known:
        read = [one for one in sentences if lexicon in _in_the_language_of(one, known)]
        for sign, begin, end in _signs(read, lexicon, areas):
            found[sign] = min(found.get(sign, (begin, end)), (begin, end))
    return tuple(Found(sign, " ".join(text[slice(*found[sign])].split())) for sign in sorted(found))


def told(text: str, *, ticked: frozenset[str], areas: frozenset[str] = frozenset()) -> dict[str, str]:
    """Signs that a patient told in words and did not tick, each with its sentence, by the lexicons of the product."""
    if not text.strip():
        return {}
    return {one.sign: one.quote for one in find(text, load_shipped_lexicons(), areas=areas) if one.sign not in ticked}


def _sentences(text: str) -> Iterator[_Sentence]:
    begin = 0
    for gap in (*_SENTENCE.finditer(text), None):
        end = gap.start() if gap else len(text)
        chunks = [words for chunk in _CHUNK.split(text[begin:end]) if (words := words_of(chunk))]
        if chunks:
            yield _Sentence(begin, end, text[begin:end].endswith("?"), chunks)
        begin = gap.end() if gap else end


def _in_the_language_of(sentence: _Sentence, lexicons: Sequence[Lexicon]) -> Iterator[Lexicon]:
    """Every lexicon, but for one whose everyday words are clearly outnumbered: its cues would not be understood."""
    hits = [sum(word in lexicon.common for chunk in sentence.chunks for word in chunk) for lexicon in lexicons]
    best = max(hits, default=0)
    return (lexicon for lexicon, count in zip(lexicons, hits, strict=True) if 2 * count >= best)


def _signs(sentences: Sequence[_Sentence], lexicon: Lexicon, areas: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Signs with the first and last character of the sentences that say them."""
    text = _read(sentences, lexicon)
    if not text.words:
        return
    innocent = tuple(spans(lexicon.innocent, text))
    scope: Scope | None = None
    for sign, words in lexicon.signs.items():
        causes: tuple[Span, ...] | None = None
        for match in _matches(words, text, areas):
            scope = scope or scope_of(text, lexicon.cues)
            causes = tuple(spans(words.explained, text)) if causes is None else causes
            if not _overlaps(match, scope.plain(innocent)) and scope.counts(match, passes=words.passes, causes=causes):
                first, last = (bisect_right(text.sentences, at) - 1 for at in (match[0], match[1] - 1))
                yield sign, sentences[first].begin, sentences[last].end
                break


def _read(sentences: Sequence[_Sentence], lexicon: Lexicon) -> Text:
    """The words as the lexicon spells them, with their places."""
    words: list[str] = []
    places: list[int] = []
    chunk_starts: list[int] = []
    starts: list[int] = []
    place = 0
    for sentence in sentences:
        starts.append(len(words))
        for chunk in sentence.chunks:
            chunk_starts.append(len(words))
            mended = [right for word in chunk for right in lexicon.speller.mend(word)]
            words += mended
            places += range(place, place + len(mended))
            place += len(mended) + _COMMA_COUNTS
        place += _SENTENCE_COUNTS - _COMMA_COUNTS
    fills = lexicon.index.fills(words, places)
    hushed = {at for start, stop in fills.get(lexicon.cues["never_mind"].slot, ()) for at in range(start, stop)}
    parts = {start for start, _ in fills.get(lexicon.parting, ())} - hushed
    parted = [0, *accumulate(at in parts for at in range(len(words)))]
    filled = sum(1 << slot for slot in fills)
    strange = [word not in lexicon.common and not lexicon.index.fills_any(word, lexicon.telling) for word in words]
    questions = [sentence.is_question for sentence in sentences]
    return Text(words, places, chunk_starts, starts, fills, filled, parted, strange, questions)


def _matches(words: Words, text: Text, areas: frozenset[str]) -> Iterator[Span]:
    yield from spans(words.certain, text)
    if not words.treated & areas and next(spans(words.unless, text), None) is None:
        yield from spans(words.patterns, text)


def _overlaps(one: Span, others: Iterable[Span]) -> bool:
    return any(begin < one[1] and one[0] < end for begin, end in others)
