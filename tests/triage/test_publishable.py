"""What triage could read and a clinic must not publish: rules switched off by a slip, conditions nobody looks at."""

import tomllib

import pytest

from companion.triage import publishable
from companion.triage.protocol import AGENT_GROUPS, TRENDS
from companion.triage.reader import SHIPPED, ProtocolError, parse, parse_published
from companion.triage.sections import read

GOOD = SHIPPED.read_text(encoding="utf-8")

Edit = tuple[str, str]


def entry(name: str, find: str, put: str) -> Edit:
    """An edit within one entry of the shipped file: what stands there from its id on, and what then stands there."""
    start = GOOD.index(f'\nid = "{name}"\n') + 1
    whole = GOOD[start : GOOD.index(find, start) + len(find)]
    return whole, whole.removesuffix(find) + put


def without(section: str, name: str) -> Edit:
    """The edit that removes an entry."""
    start = GOOD.index(f'[[{section}]]\nid = "{name}"\n')
    return GOOD[start : GOOD.index("\n\n", start) + 2], ""


def mark(text: str) -> Edit:
    """No change, but the line that must be named begins here."""
    return text, f"¶{text}"


_URGENT = "clinic_urgent_1h = { acknowledge_minutes = 10, contact_minutes = "
# What is wrong: the edits, with "¶" in the line that must be named, and the words of the refusal.
BREAKS: dict[str, tuple[list[Edit], str]] = {
    "open case": ([entry("open_case", "level = ", "¶level = 'self_care' # ")], "at least clinic_routine"),
    "unknown sign": ([entry("unknown_sign", "level = ", "¶level = 'self_care' # ")], "at least clinic_urgent_1h"),
    "unsure": ([entry("unsure_any", "level = ", "¶level = 'clinic_same_day' # ")], "at least clinic_urgent_1h"),
    "help now": ([entry("feels_now", "level = ", "¶level = 'clinic_routine' # ")], "at least clinic_same_day"),
    "severe": ([entry("severe_without_visit", "level = ", "¶level = 'self_care' # ")], "at least clinic_same_day"),
    "skipped": (
        [entry("warnings_skipped", "level = ", "¶level = 'self_care' # ")],
        'level of rule "warnings_skipped" must be at least clinic_same_day',
    ),
    "skipped, of no grade": ([entry("warnings_skipped", "limit = 3", "¶limit = 4")], "whole grade from 1 to 3"),
    "a sign without weight": (
        [entry("skin_black", "level = ", "¶level = 'self_care' # ")],
        'level of sign "skin_black" must be at least clinic_routine',
    ),
    "a trend without weight": ([entry("two_rises", "level = ", "¶level = 'self_care' # ")], "at least clinic_routine"),
    "windows without weight": ([('1 = "clinic_', '¶1 = "self_care" # "')], "outside.1 must be at least clinic_routine"),
    "allergy lowered": (
        [entry("skin_and_vomiting", "level = ", "¶level = 'clinic_urgent_1h' # ")],
        'level of combination "skin_and_vomiting" must be at least emergency',
    ),
    "allergy removed": (
        [mark("[[combination]]"), without("combination", "skin_and_vomiting")],
        "combination lacks 'skin_and_vomiting', which must stay an emergency",
    ),
    "allergy narrowed": (
        [mark('[[combination]]\nid = "skin_and_'), entry("skin_and_vomiting", "level", "until = 24\nlevel")],
        "must hold for repeated_vomiting with any of",
    ),
    "allergy of hives only": (
        [mark('[[combination]]\nid = "skin_and_'), (', "swelling_outside_treated_area_face"]', "]")],
        "must hold for repeated_vomiting with any of",
    ),
    "late onset of nothing": (
        [mark('[[trend]]\nid = "late_onset"'), entry("late_onset", "symptoms = ", "#")],
        "trend \"late_onset\" lacks 'symptoms'",
    ),
    "late onset without an end": (
        [mark('[[trend]]\nid = "late_onset"'), entry("late_onset", "until = ", "# ")],
        "trend \"late_onset\" lacks 'until'",
    ),
    "late onset that ends first": ([entry("late_onset", "until = ", "¶until = 168 # ")], "until .* later than after"),
    "late onset never quiet": ([entry("late_onset", "quiet = ", "¶quiet = 0 # ")], "quiet .* above 0"),
    "late onset of no group": (
        [entry("late_onset", "not_groups = [", '¶not_groups = ["booster", "light", ')],
        "not_groups .* must leave a group",
    ),
    "early after late": ([entry("rise_by_two", "early_after = ", "¶early_after = 48 # ")], "earlier than after"),
    "early, at no time": (
        [mark('[[trend]]\nid = "rise_by_two"'), entry("rise_by_two", "early_after = ", "# ")],
        "needs both early and early_after, or neither",
    ),
    "a patch at no time": (
        [mark('[[trend]]\nid = "growing_patch"'), entry("growing_patch", "after = ", "# ")],
        "trend \"growing_patch\" lacks 'after'",
    ),
    "half a grade": ([entry("rise_by_two", "limit = 2", "¶limit = 0.5")], "whole grade from 1 to 4"),
    "a grade of 99": ([entry("rise_after_peak", "limit = 2", "¶limit = 99")], "whole grade from 1 to 4"),
    "a patch of metres": ([entry("large_patch", "limit = ", "¶limit = 10")], "at most 50: else the rule never fires"),
    "silence for years": ([entry("silence", "limit = ", "¶limit = 900")], 'limit of rule "silence" must be at most'),
    "a window of years": ([("[96, 48, 24]", "¶[96000, 48, 24]")], "windows.light.redness must be at most 8784 hours"),
    "a peak of years": ([("swelling = 96\n", "¶swelling = 96000\n")], "peaks.lipolytic.swelling must be at most"),
    "a trend after years": ([entry("large_patch", "after = ", "¶after = 480")], "after of trend .* at most 8784"),
    "a number that is only shown": ([entry("feels_now", "limit = ", "¶limit = 2")], "must be 1: triage fixes this"),
    "quiet where nobody asks": ([entry("large_patch", "after", "¶quiet = 3\nafter")], "quiet .* nothing that triage"),
    "symptoms where nobody asks": (
        [entry("rise_after_peak", "limit", '¶symptoms = ["pain"]\nlimit')],
        'symptoms of trend "rise_after_peak" is nothing that triage looks at',
    ),
    "a grade of nothing": ([entry("fever", "until", "¶at_least = 3\nuntil")], "at_least .* needs a symptom"),
    "a sign asked twice": (
        [entry("low_temperature_infection", "any_sign", 'signs = ["open_sore"]\n¶any_sign')],
        "any_sign .* which signs asks for already",
    ),
    "fever at once": ([entry("fever", "until = ", "¶until = 0 # ")], "until .* above 0"),
    "a missing peak": ([mark("[peaks]"), ("\nredness = 48\n", "\n")], "peaks lacks 'redness'"),
    "a missing group": ([mark("[agents]"), ('lipolytic = ["', '# ["')], "agents lacks 'lipolytic'"),
    "a window that no agent needs": (
        [("[area_windows.lips]\nswelling = ", "[area_windows.lips]\n¶swelling = [1, 1, 1] # ")],
        "area_windows.lips.swelling changes nothing",
    ),
    "an hour of two": ([(_URGENT, f"¶{_URGENT}1")], "service.clinic_urgent_1h must be answered within 60 minutes"),
    "a day of weeks": ([("contact_minutes = 240", "¶contact_minutes = 24000")], "clinic_same_day .* within 1440"),
    "a name with a path": ([('name = "mesotherapy', '¶name = "own/new')], "protocol.name must be of letters"),
    "a group of that name": (
        [('id = "eye"', '¶id = "any"'), *[('group = "eye"', 'group = "any"')] * 2],
        "id of group \"any\" must be .* not 'any'",
    ),
    "an id with a blank": ([('id = "worst_pain"', '¶id = "worst pain"')], "small letters, digits and _"),
}
for _taken in ("window_light_pain", "sign_seizure", "words_seizure", "unsure_eye", "triage_failed"):
    BREAKS[f"an id of triage: {_taken}"] = ([('id = "worst_pain"', f'¶id = "{_taken}"')], "a name that triage gives")


