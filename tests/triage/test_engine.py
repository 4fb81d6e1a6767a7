"""The engine: every rule fires where it should, and stays silent just short of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.triage.engine import assess
from companion.triage.observation import SYMPTOMS, AreaReport, Assessment, Context, Disposition, Observation, Visit
from companion.triage.protocol import load_shipped_protocol

PROTOCOL = load_shipped_protocol()
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


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
    return assess(observation, Context((visit,), open_case), PROTOCOL)


def rules_of(assessment: Assessment) -> set[str]:
    return {reason.rule for reason in assessment.reasons}


@pytest.mark.parametrize("group", ["light", "booster", "lipolytic"])
@pytest.mark.parametrize("symptom", SYMPTOMS)
@pytest.mark.parametrize("grade", [1, 2, 3])
def test_each_window_ends_at_its_hour(group: str, symptom: str, grade: int) -> None:
    agent = next(agent for agent, of in PROTOCOL.agents.items() if of == group)
    limit = PROTOCOL.windows[group][symptom][grade - 1]
    rule = f"window_{group}_{symptom}"
    assert rule not in rules_of(judge(limit, {symptom: grade}, area="thighs", agents=(agent,)))
    late = judge(limit + 0.1, {symptom: grade}, area="thighs", agents=(agent,))
    assert rule in rules_of(late)
    assert late.disposition == PROTOCOL.outside[grade]


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


@pytest.mark.parametrize(
    ("fires", "silent", "rule"),
    [
        ({"temperature_c": 38.0}, {"temperature_c": 37.9}, "fever"),
        (
            {"temperature_c": 38.0, "warning_signs": frozenset({"spreading_redness_warm"})},
            {"temperature_c": 37.9, "warning_signs": frozenset({"spreading_redness_warm"})},
            "fever_spreading_redness",
        ),
        (
            {"temperature_c": 35.9, "warning_signs": frozenset({"pus_or_discharge"})},
            {"temperature_c": 36.0, "warning_signs": frozenset({"pus_or_discharge"})},
            "low_temperature_infection",
        ),
        (
            {"warning_signs": frozenset({"widespread_hives", "repeated_vomiting"})},
            {"warning_signs": frozenset({"widespread_hives"})},
            "skin_and_vomiting",
        ),
        (
            {"warning_signs": frozenset({"blister_cluster", "red_or_painful_eye"})},
            {"warning_signs": frozenset({"blister_cluster"})},
            "blisters_near_eye",
        ),
        (
            {"grades": {"redness": 3}, "warnings_answered": False},
            {"grades": {"redness": 2}, "warnings_answered": False},
            "warnings_skipped",
        ),
        ({"feels": "now"}, {"feels": "can_wait"}, "feels_now"),
        ({"feels": "today"}, {"feels": "can_wait"}, "feels_today"),
        ({"open_case": Disposition.CLINIC_SAME_DAY}, {}, "open_case"),
        ({"not_sure": frozenset({"any"})}, {}, "unsure_any"),
    ],
)
def test_each_rule_fires_and_nearly_misses(fires: dict, silent: dict, rule: str) -> None:  # type: ignore[type-arg]
    level = PROTOCOL.rules[rule].level
    assert rule in rules_of(judge(5, **fires))
    assert judge(5, **fires).disposition >= level
    assert rule not in rules_of(judge(5, **silent))


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
    assert assess(observation, Context(), PROTOCOL).disposition is Disposition.CLINIC_SAME_DAY


def test_a_time_that_cannot_be_right_is_judged_at_both_times() -> None:
    observation = Observation(
        noted_at=START - timedelta(days=1),
        received_at=START + timedelta(hours=60),
        areas={"face": AreaReport({"redness": 3})},
    )
    visit = Visit(START, frozenset({"face"}), frozenset({"vitamins"}))
    result = assess(observation, Context((visit,)), PROTOCOL)
    assert result.disposition is Disposition.CLINIC_SAME_DAY
    assert "time_in_doubt" in result.unjudged


grades = st.dictionaries(st.sampled_from(SYMPTOMS), st.integers(0, 4))
signs = st.frozensets(st.sampled_from(sorted(PROTOCOL.signs)), max_size=3)


@given(st.floats(0, 5000), grades, signs, st.sampled_from(sorted(PROTOCOL.agents)), st.sampled_from(SYMPTOMS))
def test_a_higher_grade_never_lowers_the_answer(
    hours: float, given_grades: dict[str, int], given_signs: frozenset[str], agent: str, symptom: str
) -> None:
    before = judge(hours, given_grades, agents=(agent,), warning_signs=given_signs)
    worse = {**given_grades, symptom: min(4, given_grades.get(symptom, 0) + 1)}
    after = judge(hours, worse, agents=(agent,), warning_signs=given_signs)
    assert after.disposition >= before.disposition


@given(st.floats(0, 5000), grades, signs, st.sampled_from(sorted(PROTOCOL.signs)))
def test_another_warning_sign_never_lowers_the_answer(
    hours: float, given_grades: dict[str, int], given_signs: frozenset[str], sign: str
) -> None:
    before = judge(hours, given_grades, warning_signs=given_signs)
    after = judge(hours, given_grades, warning_signs=given_signs | {sign})
    assert after.disposition >= before.disposition
