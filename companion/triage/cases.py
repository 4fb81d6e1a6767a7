"""Runs the engine over every log of a case file, in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from companion.triage.case_file import Case, read_cases
from companion.triage.engine import assess, silence
from companion.triage.observation import Context, Disposition, Observation, Reason
from companion.triage.protocol import Protocol


def run_cases(path: Path, protocol: Protocol) -> Iterator[dict[str, Any]]:
    """One result for each log: case, log (index from 0), hours, disposition, reasons.

    Raises CaseError. An absent symptom means "not asked"; a missed log is judged by the silence since the last one.
    """
    for case in read_cases(path, protocol):
        yield from run_case(case, protocol)


def run_case(case: Case, protocol: Protocol) -> Iterator[dict[str, Any]]:
    """The results of one case; an entry at `clinic_same_day` or above opens a case that nobody closes."""
    worst, history = Disposition.SELF_CARE, list[Observation]()
    for index, log in enumerate(case.logs):
        is_open = worst >= Disposition.CLINIC_SAME_DAY
        if log.is_missed:
            floor = Disposition.CLINIC_ROUTINE if is_open else Disposition.SELF_CARE
            quiet = silence(history, log.observation.noted_at, protocol)
            reasons: tuple[Reason, ...] = (quiet,) if quiet else ()
            level = max(floor, quiet.level) if quiet else floor
        else:
            context = Context(case.visits, open_case=worst if is_open else None)
            result = assess(log.observation, history, context, protocol)
            level, reasons = result.disposition, result.reasons
            history.append(log.observation)
        worst = max(worst, level)
        yield {
            "case": case.name,
            "log": index,
            "hours": log.hours,
            "disposition": level.code,
            "reasons": [reason.as_json() for reason in reasons],
        }
