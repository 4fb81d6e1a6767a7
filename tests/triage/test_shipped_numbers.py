"""The shipped protocol holds the numbers of the clinical report, as they stand there.

A clinic changes them in a file of its own. Here a slip of the hand in the shipped file must show.
"""

from typing import Any

import pytest

from companion.triage.observation import SYMPTOMS, Disposition
from companion.triage.protocol import EMERGENCY_FLOOR
from companion.triage.reader import load_shipped_protocol

PROTOCOL = load_shipped_protocol()
EMERGENCY, URGENT, SAME_DAY = Disposition.EMERGENCY, Disposition.CLINIC_URGENT_1H, Disposition.CLINIC_SAME_DAY
ROUTINE = Disposition.CLINIC_ROUTINE

# Section 2.2: the last hour at which severity 1, 2, 3 is expected; light, cross-linked and polynucleotides, lipolytic.
WINDOWS = {
    "redness": ((96, 48, 24), (168, 72, 24), (144, 96, 48)),
    "swelling": ((168, 72, 24), (336, 168, 48), (672, 240, 120)),
    "bruising": ((336, 240, 168), (336, 240, 168), (504, 336, 168)),
    "pain": ((168, 48, 12), (168, 72, 0), (336, 168, 24)),
    "itch": ((168, 72, 0), (168, 72, 0), (336, 168, 0)),
    "bumps": ((72, 48, 24), (336, 168, 48), (1008, 504, 168)),
    "numbness": ((24, 12, 6), (24, 12, 6), (1512, 1512, 504)),
}
EYELIDS_AND_LIPS = {"light": (168, 120, 48), "booster": (336, 168, 48), "lipolytic": (672, 240, 120)}
# Section 2.4: the hour of the peak.
PEAKS = {"redness": 48, "pain": 48, "itch": 72, "bumps": 72, "swelling": 72, "bruising": 96}
AGENTS = {
    "light": "vitamins minerals amino_acids plant_extracts ha_noncrosslinked tranexamic_acid dutasteride enzymes",
    "booster": "ha_crosslinked_booster polynucleotides ha_filler_crosslinked",
    "lipolytic": "deoxycholate phosphatidylcholine_deoxycholate",
}
# Section 3, by urgency.
SIGNS = {
    EMERGENCY: """breathing_difficulty tongue_or_throat_swelling collapse vision_change stroke_signs confusion seizure
        chest_pain_or_irregular_heartbeat mottled_or_blue_skin_generalised non_fading_rash no_urine_18h
        extreme_shivering_with_infection crackling_skin numbing_cream_toxicity_signs""",
    URGENT: """widespread_hives swelling_outside_treated_area_face skin_white_patch skin_mottled_or_dusky skin_black
        fast_growing_lump uneven_smile_stroke_checks_clear difficulty_swallowing feels_very_unwell
        red_or_painful_eye""",
    SAME_DAY: """pus_or_discharge open_sore blister_cluster new_lumps_painful_or_red swollen_glands
        new_bruises_elsewhere spreading_redness_warm repeated_vomiting""",
    ROUTINE: """colour_change_brown_or_pale new_lump_painless dent_or_hollow hair_loss_patch
        scaly_patches_at_injection_points pregnancy_or_new_medicine""",
}
# Level, and what is compared. Sections 2.3, 2.4 and 3.
COMBINATIONS: dict[str, tuple[Disposition, dict[str, Any]]] = {
    "fever": (SAME_DAY, {"temperature": "fever", "until": 28 * 24}),
    "fever_spreading_redness": (URGENT, {"temperature": "fever", "signs": {"spreading_redness_warm"}}),
    "fever_red_eyelid": (
        URGENT,
        {"temperature": "fever", "areas": {"periorbital"}, "symptom": "redness", "at_least": 2},
    ),
    "low_temperature_infection": (
        URGENT,
        {"temperature": "low", "any_sign": {"pus_or_discharge", "spreading_redness_warm", "open_sore"}},
    ),
    "skin_and_vomiting": (
        EMERGENCY,
        {"signs": {"repeated_vomiting"}, "any_sign": {"widespread_hives", "swelling_outside_treated_area_face"}},
    ),
    "blisters_near_eye": (URGENT, {"signs": {"blister_cluster"}, "areas": {"periorbital"}}),
    "pain_after_crosslinked": (
        URGENT,
        {
            "areas": {"face", "forehead", "cheeks", "periorbital", "lips"},
            "agents": {"ha_crosslinked_booster", "ha_filler_crosslinked"},
            "symptom": "pain",
            "at_least": 3,
            "until": 72,
        },
    ),
    "worst_pain": (URGENT, {"symptom": "pain", "at_least": 4}),
}
TRENDS: dict[str, dict[str, Any]] = {
    "rise_after_peak": {"limit": 2},
    "rise_by_two": {"limit": 2, "early": {"redness", "pain"}, "early_after": 24, "after": 48},
    # The last late check falls due on the evening of day 168, and is open for a week.
    "late_onset": {
        "limit": 2,
        "symptoms": {"redness", "swelling", "pain", "bumps"},
        "after": 168,
        "until": 176 * 24,
        "quiet": 96,
        "not_groups": {"lipolytic"},
    },
    "large_patch": {"limit": 5.0, "after": 48},
    "growing_patch": {"limit": 2.0, "after": 48},
    "two_rises": {"limit": 1.5, "after": 48},
}
# Section 2.4. The drawn line, areas without a session and what the patient asks for are this project's proposals.
RULES = {
    "warnings_skipped": (SAME_DAY, 3),
    "past_line": (SAME_DAY, 24),
    "unknown_sign": (URGENT, 1),
    "unsure_any": (URGENT, 1),
    "area_without_visit": (ROUTINE, 1),
    "severe_without_visit": (SAME_DAY, 3),
    "feels_now": (URGENT, 1),
    "feels_today": (ROUTINE, 1),
    "open_case": (ROUTINE, 1),
    "silence": (ROUTINE, 72),
}


