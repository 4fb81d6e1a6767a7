"""Several visits: which of them a rule looks at, and that their order in a list says nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.triage.engine import assess, expected_course
from companion.triage.observation import (
    AREAS,
    SYMPTOMS,
    AreaReport,
    Assessment,
    Context,
    Disposition,
    Observation,
    Visit,
)
from companion.triage.reader import load_shipped_protocol
from tests.triage.situations import START

PROTOCOL = load_shipped_protocol()
URGENT, SAME_DAY = Disposition.CLINIC_URGENT_1H, Disposition.CLINIC_SAME_DAY


def visit(hours: float, areas: str, agents: str) -> Visit:
    return Visit(START + timedelta(hours=hours), frozenset(areas.split()), frozenset(agents.split()))


def judge(
    hours: float, areas: dict[str, dict[str, int]], *visits: Visit, temperature: float | None = None
) -> Assessment:
    reports = {area: AreaReport(grades) for area, grades in areas.items()}
    entry = Observation(START + timedelta(hours=hours), reports, temperature_c=temperature)
    return assess(entry, [], Context(visits), PROTOCOL)


FILLED = visit(0, "face", "ha_filler_crosslinked")


@pytest.mark.parametrize("later", ["vitamins", "deoxycholate", "polynucleotides", "moon_dust"])
def test_a_later_visit_does_not_hide_severe_pain_after_a_filler(later: str) -> None:
    found = judge(34, {"face": {"pain": 3}}, FILLED, visit(24, "face", later))
    assert found.disposition is URGENT
    assert [reason.hours for reason in found.reasons if reason.rule == "pain_after_crosslinked"] == [34]


@pytest.mark.parametrize(
    ("hours", "grade", "visits"),
    [
        (72.1, 3, (FILLED, visit(24, "face", "vitamins"))),
        (34, 2, (FILLED, visit(24, "face", "vitamins"))),
        (34, 3, (visit(0, "thighs", "ha_filler_crosslinked"), visit(24, "face", "vitamins"))),
        (20, 3, (visit(0, "face", "vitamins"), visit(24, "face", "ha_filler_crosslinked"))),
    ],
    ids=["too late", "too mild", "elsewhere", "not yet"],
)
def test_a_filler_out_of_reach_is_no_reason(hours: float, grade: int, visits: tuple[Visit, ...]) -> None:
    found = judge(hours, {"face": {"pain": grade}}, *visits)
    assert "pain_after_crosslinked" not in {reason.rule for reason in found.reasons}


def test_the_latest_of_two_fillers_tells_the_hours() -> None:
    found = judge(34, {"face": {"pain": 3}}, visit(10, "face", "ha_crosslinked_booster"), FILLED)
    assert [reason.hours for reason in found.reasons if reason.rule == "pain_after_crosslinked"] == [24]


def test_severe_pain_beside_the_filled_part_of_the_face_is_urgent_too() -> None:
    lips = visit(0, "lips", "ha_filler_crosslinked")
    assert judge(10, {"cheeks": {"pain": 3}}, lips).disposition is URGENT
    assert judge(80, {"cheeks": {"pain": 3}}, lips).disposition is SAME_DAY
    assert judge(10, {"thighs": {"pain": 3}}, lips).disposition is SAME_DAY
    # Another visit at the same time, elsewhere, lends its agents to no part of the face.
    apart = (visit(0, "lips", "vitamins"), visit(0, "thighs", "ha_filler_crosslinked"))
    assert judge(10, {"cheeks": {"pain": 3}}, *apart).disposition is SAME_DAY


def test_fever_counts_after_any_visit_that_is_still_within_reach() -> None:
    old, new = visit(0, "thighs", "vitamins"), visit(900, "face", "vitamins")
    assert judge(910, {}, new, old, temperature=38.5).disposition is SAME_DAY
    assert judge(890, {}, new, old, temperature=38.5).disposition is Disposition.SELF_CARE


def test_what_began_at_one_instant_is_one_mixed_session() -> None:
    light, lipolytic = visit(0, "neck", "vitamins"), visit(0, "neck face", "deoxycholate")
    for visits in ((light, lipolytic), (lipolytic, light)):
        assert judge(200, {"neck": {"swelling": 2}}, *visits).disposition is Disposition.SELF_CARE
        assert judge(241, {"neck": {"swelling": 2}}, *visits).disposition is Disposition.CLINIC_ROUTINE
        course = expected_course("neck", START + timedelta(hours=200), visits, PROTOCOL)
        assert course is not None
        assert course[1] == PROTOCOL.windows_of("lipolytic", "neck")


def test_a_late_onset_is_sought_after_each_earlier_session_as_the_mixture_it_was() -> None:
    light, lipolytic, later = (
        visit(0, "neck", "vitamins"),
        visit(0, "neck", "deoxycholate"),
        visit(500, "neck", "vitamins"),
    )
    entry = {"neck": {"swelling": 2}}
    assert judge(580, entry, later, light).disposition is SAME_DAY
    assert judge(580, entry, later, light, lipolytic).disposition is Disposition.CLINIC_ROUTINE


_AREAS = st.frozensets(st.sampled_from(["face", "lips", "periorbital", "neck"]), min_size=1, max_size=3)
_VISITS = st.lists(
    st.builds(
        Visit,
        at=st.sampled_from([0, 0, 24, 24, 48, 336]).map(lambda hours: START + timedelta(hours=hours)),
        areas=_AREAS,
        agents=st.frozensets(st.sampled_from([*sorted(PROTOCOL.agents), "moon_dust"]), max_size=2),
    ),
    min_size=2,
    max_size=5,
)
_GRADES = st.dictionaries(st.sampled_from(SYMPTOMS), st.integers(0, 4), min_size=1)
_REPORTS = st.dictionaries(
    st.sampled_from(AREAS[:7]),
    st.builds(AreaReport, _GRADES, redness_cm=st.none() | st.floats(0.1, 9), past_line=st.none() | st.booleans()),
    min_size=1,
    max_size=3,
)
_ENTRIES = st.builds(
    Observation,
    noted_at=st.sampled_from([10, 24, 34, 60, 100, 400, 600]).map(lambda hours: START + timedelta(hours=hours)),
    areas=_REPORTS,
    temperature_c=st.sampled_from([None, 38.5]),
    warning_signs=st.frozensets(st.sampled_from(["blister_cluster", "open_sore"])),
)


@given(_ENTRIES, st.lists(_ENTRIES, max_size=2), _VISITS, st.data())
def test_the_order_of_visits_does_not_matter(
    entry: Observation, history: list[Observation], visits: list[Visit], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(visits))
    as_given = assess(entry, history, Context(tuple(visits)), PROTOCOL)
    assert assess(entry, history, Context(tuple(shuffled)), PROTOCOL) == as_given


@given(_ENTRIES, _VISITS)
def test_a_filler_beside_other_visits_is_never_hidden_by_them(entry: Observation, visits: list[Visit]) -> None:
    alone = assess(entry, [], Context((FILLED,)), PROTOCOL)
    together = assess(entry, [], Context((*visits, FILLED)), PROTOCOL)
    pain = {
        reason.area for reason in alone.reasons if reason.rule == "pain_after_crosslinked" and reason.area == "face"
    }
    assert pain <= {reason.area for reason in together.reasons if reason.rule == "pain_after_crosslinked"}
