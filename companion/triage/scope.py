"""Whether a match is said of oneself, now, and as a fact (NegEx, Chapman 2001; ConText, Harkema 2009).

It does not count where it is denied, past or over, only feared, read about or asked, or somebody else's. In doubt it
counts. A cue reaches to the next word that turns the sentence ("but"), and to the sentence's ends.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from companion.triage.cues import HUSHED
from companion.triage.matching import Cue, Span, Text

DENY_REACH, AFTER_REACH = 6, 5  # words that a denial reaches forward and back
_WAS_REACH, _ANEW_WORDS = 4, 3
_NEXT_WORDS = 4  # of the next sentence, within which it says that all is over
_HAD_REACH = 3
_THEIRS_WORDS = 4  # from "her" to the part of the body
_BARE_WORDS = 3  # beside a time in its chunk
_DOUBT_REACH, _OTHER_REACH = 10, 14  # words that a doubt, and another person, reach forward
_UNDONE_WORDS = 2  # from a denial to what is then not over
_NAMED_WORDS = 3  # from "the" to what is over
_CAUSED_WORDS = 4  # from "after" or "because of" to the cause
_LIKENED_WORDS, _THEN_WORDS = 8, 5  # from "like" to what only seems to be the cause, or the time
_CALL_WORDS = 2  # from "says" to the name that is called
_OF_WORDS = 5  # from a part of the body to whose it is
_THING_REACH, _NAME_WORDS = 8, 2  # from "the" to the match, and between "the" and the verb


@dataclass(frozen=True, slots=True)
class _Reach:
    """A match in what surrounds it: its sentences, the part of them between two turns, the chunk between commas, from
    where a doubt is still meant (the part's start, or that of a clause that tells anew: ", my", "because"), and from
    where another person is still spoken of ("and my" leaves that behind too)."""

    match: Span
    sentence: Span
    part: Span
    chunk: Span
    told: int
    owned: int


@dataclass(frozen=True, slots=True)
class Scope:
    """A text with the cues that stand in it, from left to right; those in an idiom ("never_mind") are left out."""

    text: Text
    cues: Mapping[str, Sequence[Span]]

    def counts(self, match: Span, *, passes: bool = False, causes: Sequence[Span] = ()) -> bool:
        """Whether a match is said of oneself, now, and as a fact, without one of the everyday `causes` that explain it;
        one that `passes` may be over, or was so then: a faint stays one, however well the patient is now."""
        reach = self._reach(match)
        return not (
            (passes and (self._was_then(reach) or self._is_over(reach) or self._is_over_next(reach)))
            or self._is_explained(reach, causes)
            or self._is_feared(reach)
            or self._is_anothers(reach)
            or self._is_a_things(reach)
            or self._is_past(reach)
            or self._had_been(reach)
            or self._is_denied(reach)
            or self._is_denied_after(reach)
        )

    def plain(self, sayings: Iterable[Span]) -> Iterator[Span]:
        """Everyday sayings in one piece: "black, the shape of a bean" speaks of no beans, and "confused since my
        appointment" of no appointment that was mixed up."""
        return (one for one in sayings if not self._says("sunders", one[0] + 1, one[1] - 1))

    def _reach(self, match: Span) -> _Reach:
        begin, end = match
        first, last = _around(self.text.sentences, match, len(self.text.words))
        left = max((stop for _, stop in self._within("ends", first, begin)), default=first)
        right = min((start for start, _ in self._within("ends", end, last)), default=last)
        chunk_first, chunk_last = _around(self.text.chunks, match, len(self.text.words))
        chunk = (max(chunk_first, left), min(chunk_last, right))
        starts = [stop for _, stop in self._within("because", left, begin)]
        if any(start < chunk[0] + _ANEW_WORDS for start, _ in self._within("anew", chunk[0], begin)):
            starts.append(chunk[0])
        told = max((at for at in starts if not self._says("modal", at, end)), default=left)
        mine = {start for start, _ in self._within("anew", left, begin)}
        owned = max((stop for _, stop in self._within("and", left, begin) if stop in mine), default=left)
        theirs = any(start == told for start, _ in self._within("they", left, end))
        return _Reach(match, (first, last), (left, right), chunk, told, max(left if theirs else told, owned))

    def _within(self, cue: str, first: int, last: int) -> Iterator[Span]:
        rows = self.cues[cue]
        for at in range(bisect_left(rows, (first, 0)), len(rows)):
            if rows[at][0] >= last:
                return
            if rows[at][1] <= last:
                yield rows[at]

    def _says(self, cue: str, first: int, last: int) -> bool:
        return any(True for _ in self._within(cue, first, last))

    def _is_explained(self, reach: _Reach, causes: Sequence[Span]) -> bool:
        """Put down to an everyday cause in the sentence ("from", "after the concert"), not to one that is only likened
        ("like after a gig") or itself denied; a cause that merely stands beside it explains nothing."""
        first, last = reach.part
        if self._says("unexplained", *reach.sentence):
            return False
        blamed = (
            start
            for start, stop in causes
            if first <= start and stop <= last and self._says("caused", max(first, start - _CAUSED_WORDS), start)
        )
        before = ((max(first, start - _LIKENED_WORDS), start) for start in blamed)
        return any(not self._says("likened", *words) and not self._says("no_cause", *words) for words in before)

    def _is_over(self, reach: _Reach) -> bool:
        """Told as over further on in the sentence, and not as back again after that; "otherwise" all may be well."""
        (begin, end), last = reach.match, reach.sentence[1]
        last = min((start for start, _ in self._within("otherwise", end, last)), default=last)
        told = (one for one in self._within("over", begin + 1, last) if one[1] > end)
        over = (one for one in told if not self._says("deny_inside", one[0] - _UNDONE_WORDS, one[0]))
        return any(not self._says("returns", one[1], last) and not self._is_of_other(one, reach) for one in over)

    def _is_of_other(self, over: Span, reach: _Reach) -> bool:
        """What is over is something else than the match: "my eye is sore, and the bruise is fine now"."""
        begin, end = reach.match
        first = max(end, over[0] - _NAMED_WORDS, _around(self.text.chunks, over, len(self.text.words))[0])
        named = [one for one in self._within("determiners", first, over[0]) if not self._is_time(one)]
        return bool(named) and self.text.words[named[-1][1]] not in self.text.words[begin:end]

    def _is_time(self, named: Span) -> bool:
        return self._says("circumstances", named[0] - 1, named[0])

    def _is_over_next(self, reach: _Reach) -> bool:
        """Told as over where the next sentence begins: "My ears rang on Sunday. All quiet now."."""
        first = reach.sentence[1]
        last = _around(self.text.sentences, (first, first + 1), len(self.text.words))[1]
        over = (stop for start, stop in self._within("over", first, last) if start < first + _NEXT_WORDS)
        return any(not self._says("returns", stop, last) for stop in over)

    def _was_then(self, reach: _Reach) -> bool:
        """Told in the past tense with what it came from, nothing in the present: "I shook when I saw the needle"."""
        begin, end = reach.match
        return (
            self._says("was", max(reach.part[0], begin - _WAS_REACH), end)
            and self._says("circumstances", *reach.part)
            and not self._says("present", *reach.sentence)
        )

    def _is_past(self, reach: _Reach) -> bool:
        """Told of another time, and neither "now" nor, in another chunk than that time, in the present."""
        (begin, _), chunk, length = reach.match, reach.chunk, len(self.text.words)
        here = (chunk[0], min(chunk[1], _around(self.text.chunks, (begin, begin + 1), length)[1]))
        past = [one for one in self._within("past", *reach.part) if not self._is_likened(one)]
        if not past or self._says("now", *here):
            return False
        if any(chunk[0] <= start and stop <= chunk[1] for start, stop in past):
            return True
        is_then = self._says("was", *chunk) or self._says("perfect", *chunk) or any(map(self._is_bare, past))
        return is_then and not self._is_present(reach)

    def _is_bare(self, time: Span) -> bool:
        """A chunk that hardly says more than another time: "last year, in Spain, I ..."."""
        first, last = _around(self.text.chunks, time, len(self.text.words))
        return last - first <= time[1] - time[0] + _BARE_WORDS

    def _is_likened(self, past: Span) -> bool:
        """Only likened to that time: "shaking like when I was in labour"."""
        first = _around(self.text.chunks, past, len(self.text.words))[0]
        return self._says("likened", max(first, past[0] - _THEN_WORDS), past[0])

    def _is_present(self, reach: _Reach) -> bool:
        """Told as "I cannot"; as "I have fainted" only if the other time was that of the treatment."""
        begun = {start for start, _ in self._within("perfect", *reach.chunk)}
        if self._says("treated_then", *reach.part):
            begun = set()
        return any(start not in begun for start, _ in self._within("presently", *reach.chunk))

    def _had_been(self, reach: _Reach) -> bool:
        """Told as "it had swollen", with what it came from then, and nothing of the treatment or of now."""
        first, end = max(reach.chunk[0], reach.match[0] - _HAD_REACH), reach.match[1]
        if not self._says("had", first, end) or not self._says("long_ago", *reach.sentence):
            return False
        return not any(self._says(cue, *reach.sentence) for cue in ("now", "presently", "treated_then"))

    def _is_feared(self, reach: _Reach) -> bool:
        """Feared, read about, or asked: a doubt before the match, a fear with "would", a question."""
        begin, end = reach.match
        left = reach.told if self._says("ifs", reach.told, begin) else reach.owned
        if self._says("confirms", begin, reach.sentence[1]):
            return False
        doubts = self._within("feared", left, end)
        if any((start < begin or stop < end) and stop > begin - _DOUBT_REACH for start, stop in doubts):
            return True
        if self._is_asked(reach):
            return True
        fear = min((stop for _, stop in self._within("fear", left, begin)), default=None)
        return fear is not None and self._says("modal", fear, end)

    def _is_asked(self, reach: _Reach) -> bool:
        """A question that is not about what is so with oneself; "could it make my eye red?" is none either."""
        left, (begin, end), is_marked = reach.part[0], reach.match, self.text.asked(reach.match[0])
        if is_marked and self._says("asks_after", begin, reach.sentence[1]):
            return True
        starts = {left, reach.chunk[0]}
        asks = [*self._within("asks", left, end), *(self._within("asks_if_marked", left, end) if is_marked else ())]
        if is_marked and any(
            not self._says("me_asking", stop, begin) for _, stop in self._within("asks_inside", left, end)
        ):
            return True
        return any(
            start in starts and start <= begin and not self._says("me_asking", stop, begin) for start, stop in asks
        )

    def _is_anothers(self, reach: _Reach) -> bool:
        left, begin = reach.owned, reach.match[0]
        if self.cues["writes_for"]:
            return False
        named = (one for one in self._within("others", left, begin) if not self._is_beside_the_point(one))
        others = (one for one in named if not self._is_addressed(one, reach) and self._goes_on(one, begin))
        other = max((stop for _, stop in others if stop > begin - _OTHER_REACH), default=None)
        if other is None and self._says("others", begin, reach.match[1]) and not self._says("me", *reach.part):
            return True
        if other is None:
            theirs = self._says("theirs", max(left, begin - _THEIRS_WORDS), begin) and not self._says(
                "says", left, begin
            )
            return theirs or self._is_of_another(reach) or self._goes_on_about_another(reach)
        says = min((stop for _, stop in self._within("says", other, reach.match[1])), default=None)
        if says is not None:
            they = min((start for start, _ in self._within("they", says, reach.match[1])), default=None)
            return they is not None and not self._says("me_asking", says, max(they, begin))
        return not self._says("me_asking", other, begin)

    def _goes_on(self, other: Span, at: int) -> bool:
        """Another person owns the rest of the chunk; what follows the comma only where something befell them."""
        comma = _around(self.text.chunks, other, len(self.text.words))[1]
        return at < comma or self._says("befell", other[0], comma) or self._says("they", comma, at)

    def _is_beside_the_point(self, other: Span) -> bool:
        """Only likened to, or spoken with: "barking like a dog", "talked to my sister and had no breath"."""
        at = other[0]
        return self._says("likened", at - 2, at) or any(
            stop >= at for _, stop in self._within("towards", at - 4, at + 1)
        )

    def _is_of_another(self, reach: _Reach) -> bool:
        """The part of the body that the match begins with is another's: "the smile of my brother is crooked"."""
        begin, last = reach.match[0], reach.chunk[1]
        of = next((stop for _, stop in self._within("of", begin + 1, min(begin + _OF_WORDS, last))), None)
        other = of and next((stop for start, stop in self._within("others", of, last) if start <= of + 1), None)
        return other is not None and not self._says("me", other, reach.match[1])

    def _goes_on_about_another(self, reach: _Reach) -> bool:
        """Nothing of the patient's; the sentence before was of somebody else, and this is one of "she", or tells what
        came over that person: "My uncle got a stroke. Face dropped, arm useless."."""
        first, last = reach.sentence
        if first == 0 or self._says("me", first, last):
            return False
        before, _ = _around(self.text.sentences, (first - 1, first), len(self.text.words))
        other = max((stop for _, stop in self._within("others", before, first)), default=None)
        if other is None or self._says("me", other, first):
            return False
        if self._says("they", first, min(first + 1, reach.match[0])):
            return True
        return self._says("befell", other, first) and not self._says("says", before, first)

    def _is_addressed(self, other: Span, reach: _Reach) -> bool:
        """Spoken to, and the patient: "my daughter says mum, you are blue"."""
        called = self._says("says", max(reach.told, other[0] - _CALL_WORDS), other[0])
        return called and self._says("addressed", other[1], reach.match[1])

    def _is_a_things(self, reach: _Reach) -> bool:
        """Said of something that is no word of the lexicon: "the tent has collapsed", "my kettle was whistling"."""
        left, begin = max(reach.part[0], reach.match[0] - _THING_REACH), reach.match[0]
        for link, stop in self._within("links", left, begin + 1):
            named = [at for _, at in self._within("determiners", left, link) if link - _NAME_WORDS <= at < link]
            if (
                named
                and self.text.is_strange[link - 1]
                and not self._says("me_asking", named[-1], begin)
                and stop + 3 > begin
            ):
                return True
        return False

    def _is_denied(self, reach: _Reach) -> bool:
        left, begin, chunk = reach.part[0], reach.match[0], reach.chunk[0]
        continues = chunk == begin or (self._says("joins", chunk, begin) and not self._says("me", chunk, begin))
        is_list = (
            chunk > left
            and continues
            and not self._says("deny", *reach.match)
            and not self._says("now", begin, reach.sentence[1])
        )
        first = max(left if is_list else chunk, begin - DENY_REACH)
        after = max((stop for _, stop in self._within("stops", first, begin)), default=first)
        return any(stop >= after for _, stop in self._within("deny", first, begin))

    def _is_denied_after(self, reach: _Reach) -> bool:
        end = reach.match[1]
        last = min(reach.chunk[1], end + AFTER_REACH)
        if any(start == end for start, _ in self._within("deny_next", end, last)):
            return True
        last = min((start for start, _ in self._within("stops", end, last)), default=last)
        denied = (one for one in self._within("deny_after", end, last) if not self._is_of_other(one, reach))
        return any(not self._says("returns", stop, reach.sentence[1]) for _, stop in denied)


def scope_of(text: Text, cues: Mapping[str, Cue]) -> Scope:
    """The cues of a text, each with where it stands."""
    found: dict[str, Sequence[Span]] = {name: cue.spans(text) for name, cue in cues.items()}
    idioms = found["never_mind"]
    for name in HUSHED if idioms else ():
        found[name] = [cue for cue in found[name] if not any(_is_in_idiom(cue, idiom) for idiom in idioms)]
    done_to = {at for start, stop in found["done_to"] for at in range(start, stop)}
    found["me_asking"] = [span for span in found["me"] if span[0] not in done_to]
    found["others"] = sorted({*found["others"], *_named(text, found)})
    ends = {*text.chunks, len(text.words)}
    alone = {span for span in found["past_alone"] if ends.issuperset(span)}
    for name in ("past", "over"):
        found[name] = sorted({*found[name], *alone})
    return Scope(text, found)


def _named(text: Text, found: Mapping[str, Sequence[Span]]) -> Iterator[Span]:
    """People by their names: a word that is none of the lexicon's, without "the" or "my", does something."""
    starts = {*text.chunks, *(stop for _, stop in found["before_names"])}
    for start, _ in found["names_do"]:
        at = start - 1
        if at in starts and start not in text.chunks and text.is_strange[at] and text.words[at].isalpha():
            yield at, start


def _is_in_idiom(cue: Span, idiom: Span) -> bool:
    """Whether a cue is part of an idiom that is no shorter: "dont want to" is one, "dont want to get" a fear."""
    return idiom[0] < cue[1] and cue[0] < idiom[1] and cue[1] - cue[0] <= idiom[1] - idiom[0]


def _around(starts: Sequence[int], match: Span, length: int) -> Span:
    """From the start before the match to the one after it."""
    begin, end = match
    before, after = bisect_right(starts, begin) - 1, bisect_left(starts, end)
    return starts[before], starts[after] if after < len(starts) else length
