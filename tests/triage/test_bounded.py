"""Triage that fails or hangs says so with one known error, in time."""

import threading

import pytest

from companion.triage.bounded import Unjudged, within
from companion.triage.observation import Assessment, Disposition

JUDGED = Assessment(Disposition.SELF_CARE, (), "v1")


def test_what_was_judged_in_time_is_the_answer() -> None:
    assert within(5, lambda: JUDGED) is JUDGED


def test_a_run_that_never_ends_is_given_up() -> None:
    never = threading.Event()

    def judge() -> Assessment:
        never.wait()
        return JUDGED

    with pytest.raises(Unjudged, match="timeout"):
        within(0.01, judge)
    never.set()


def test_a_crash_is_named_by_its_kind_only() -> None:
    def judge() -> Assessment:
        raise KeyError("what the patient wrote")

    with pytest.raises(Unjudged, match=r"^KeyError$"):
        within(5, judge)


def test_a_system_without_a_thread_to_give_is_named() -> None:
    before = threading.stack_size(1 << 46)  # more than any machine has
    try:
        with pytest.raises(Unjudged, match=r"^no_thread$"):
            within(5, lambda: JUDGED)
    finally:
        threading.stack_size(before)
