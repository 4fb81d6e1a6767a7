"""Reads a case file strictly: each case with its visits and logs, or a fault that names the case and the log."""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from companion.triage.lexicon import told
from companion.triage.observation import GRADES, SYMPTOMS, AreaReport, Observation, Visit
from companion.triage.protocol import Protocol
from companion.triage.treated import still_swelling

_START = datetime(2000, 1, 1, tzinfo=UTC)
_LARGEST = 1_000_000  # hours, degrees or cm: what lies beyond is no such number
_THREE_WEEKS = 504
# Parts of the face that are no area of their own in triage. They are read as the face: what the protocol says of the
# face it says of all of it (report section 2.3, "on the face"). Forehead, cheeks, eyelids and lips stay what they are.
_PARTS_OF_FACE = frozenset(
    {"chin", "glabella", "jawline", "nasolabial", "nasolabial_folds", "nose", "perioral", "temples"}
)


class CaseError(ValueError):
    """A case file that cannot be read as one; names case and log."""


@dataclass(frozen=True, slots=True)
class Log:
    """An entry, so many hours after its session; or the place of one that never came."""

    observation: Observation
    hours: float
    is_missed: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its visits, and its logs in the order of the file."""

    name: str
    visits: tuple[Visit, ...]
    logs: tuple[Log, ...]


def read_cases(path: Path, protocol: Protocol) -> Iterator[Case]:
    """The cases of a file, in order; raises CaseError at the first that cannot be read."""
    try:
        content = json.loads(path.read_text("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        cases = [_table(case, "a case") for case in _list(_table(content, "the file").get("vignettes"), "vignettes")]
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{path.name}: not a case file ({error})") from None
    for case in cases:
        yield _case(case, protocol)


def _case(case: Mapping[str, Any], protocol: Protocol) -> Case:
    place = f"case {case.get('id')}"
    with _named(place):
        name = _text(case.get("id"), "id")
        rows = [_table(row, "a session") for row in _list(case.get("sessions"), "sessions")]
        logs = [_table(log, "a log") for log in _list(case.get("logs"), "logs")]
        sessions = {_text(row.get("id"), "the id of a session"): row for row in rows}
        if len(sessions) != len(rows):
            raise ValueError("the id of a session stands twice")
    for index, log in enumerate(logs):
        with _named(f"{place}, log {index}"):
            _check_log(log, sessions)
    with _named(place):
        starts = _starts(sessions, logs)
        visits = {one: _visit(row, starts[one], protocol) for one, row in sessions.items()}
    read = []
    for index, log in enumerate(logs):
        with _named(f"{place}, log {index}"):
            read.append(_log(log, visits, protocol))
    return Case(name, tuple(visits.values()), tuple(read))


@contextmanager
def _named(place: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise CaseError(f"{place}: {error}") from None


def _check_log(log: Mapping[str, Any], sessions: Collection[str]) -> None:
    if _text(log.get("session_id"), "session_id") not in sessions:
        raise ValueError(f"session_id must name one of {sorted(sessions)}")
    _number(log.get("hours_since_session"), "hours_since_session")


def _starts(sessions: Mapping[str, Mapping[str, Any]], logs: Collection[Mapping[str, Any]]) -> dict[str, float]:
    """The hour at which each session begins: as given, or three weeks after the one before it.

    Logs stand in the order in which they came: a session that gives no hour begins after every log before its own.
    """
    starts: dict[str, float] = {}
    usual = 0.0
    for name, row in sessions.items():
        given = row.get("start_hours")
        if given is None:
            starts[name] = max(usual, _end_of_logs_before(name, logs, starts) + 1)
        else:
            starts[name] = _number(given, "start_hours")
        usual = starts[name] + _THREE_WEEKS
    return starts


def _end_of_logs_before(name: str, logs: Collection[Mapping[str, Any]], starts: Mapping[str, float]) -> float:
    end = -math.inf
    for log in logs:
        if log["session_id"] == name:
            break
        if log["session_id"] in starts:
            end = max(end, starts[log["session_id"]] + log["hours_since_session"])
    return end


def _visit(row: Mapping[str, Any], start: float, protocol: Protocol) -> Visit:
    """A session. Of what it was combined with, only what the protocol knows as an agent was injected as one."""
    beside = _texts(row.get("combined_with") or [], "combined_with") & protocol.agents.keys()
    return Visit(
        at=_START + timedelta(hours=start),
        areas=frozenset(_area(name) for name in _texts(row.get("areas"), "areas")),
        agents=_texts(row.get("agents"), "agents") | beside,
    )


def _log(log: Mapping[str, Any], visits: Mapping[str, Visit], protocol: Protocol) -> Log:
    hours, words = log["hours_since_session"], _words(log.get("free_text"))
    noted_at = visits[log["session_id"]].at + timedelta(hours=hours)
    temperature, ticked = log.get("temperature_c"), _texts(log.get("warning_signs"), "warning_signs")
    treated = still_swelling(visits.values(), noted_at, protocol)
    observation = Observation(
        noted_at=noted_at,
        areas=_reports(_table(log.get("areas"), "areas")),
        temperature_c=None if temperature is None else _number(temperature, "temperature_c"),
        warning_signs=ticked,
        warnings_answered=_flag(log.get("warnings_answered"), "warnings_answered"),
        said=told(words, ticked=ticked, areas=treated),
    )
    return Log(observation, hours, _flag(log.get("missed", False), "missed"))


def _reports(rows: Mapping[str, Any]) -> dict[str, AreaReport]:
    found: dict[str, AreaReport] = {}
    for name, row in rows.items():
        area, report = _area(_text(name, "an area")), _report(_table(row, name))
        found[area] = _worse(found[area], report) if area in found else report
    return found


def _area(name: str) -> str:
    return "face" if name in _PARTS_OF_FACE else name


def _worse(one: AreaReport, other: AreaReport) -> AreaReport:
    """Two parts of one area as one report: of each thing that was told, the worse."""

    def worse(name: str) -> Any:
        given = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        return max(given, default=None)

    grades = {**one.grades, **{name: max(grade, one.grades.get(name, 0)) for name, grade in other.grades.items()}}
    return AreaReport(grades, worse("redness_cm"), worse("swelling_cm"), worse("past_line"))


def _report(row: Mapping[str, Any]) -> AreaReport:
    grades = {name: row[name] for name in SYMPTOMS if name in row}
    for name, grade in grades.items():
        if type(grade) is not int or grade not in GRADES:
            raise ValueError(f"{name} must be a whole number from 0 to 4")
    past_line = row.get("past_line")
    return AreaReport(
        grades,
        redness_cm=_size(row, "redness_cm"),
        swelling_cm=_size(row, "swelling_cm"),
        past_line=None if past_line is None else _flag(past_line, "past_line"),
    )


def _size(row: Mapping[str, Any], name: str) -> float | None:
    return None if row.get(name) is None else _number(row[name], name)


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table")
    return value


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"{name} must be a text")
    return value


def _words(value: object) -> str:
    if not isinstance(value, str | None):
        raise ValueError("free_text must be a text")
    return (value or "").encode().decode()  # half a character is no text


def _texts(value: object, name: str) -> frozenset[str]:
    return frozenset(_text(one, f"each of {name}") for one in _list(value, name))


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ValueError(f"{name} must be a number")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