@pytest.mark.parametrize(("column", "group"), [(0, "light"), (1, "booster"), (2, "lipolytic")])
def test_the_windows_are_those_of_the_report(column: int, group: str) -> None:
    areas = PROTOCOL.windows[group]
    assert {name: window.hours for name, window in areas[""].items()} == {
        symptom: row[column] for symptom, row in WINDOWS.items()
    }
    assert set(areas) == {"", "periorbital", "lips"}
    for area in ("periorbital", "lips"):
        assert areas[area]["swelling"].hours == EYELIDS_AND_LIPS[group]
        assert all(areas[area][name] == areas[""][name] for name in SYMPTOMS if name != "swelling")


def test_peaks_agents_temperatures_and_levels_are_those_of_the_report() -> None:
    assert PROTOCOL.peaks == {"light": PEAKS, "booster": PEAKS, "lipolytic": PEAKS | {"swelling": 96}}
    assert PROTOCOL.agents == {agent: group for group, agents in AGENTS.items() for agent in agents.split()}
    degrees = PROTOCOL.temperature
    assert (degrees.fever, degrees.low, degrees.plausible) == (38.0, 36.0, (34.0, 43.0))
    assert PROTOCOL.outside == {1: ROUTINE, 2: ROUTINE, 3: SAME_DAY, 4: SAME_DAY}


def test_every_warning_sign_has_the_level_of_the_report() -> None:
    wanted = {sign: level for level, signs in SIGNS.items() for sign in signs.split()}
    assert {name: sign.level for name, sign in PROTOCOL.signs.items()} == wanted
    assert set(SIGNS[EMERGENCY].split()) == EMERGENCY_FLOOR


def test_every_combination_trend_and_rule_has_the_numbers_of_the_report() -> None:
    assert {rule.id for rule in PROTOCOL.combinations} == set(COMBINATIONS)
    for rule in PROTOCOL.combinations:
        level, conditions = COMBINATIONS[rule.id]
        assert rule.level is level
        assert {name: getattr(rule, name) for name in conditions} == conditions
    assert set(PROTOCOL.trends) == set(TRENDS)
    for name, trend in PROTOCOL.trends.items():
        assert trend.level is SAME_DAY
        assert {key: getattr(trend, key) for key in TRENDS[name]} == TRENDS[name]
    assert {name: (rule.level, rule.limit) for name, rule in PROTOCOL.rules.items()} == RULES


def test_somebody_answers_within_the_times_of_the_report() -> None:
    urgent = PROTOCOL.service[URGENT]
    assert (urgent.acknowledge_minutes, urgent.contact_minutes) == (10, 60)
    assert PROTOCOL.service[EMERGENCY] == urgent
    assert PROTOCOL.service[SAME_DAY].contact_minutes == 240
    assert PROTOCOL.service[ROUTINE].contact_working_days == 2
