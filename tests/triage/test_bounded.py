"""Triage that fails or hangs ends at a person."""

import threading

from companion.triage.bounded import FAILED, within
from companion.triage.observation import Assessment, Disposition


def test_what_was_judged_in_time_is_the_answer() -> None:
    judged = Assessment(Disposition.SELF_CARE, (), "v1")
    assert within(5, lambda: judged, protocol_version="v1") is judged


def test_a_run_that_never_ends_is_an_urgent_case_for_a_person() -> None:
    never = threading.Event()

    def judge() -> Assessment:
        never.wait()
        return Assessment(Disposition.SELF_CARE, (), "v1")

    found = within(0.01, judge, protocol_version="v1")
    never.set()
    assert (found.disposition, found.unjudged) == (Disposition.CLINIC_URGENT_1H, ("everything",))
    assert [(reason.rule, reason.value) for reason in found.reasons] == [(FAILED, "timeout")]


def test_a_crash_is_an_urgent_case_that_names_the_kind_of_fault_only() -> None:
    def judge() -> Assessment:
        raise KeyError("what the patient wrote")

    found = within(5, judge, protocol_version="v1")
    assert found.disposition is Disposition.CLINIC_URGENT_1H
    assert [reason.value for reason in found.reasons] == ["KeyError"]
