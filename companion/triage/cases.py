"""Case files: reads them strictly and runs the engine over every log, in order."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from companion.triage.engine import assess, silence
from companion.triage.lexicon import told
from companion.triage.observation import SYMPTOMS, AreaReport, Context, Disposition, Observation, Reason, Visit
from companion.triage.protocol import Protocol
from companion.triage.treated import still_swelling

_START = datetime(2000, 1, 1, tzinfo=UTC)


class CaseError(ValueError):
    """A case file that cannot be read as one; names case and log."""


def run_cases(path: Path, protocol: Protocol) -> Iterator[dict[str, Any]]:
    """One result for each log: case, log (index from 0), hours, disposition, reasons.

    Raises CaseError. An absent symptom means "not asked"; a missed log is judged by the silence since the last one.
    """
    try:
        content = json.loads(path.read_text("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        cases = content["vignettes"]
    except (ValueError, KeyError, TypeError) as error:
        raise CaseError(f"{path.name}: not a case file ({error})") from None
    for case in cases:
        yield from _run(case, protocol)


def _run(case: dict[str, Any], protocol: Protocol) -> Iterator[dict[str, Any]]:
    name = str(case.get("id"))
    try:
        visits = {visit["id"]: _visit(visit, index) for index, visit in enumerate(case["sessions"])}
        logs = case["logs"]
    except (KeyError, TypeError) as error:
        raise CaseError(f"case {name}: {error!r}") from None
    worst, history = Disposition.SELF_CARE, list[Observation]()
    for index, log in enumerate(logs):
        try:
            observation = _observation(log, visits, protocol)
        except (KeyError, TypeError, ValueError) as error:
            raise CaseError(f"case {name}, log {index}: {error}") from None
        is_open = worst >= Disposition.CLINIC_SAME_DAY
        if log.get("missed"):
            quiet = silence(history, observation.noted_at, protocol)
            reasons: tuple[Reason, ...] = (quiet,) if quiet else ()
            level = Disposition.CLINIC_ROUTINE if is_open or quiet else Disposition.SELF_CARE
        else:
            context = Context(tuple(visits.values()), open_case=worst if is_open else None)
            result = assess(observation, history, context, protocol)
            level, reasons = result.disposition, result.reasons
            history.append(observation)
        worst = max(worst, level)
        yield {
            "case": name,
            "log": index,
            "hours": log["hours_since_session"],
            "disposition": level.code,
            "reasons": [reason.as_json() for reason in reasons],
        }


def _visit(visit: dict[str, Any], index: int) -> Visit:
    agents = frozenset(visit["agents"]) | frozenset(visit.get("combined_with") or ())
    known_extras = {"microdermabrasion"}
    start = _START + timedelta(hours=visit.get("start_hours", index * 504))
    return Visit(at=start, areas=frozenset(visit["areas"]), agents=agents - known_extras)


def _observation(log: dict[str, Any], visits: dict[str, Visit], protocol: Protocol) -> Observation:
    noted_at = visits[log["session_id"]].at + timedelta(hours=_number(log["hours_since_session"], "hours"))
    temperature, ticked = log.get("temperature_c"), frozenset(log["warning_signs"])
    treated = still_swelling(visits.values(), noted_at, protocol)
    return Observation(
        noted_at=noted_at,
        areas={area: _area(report) for area, report in log["areas"].items()},
        temperature_c=None if temperature is None else _number(temperature, "temperature_c"),
        warning_signs=ticked,
        warnings_answered=log["warnings_answered"] is True,
        said=told(log.get("free_text") or "", ticked=ticked, areas=treated),
    )


def _area(report: dict[str, Any]) -> AreaReport:
    grades = {}
    for symptom in SYMPTOMS:
        if symptom in report:
            grade = report[symptom]
            if type(grade) is not int or not 0 <= grade <= 4:
                raise ValueError(f"{symptom} must be a whole number from 0 to 4")
            grades[symptom] = grade
    sizes = {name: report[name] for name in ("redness_cm", "swelling_cm") if report.get(name) is not None}
    past_line = report.get("past_line")
    if past_line not in (True, False, None):
        raise ValueError("past_line must be true or false")
    return AreaReport(grades, past_line=past_line, **{name: _number(size, name) for name, size in sizes.items()})


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number")
    return float(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