def broken(edits: list[Edit]) -> tuple[str, int]:
    """The shipped file with these edits, and the line that is marked in it."""
    text = GOOD
    for find, put in edits:
        assert find in text, find
        text = text.replace(find, put, 1)
    before, _, after = text.partition("¶")
    assert "¶" not in after
    return before + after, before.count("\n") + 1


@pytest.mark.parametrize("name", BREAKS)
def test_what_must_not_be_published_is_refused_with_its_line(name: str) -> None:
    edits, words = BREAKS[name]
    text, line = broken(edits)
    with pytest.raises(ProtocolError, match=rf"^own\.toml, line {line}: .*{words}"):
        parse(text, "own.toml")


@pytest.mark.parametrize("name", BREAKS)
def test_a_version_that_was_published_before_a_check_was_added_is_still_read(name: str) -> None:
    text, _ = broken(BREAKS[name][0])
    assert parse_published(text, "stored").version


def test_every_trend_has_its_keys_and_the_shipped_file_uses_no_others() -> None:
    assert set(publishable.TREND_KEYS) == TRENDS
    content = tomllib.loads(GOOD)
    publishable.check(content, read(content))
    assert all(set(peaks) >= set(publishable.PEAKED) for peaks in read(content).peaks.values())
    assert set(content["agents"]) == set(AGENT_GROUPS)


@pytest.mark.parametrize("section", ["sign", "combination"])
def test_what_belongs_to_the_clinic_may_be_removed_lowered_or_added(section: str) -> None:
    removed = {"sign": "swollen_glands", "combination": "blisters_near_eye"}[section]
    text = GOOD.replace(*without(section, removed))
    text = text.replace(*entry("difficulty_swallowing", "level = ", "level = 'clinic_same_day' # "))
    assert removed not in parse(text, "own.toml").entries
