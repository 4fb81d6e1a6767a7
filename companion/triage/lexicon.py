"""What patients write in words: finds warning signs in free text, sentence by sentence, by a lexicon that is data.

After NegEx (Chapman 2001) and ConText (Harkema 2009): a match does not count where it is denied, past, only feared, or
somebody else's. In doubt it counts. Pure; every gap in a pattern is bounded, so that time grows with the text only.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

FILES = tuple(Path(__file__).with_name(f"lexicon_{language}.toml") for language in ("en", "fr"))
MAX_CHARACTERS = 4000
CUES = (
    "asks",
    "deny",
    "deny_after",
    "deny_inside",
    "deny_next",
    "ends",
    "fear",
    "feared",
    "joins",
    "me",
    "modal",
    "never_mind",
    "now",
    "others",
    "over",
    "past",
    "says",
    "stops",
    "they",
)

_NEAR, _FAR, _EITHER = 2, 5, 6  # other words between two words of a pattern: next to it, "..", and "&"
_DENY_REACH, _AFTER_REACH = 6, 5
_ELIDED = re.compile(r"\b(l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu)['’]", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?;\n])\s*|\s+[-–—]\s+|\s*[()]\s*|…|\.\.+")
_CHUNK = re.compile(r"[,:]")
_WORD = re.compile(r"[a-z0-9]+")


class LexiconError(ValueError):
    """A lexicon file that cannot be used; the text names file and fault."""


@dataclass(frozen=True, slots=True)
class Found:
    """A warning sign in somebody's words, with the sentence that says it."""

    sign: str
    quote: str


@dataclass(frozen=True, slots=True)
class Words:
    """How a sign is told. `certain` patterns count by themselves; the others not beside `unless` (a plain bruise is
    purple too), and not where one of the areas in `treated` was treated (lips swell there)."""

    any_of: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]
    certain: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None
    treated: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language: everyday words that give it away, spellings, cues of context, and the words of every sign."""

    language: str
    spelling: Mapping[str, str]
    common: frozenset[str]
    cues: Mapping[str, re.Pattern[str]]
    signs: Mapping[str, Words]


@cache
def load_shipped_lexicons() -> tuple[Lexicon, ...]:
    """The lexicons that come with the product."""
    return tuple(load(path) for path in FILES)


def load(path: Path) -> Lexicon:
    """Read one file; LexiconError says what is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        missing = sorted(set(CUES) - set(content["cues"]))
        if missing:
            raise LexiconError(f"{path.name}: no cues {missing[0]!r}")
        gaps = _Gaps((*content["cues"]["deny_inside"], *(one for one in content["cues"]["ends"] if " " not in one)))
        signs = {name: _sign(row, content["sets"], gaps) for name, row in content["sign"].items()}
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise LexiconError(f"{path.name}: {error}") from None
    return Lexicon(
        language=content["language"],
        spelling={_plain(wrong): right for wrong, right in content["spelling"].items()},
        common=frozenset(content["common"]),
        cues={name: _any(rows, ending="s?" if name == "others" else "") for name, rows in content["cues"].items()},
        signs=signs,
    )


def find(text: str, lexicons: Iterable[Lexicon], *, areas: frozenset[str] = frozenset()) -> tuple[Found, ...]:
    """The warning signs in a text, each once, with the first sentence that says it; the language does not matter.

    `areas` are those that were treated: what is expected there is no sign.
    """
    found: dict[str, Found] = {}
    known = tuple(lexicons)
    for sentence in filter(str.strip, _SENTENCE.split(text[:MAX_CHARACTERS])):
        for lexicon in _in_the_language_of(sentence, known):
            for sign in _signs(sentence, lexicon, areas):
                found.setdefault(sign, Found(sign, " ".join(sentence.split())))
    return tuple(sorted(found.values(), key=lambda one: one.sign))


def told(text: str, *, ticked: frozenset[str], areas: frozenset[str] = frozenset()) -> dict[str, str]:
    """Signs that a patient told in words and did not tick, each with its sentence, by the lexicons of the product."""
    if not text.strip():
        return {}
    return {one.sign: one.quote for one in find(text, load_shipped_lexicons(), areas=areas) if one.sign not in ticked}


def _in_the_language_of(sentence: str, lexicons: Sequence[Lexicon]) -> Iterator[Lexicon]:
    """Every lexicon, but for one whose everyday words are clearly outnumbered: its cues would not be understood."""
    words = _words(sentence, {}).split()
    hits = [sum(word in lexicon.common for word in words) for lexicon in lexicons]
    best = max(hits, default=0)
    return (lexicon for lexicon, count in zip(lexicons, hits, strict=True) if 2 * count >= best)


def _signs(sentence: str, lexicon: Lexicon, areas: frozenset[str]) -> Iterator[str]:
    chunks = [_words(chunk, lexicon.spelling) for chunk in _CHUNK.split(sentence)]
    whole = " ".join(chunk for chunk in chunks if chunk)
    starts = _starts(chunks)
    for sign, words in lexicon.signs.items():
        if words.any_of.search(whole) and any(
            _counts(whole, match.span(), starts, lexicon.cues)
            for pattern in _patterns(words, whole, areas)
            for match in pattern.finditer(whole)
        ):
            yield sign


def _patterns(words: Words, whole: str, areas: frozenset[str]) -> Iterator[re.Pattern[str]]:
    yield from words.certain
    if not words.treated & areas and not (words.unless and words.unless.search(whole)):
        yield from words.patterns


