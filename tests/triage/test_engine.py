"""The engine: every rule fires where it should, and stays silent just short of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.schedule.rules import is_late_check, plan_for
from companion.triage.engine import assess, silence
from companion.triage.observation import SYMPTOMS, AreaReport, Assessment, Context, Disposition, Observation, Visit
from companion.triage.reader import load_shipped_protocol
from tests.triage.situations import SITUATIONS, START, Log, Situation, at, log, then

PROTOCOL = load_shipped_protocol()


def judge(
    hours: float,
    grades: dict[str, int] | None = None,
    *,
    area: str = "face",
    agents: tuple[str, ...] = ("vitamins",),
    size: float | None = None,
    open_case: Disposition | None = None,
    **more: object,
) -> Assessment:
    observation = Observation(
        noted_at=START + timedelta(hours=hours),
        areas={area: AreaReport(grades or {}, redness_cm=size)},
        **more,  # type: ignore[arg-type]
    )
    visit = Visit(START, frozenset({area}), frozenset(agents))
    return assess(observation, [], Context((visit,), open_case), PROTOCOL)


def rules_of(assessment: Assessment) -> set[str]:
    return {reason.rule for reason in assessment.reasons}


@pytest.mark.parametrize("group", ["light", "booster", "lipolytic"])
@pytest.mark.parametrize("symptom", SYMPTOMS)
@pytest.mark.parametrize("grade", [1, 2, 3])
def test_each_window_ends_at_its_hour(group: str, symptom: str, grade: int) -> None:
    agent = next(agent for agent, of in PROTOCOL.agents.items() if of == group)
    limit = PROTOCOL.windows[group][""][symptom].hours[grade - 1]
    rule = f"window_{group}_{symptom}"
    assert rule not in rules_of(judge(limit, {symptom: grade}, area="thighs", agents=(agent,)))
    late = judge(limit + 0.1, {symptom: grade}, area="thighs", agents=(agent,))
    assert rule in rules_of(late)
    assert next(reason.level for reason in late.reasons if reason.rule == rule) is PROTOCOL.outside[grade]


@pytest.mark.parametrize("area", ["periorbital", "lips"])
def test_eyelids_and_lips_swell_longer(area: str) -> None:
    assert judge(40, {"swelling": 3}, area=area).disposition is Disposition.SELF_CARE
    assert judge(40, {"swelling": 3}, area="neck").disposition is Disposition.CLINIC_SAME_DAY


def test_an_area_never_shortens_the_window_of_the_agent() -> None:
    booster = ("polynucleotides",)
    assert judge(300, {"swelling": 1}, area="lips", agents=booster).disposition is Disposition.SELF_CARE


@pytest.mark.parametrize("sign", sorted(PROTOCOL.signs))
def test_each_warning_sign_counts_at_its_level(sign: str) -> None:
    assert judge(5, warning_signs=frozenset({sign})).disposition is PROTOCOL.signs[sign].level
    assert judge(5).disposition is Disposition.SELF_CARE


@pytest.mark.parametrize("group", PROTOCOL.groups, ids=lambda group: group.id)
def test_not_sure_counts_as_the_worst_sign_of_the_group(group: object) -> None:
    name, level = group.id, group.level  # type: ignore[attr-defined]
    assert judge(5, not_sure=frozenset({name})).disposition is level


def test_a_sign_that_nobody_knows_is_urgent() -> None:
    assert judge(5, warning_signs=frozenset({"green_ears"})).disposition is Disposition.CLINIC_URGENT_1H


@pytest.mark.parametrize("rule", sorted(set(PROTOCOL.entries) - set(PROTOCOL.signs) - {"silence"}))
def test_each_rule_fires_and_nearly_misses(rule: str) -> None:
    fires, misses = SITUATIONS[rule]
    found = fires.judge(PROTOCOL)
    assert rule in rules_of(found)
    assert found.disposition >= PROTOCOL.entries[rule].level
    assert rule not in rules_of(misses.judge(PROTOCOL))


@pytest.mark.parametrize("rule", sorted(set(PROTOCOL.trends) | {one.id for one in PROTOCOL.combinations}))
def test_without_a_rule_some_answer_changes(rule: str) -> None:
    never = replace(PROTOCOL.trends[rule], limit=1e9) if rule in PROTOCOL.trends else None
    without = replace(
        PROTOCOL,
        trends={**PROTOCOL.trends, **({rule: never} if never else {})},
        combinations=tuple(one for one in PROTOCOL.combinations if one.id != rule),
    )
    fires, _ = SITUATIONS[rule]
    assert fires.judge(without).disposition < fires.judge(PROTOCOL).disposition


@pytest.mark.parametrize("sign", sorted(PROTOCOL.signs))
def test_no_sign_is_implied_by_another_rule(sign: str) -> None:
    alone = at(5, signs=[sign]).judge(PROTOCOL)
    assert [reason.rule for reason in alone.reasons] == [f"sign_{sign}"]


def test_silence_after_something_severe_is_looked_after() -> None:
    def told(grade: int) -> Observation:
        return Observation(START, {"face": AreaReport({"swelling": grade})})

    later = START + timedelta(hours=72)
    found = silence([told(3)], later, PROTOCOL)
    assert found is not None
    assert (found.rule, found.level) == ("silence", Disposition.CLINIC_ROUTINE)
    assert silence([told(3)], later - timedelta(minutes=1), PROTOCOL) is None
    assert silence([told(2)], later, PROTOCOL) is None
    assert silence([], later, PROTOCOL) is None


def test_a_symptom_belongs_to_the_latest_session_of_its_area() -> None:
    both = (0.0, 500.0)
    assert then(log(508, redness=2), visits=both).judge(PROTOCOL).disposition is Disposition.SELF_CARE
    assert then(log(508, redness=2)).judge(PROTOCOL).disposition is Disposition.CLINIC_SAME_DAY


def test_what_the_latest_session_does_not_explain_may_be_late_after_an_earlier_one() -> None:
    late = then(log(480, swelling=0), log(580, swelling=2), visits=(0.0, 500.0)).judge(PROTOCOL)
    assert {"late_onset", "window_light_swelling"} <= rules_of(late)
    hours = {reason.rule: reason.hours for reason in late.reasons}
    assert (hours["late_onset"], hours["window_light_swelling"]) == (580, 80)


def test_late_onset_ends_a_week_after_the_last_late_check_and_spares_lipolytic_agents() -> None:
    assert "late_onset" in rules_of(at(24 * 176, redness=2).judge(PROTOCOL))
    assert "late_onset" not in rules_of(at(24 * 176 + 1, redness=2).judge(PROTOCOL))
    assert "late_onset" not in rules_of(at(200, redness=2, agents=("deoxycholate",)).judge(PROTOCOL))


@pytest.mark.parametrize("zone", ["Europe/London", "America/St_Johns", "Australia/Lord_Howe"])
@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("hour", [0, 9, 23])
def test_the_last_late_check_is_judged_by_late_onset_to_its_end(zone: str, month: int, hour: int) -> None:
    visit = datetime(2026, month, 28, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    checks = [item for item in plan_for(state="done", starts_at=visit, zone=zone) if is_late_check(item.slot)]
    ends = max(item.expires_at for item in checks)
    found = at((ends - visit).total_seconds() / 3600, redness=2).judge(PROTOCOL)
    assert found.disposition is Disposition.CLINIC_SAME_DAY


def test_an_area_that_was_treated_earlier_keeps_its_own_clock() -> None:
    visits = (
        Visit(START, frozenset({"neck"}), frozenset({"vitamins"})),
        Visit(START + timedelta(hours=500), frozenset({"face"}), frozenset({"vitamins"})),
    )
    entry = Observation(
        START + timedelta(hours=510), {"neck": AreaReport({"redness": 2}), "face": AreaReport({"redness": 2})}
    )
    found = assess(entry, [], Context(visits), PROTOCOL)
    assert {(reason.rule, reason.area) for reason in found.reasons} == {
        ("window_light_redness", "neck"),
        ("late_onset", "neck"),
    }


def test_what_was_not_asked_before_is_no_rise() -> None:
    unasked = then(log(50, pain=1), log(100, swelling=2)).judge(PROTOCOL)
    assert rules_of(unasked) == {"window_light_swelling"}


def test_a_late_sent_entry_is_judged_by_the_time_it_was_so() -> None:
    entry = Observation(
        START + timedelta(hours=20),
        {"face": AreaReport({"redness": 3})},
        received_at=START + timedelta(hours=90),
    )
    visit = Visit(START, frozenset({"face"}), frozenset({"vitamins"}))
    assert assess(entry, [], Context((visit,)), PROTOCOL).disposition is Disposition.SELF_CARE


def test_what_moved_is_named() -> None:
    moved = then(log(60, redness=1, pain=1), log(100, redness=2, pain=3)).judge(PROTOCOL)
    named = {(reason.rule, reason.symptom) for reason in moved.reasons if not reason.rule.startswith("window_")}
    assert named == {("rise_after_peak", "redness"), ("rise_after_peak", "pain"), ("rise_by_two", "pain")}
    grown = then(log(30, redness=1, patch=2), log(60, redness=1, patch=4.5)).judge(PROTOCOL)
    assert ("growing_patch", "redness") in {(reason.rule, reason.symptom) for reason in grown.reasons}


def test_an_expected_level_bears_on_windows_only() -> None:
    strong = then(log(60, redness=1), log(100, redness=2), expected=(("redness", 2),))
    assert rules_of(strong.judge(PROTOCOL)) == {"rise_after_peak"}
    steady = then(log(90, redness=2), log(100, redness=2), expected=(("redness", 2),))
    assert steady.judge(PROTOCOL).disposition is Disposition.SELF_CARE
    assert replace(steady, expected=()).judge(PROTOCOL).disposition is Disposition.CLINIC_ROUTINE
    sign = then(log(100, redness=2, signs=["open_sore"]), expected=(("redness", 2),))
    assert sign.judge(PROTOCOL).disposition is Disposition.CLINIC_SAME_DAY


def test_an_expected_level_hides_no_late_onset_of_an_earlier_session() -> None:
    late = then(log(480, swelling=0), log(580, swelling=2), visits=(0.0, 500.0), expected=(("swelling", 2),))
    assert rules_of(late.judge(PROTOCOL)) == {"late_onset"}


def test_fever_counts_for_four_weeks() -> None:
    assert judge(28 * 24, temperature_c=38.5).disposition is Disposition.CLINIC_SAME_DAY
    assert "fever" not in rules_of(judge(28 * 24 + 1, temperature_c=38.5))


def test_fever_with_a_red_eyelid_is_urgent() -> None:
    hot = judge(20, {"redness": 2}, area="periorbital", temperature_c=38.2)
    assert hot.disposition is Disposition.CLINIC_URGENT_1H
    pale = judge(20, {"redness": 1}, area="periorbital", temperature_c=38.2)
    assert pale.disposition is Disposition.CLINIC_SAME_DAY


def test_severe_pain_after_crosslinked_filler_in_the_face_is_urgent() -> None:
    filler = ("vitamins", "ha_filler_crosslinked")
    assert judge(3, {"pain": 3}, agents=filler).disposition is Disposition.CLINIC_URGENT_1H
    assert "pain_after_crosslinked" not in rules_of(judge(3, {"pain": 3}, area="thighs", agents=filler))
    assert "pain_after_crosslinked" not in rules_of(judge(73, {"pain": 3}, agents=filler))


def test_a_patch_of_more_than_five_cm_counts_after_two_days() -> None:
    assert judge(49, {"redness": 1}, size=5.1).disposition is Disposition.CLINIC_SAME_DAY
    assert judge(49, {"redness": 1}, size=5.0).disposition is Disposition.SELF_CARE
    assert judge(48, {"redness": 1}, size=5.1).disposition is Disposition.SELF_CARE


@pytest.mark.parametrize("first", [0.3, 2.1, 2.2, 7.7, 15.9])
def test_a_patch_that_has_grown_by_just_two_cm_counts_whatever_the_fractions_say(first: float) -> None:
    def grown_by(millimetres: int) -> set[str]:
        size = round(10 * first + millimetres) / 10
        return rules_of(then(log(50, patch=first), log(70, patch=size)).judge(PROTOCOL))

    assert "growing_patch" in grown_by(20)
    assert "growing_patch" not in grown_by(19)


@pytest.mark.parametrize("first", [0.8, 1.1, 3.6, 15.4])
def test_two_rises_of_just_one_and_a_half_cm_count_whatever_the_fractions_say(first: float) -> None:
    def risen_by(millimetres: int) -> set[str]:
        sizes = [round(10 * first + more) / 10 for more in (0, 5, millimetres)]
        return rules_of(then(*(log(50 + 20 * n, patch=size) for n, size in enumerate(sizes))).judge(PROTOCOL))

    assert "two_rises" in risen_by(15)
    assert "two_rises" not in risen_by(14)


def test_a_line_that_was_passed_counts_also_where_no_session_is_known_and_one_that_holds_never_does() -> None:
    unknown = then(log(5, redness=1, line=True), visits=()).judge(PROTOCOL)
    assert unknown.disposition is Disposition.CLINIC_SAME_DAY
    assert at(60, redness=1, line=False).judge(PROTOCOL).disposition is Disposition.SELF_CARE


def test_the_worst_pain_is_urgent_at_any_hour() -> None:
    assert judge(1, {"pain": 4}).disposition is Disposition.CLINIC_URGENT_1H


def test_an_implausible_temperature_is_named_and_ignored() -> None:
    odd = judge(30, temperature_c=73.4)
    assert odd.disposition is Disposition.SELF_CARE
    assert "temperature_implausible" in odd.unjudged


def test_an_unknown_agent_gets_the_strictest_windows_and_is_named() -> None:
    odd = judge(60, {"redness": 2}, agents=("moon_dust",))
    assert odd.disposition is Disposition.CLINIC_ROUTINE
    assert "unknown_agent:face" in odd.unjudged


def test_an_area_that_was_never_treated_is_judged_with_caution() -> None:
    observation = Observation(noted_at=START, areas={"knees": AreaReport({"pain": 3})})
    assert assess(observation, [], Context(), PROTOCOL).disposition is Disposition.CLINIC_SAME_DAY


def test_a_time_that_cannot_be_right_is_judged_at_both_times() -> None:
    observation = Observation(
        noted_at=START - timedelta(days=1),
        received_at=START + timedelta(hours=60),
        areas={"face": AreaReport({"redness": 3})},
    )
    visit = Visit(START, frozenset({"face"}), frozenset({"vitamins"}))
    result = assess(observation, [], Context((visit,)), PROTOCOL)
    assert result.disposition is Disposition.CLINIC_SAME_DAY
    assert "time_in_doubt" in result.unjudged


LOGS = st.builds(
    Log,
    hours=st.floats(0, 5000),
    grades=st.dictionaries(st.sampled_from(SYMPTOMS), st.integers(0, 4)).map(lambda found: tuple(found.items())),
    patch=st.none() | st.floats(0.1, 50),
    signs=st.frozensets(st.sampled_from(sorted(PROTOCOL.signs)), max_size=3),
    temperature=st.none() | st.floats(20, 60),
    answered=st.booleans(),
    feels=st.sampled_from(["can_wait", "today", "now"]),
)
ANY = st.builds(
    Situation,
    logs=st.lists(LOGS, min_size=1, max_size=5).map(tuple),
    area=st.sampled_from(["face", "periorbital", "thighs"]),
    agents=st.frozensets(st.sampled_from([*sorted(PROTOCOL.agents), "moon_dust"]), min_size=1, max_size=2),
    visits=st.lists(st.floats(0, 3000), max_size=3).map(tuple),
    open_case=st.none() | st.sampled_from(list(Disposition)),
)


@given(ANY, st.sampled_from(SYMPTOMS))
def test_a_higher_grade_of_the_entry_never_lowers_its_answer(situation: Situation, symptom: str) -> None:
    *earlier, last = situation.logs
    grades = dict(last.grades)
    if symptom not in grades:
        return
    worse = replace(last, grades=tuple({**grades, symptom: min(4, grades[symptom] + 1)}.items()))
    after = replace(situation, logs=(*earlier, worse)).judge(PROTOCOL)
    assert after.disposition >= situation.judge(PROTOCOL).disposition


@given(ANY, st.sampled_from(sorted(PROTOCOL.signs)))
def test_another_warning_sign_of_the_entry_never_lowers_its_answer(situation: Situation, sign: str) -> None:
    *earlier, last = situation.logs
    more = replace(last, signs=last.signs | {sign})
    after = replace(situation, logs=(*earlier, more)).judge(PROTOCOL)
    assert after.disposition >= situation.judge(PROTOCOL).disposition


@given(ANY, st.randoms(use_true_random=False))
def test_the_order_of_what_came_before_does_not_matter_and_equal_inputs_give_equal_answers(
    situation: Situation, chance: Random
) -> None:
    *earlier, last = situation.logs
    if len({START + timedelta(hours=one.hours) for one in earlier}) < len(earlier):
        return  # of two entries at one instant neither came before
    shuffled = list(earlier)
    chance.shuffle(shuffled)
    first = situation.judge(PROTOCOL)
    assert replace(situation, logs=(*shuffled, last)).judge(PROTOCOL) == first == situation.judge(PROTOCOL)
    assert list(first.reasons) == sorted(first.reasons, key=lambda reason: -reason.level)


@given(ANY, st.permutations(["face", "neck", "thighs"]))
def test_the_order_of_areas_does_not_matter(situation: Situation, order: list[str]) -> None:
    report = AreaReport(dict(situation.logs[-1].grades))
    visit = Visit(START, frozenset(order), situation.agents)

    def judged(areas: list[str]) -> Assessment:
        at_ = START + timedelta(hours=situation.logs[-1].hours)
        return assess(Observation(at_, dict.fromkeys(areas, report)), [], Context((visit,)), PROTOCOL)

    assert judged(order) == judged(sorted(order))


def test_reasons_of_one_rule_are_ordered_by_area_and_symptom() -> None:
    report = AreaReport({"bumps": 2, "pain": 2, "swelling": 2})
    visit = Visit(START, frozenset({"face", "neck"}), frozenset({"vitamins"}))
    seen = Observation(START + timedelta(hours=1309), {"neck": report, "face": report})
    told = [(one.area, one.symptom) for one in assess(seen, [], Context((visit,)), PROTOCOL).reasons if one.symptom]
    assert len(told) == 6
    assert told == sorted(told)