def _counts(whole: str, span: tuple[int, int], starts: Sequence[int], cues: Mapping[str, re.Pattern[str]]) -> bool:
    """Whether a match is said of oneself, now, and as a fact."""
    begin, end = span
    left = max((match.end() for match in cues["ends"].finditer(whole, 0, begin)), default=0)
    right = min((match.start() for match in cues["ends"].finditer(whole, end)), default=len(whole))
    before = whole[left:begin]
    chunk_start = max(start for start in (*starts, 0) if start <= begin)
    chunk_end = min((start for start in starts if start >= end), default=len(whole))
    if cues["over"].search(whole, end):
        return False
    if _is_feared(whole[left:end], begin - left, cues) or _is_anothers(before, cues):
        return False
    if cues["past"].search(cues["never_mind"].sub(_blank, whole[left:right])) and not cues["now"].search(
        whole[chunk_start:chunk_end]
    ):
        return False
    return not (
        _is_denied(whole, (left, begin), chunk_start, cues)
        or _is_denied_after(whole[end : min(right, chunk_end)], cues)
    )


def _is_feared(said: str, begin: int, cues: Mapping[str, re.Pattern[str]]) -> bool:
    """Feared, read about, or asked: a doubt before the match, a fear with "would", a question not about oneself."""
    before = cues["never_mind"].sub(_blank, said[:begin])
    if cues["feared"].search(before):
        return True
    asked = cues["asks"].match(before)
    if asked and not cues["me"].search(before, asked.end()):
        return True
    fear = cues["fear"].search(before)
    return fear is not None and cues["modal"].search(said, fear.end()) is not None


def _is_denied(whole: str, scope: tuple[int, int], chunk_start: int, cues: Mapping[str, re.Pattern[str]]) -> bool:
    left, begin = scope
    own = whole[max(left, chunk_start) : begin]
    continues = not own.strip() or (cues["joins"].search(own) and not cues["me"].search(own))
    is_list = chunk_start > left and continues and not cues["now"].search(whole[begin:])
    reach = _last_words(whole[left:begin] if is_list else own, _DENY_REACH)
    reach = cues["never_mind"].sub(_blank, reach)
    stop = max((match.end() for match in cues["stops"].finditer(reach)), default=0)
    return cues["deny"].search(reach, stop) is not None


def _is_denied_after(after: str, cues: Mapping[str, re.Pattern[str]]) -> bool:
    words = cues["never_mind"].sub(_blank, _first_words(after, _AFTER_REACH))
    if cues["deny_next"].match(words):
        return True
    stop = min((match.start() for match in cues["stops"].finditer(words)), default=len(words))
    return cues["deny_after"].search(words, 0, stop) is not None


def _blank(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def _is_anothers(before: str, cues: Mapping[str, re.Pattern[str]]) -> bool:
    ends = [match.end() for match in cues["others"].finditer(before)]
    if not ends:
        return False
    between = before[ends[-1] :]
    says = cues["says"].search(between)
    if says and cues["they"].search(between, says.end()):
        return True
    return not says and not cues["me"].search(between)


def _last_words(text: str, count: int) -> str:
    return " ".join(text.split()[-count:])


def _first_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def _starts(chunks: Sequence[str]) -> list[int]:
    starts, at = [], 0
    for chunk in filter(None, chunks):
        starts.append(at)
        at += len(chunk) + 1
    return starts


def _words(text: str, spelling: Mapping[str, str]) -> str:
    """Words in small letters, without accents; English keeps its contractions in one word, French elisions part."""
    parted = _ELIDED.sub(r"\1 ", text).replace("'", "").replace("’", "")
    return " ".join(spelling.get(word, word) for word in _WORD.findall(_plain(parted)))


def _plain(text: str) -> str:
    parted = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    return "".join(character for character in parted if not unicodedata.combining(character))


def _any(phrases: Sequence[str], ending: str = "") -> re.Pattern[str]:
    """Any of these phrases; "#" stands for a digit."""
    sources = (re.escape(_plain(one)).replace(r"\#", r"\d") for one in phrases)
    return re.compile(rf"(?<!\w)(?:{'|'.join(sources)}){ending}(?!\w)")


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What may stand between the words of a pattern: so many others, none of which denies or begins anew."""

    parting: Sequence[str]

    def of(self, count: int) -> str:
        return rf" (?:(?!(?:{'|'.join(self.parting)}) )\w+ ){{0,{count}}}"


def _sign(row: Mapping[str, Any], sets: Mapping[str, Any], gaps: _Gaps) -> Words:
    plain, certain, unless = (
        [_pattern(one, sets, gaps) for one in row.get(name, ())] for name in ("patterns", "certain", "unless")
    )
    return Words(
        any_of=_whole("|".join([*plain, *certain])),
        patterns=tuple(map(_whole, plain)),
        certain=tuple(map(_whole, certain)),
        unless=_whole("|".join(unless)) if unless else None,
        treated=frozenset(row.get("treated", ())),
    )


def _whole(source: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{source})(?!\w)")


def _pattern(source: str, sets: Mapping[str, Any], gaps: _Gaps) -> str:
    parts = [_row(part.split(), sets, gaps) for part in source.split(" & ")]
    return "|".join(gaps.of(_EITHER).join(order) for order in permutations(parts))


def _row(words: Sequence[str], sets: Mapping[str, Any], gaps: _Gaps) -> str:
    out, gap = "", ""
    for word in words:
        if word == "..":
            gap = gaps.of(_FAR)
            continue
        out += gap + _word(word, sets)
        gap = gaps.of(_NEAR)
    return out


def _word(word: str, sets: Mapping[str, Any]) -> str:
    choices = [
        re.escape(_plain(one)).replace(r"\*", r"\w*").replace("_", " ")
        for choice in word.split("|")
        for one in (str(sets[choice[1:]]).split("|") if choice.startswith("@") else [choice])
    ]
    return f"(?:{'|'.join(choices)})"
