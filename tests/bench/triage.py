"""Assessments a second on one core, beside a bare loop over the same windows."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from rich.console import Console
from rich.table import Table

from companion.triage.engine import assess
from companion.triage.lexicon import told
from companion.triage.observation import AreaReport, Context, Observation, Visit
from companion.triage.protocol import Protocol
from companion.triage.reader import load_shipped_protocol
from tests.bench.machine import machine

RUNS = 5
CALLS = 20_000
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TEXT = "My cheek is a bit red and it itches in the evening, the bruise is turning yellow. Is that how it goes?"
GRADES = {"swelling": 1, "bruising": 2, "redness": 1, "pain": 0, "itch": 0, "bumps": 0, "numbness": 0}


def main() -> None:
    """Print medians of five runs."""
    protocol = load_shipped_protocol()
    visit = Visit(START, frozenset({"face"}), frozenset({"vitamins"}))
    history = [entry(hours) for hours in range(2, 62, 2)]
    now, context = entry(66), Context((visit,))
    table = Table(title=f"Triage, {len(history)} earlier entries, median of {RUNS}. {machine()}")
    table.add_column("what")
    table.add_column("a second", justify="right")
    table.add_column("ratio", justify="right")
    bare = per_second(lambda: windows_only(now, visit, protocol))
    for name, rate in (
        ("bare loop over the windows", bare),
        ("assess, no earlier entry", per_second(lambda: assess(now, (), context, protocol))),
        ("assess", per_second(lambda: assess(now, history, context, protocol))),
        ("assess with 100 characters of free text", per_second(lambda: in_words(now, history, context, protocol), 500)),
    ):
        table.add_row(name, f"{rate:,.0f}", f"{bare / rate:.1f}")
    Console().print(table)


def entry(hours: float) -> Observation:
    """An expected entry, so many hours after the session."""
    at = START + timedelta(hours=hours)
    return Observation(at, {"face": AreaReport(GRADES)}, received_at=at, feels="can_wait")


def in_words(now: Observation, history: list[Observation], context: Context, protocol: Protocol) -> None:
    """An assessment with the reading of what the patient wrote."""
    assess(replace(now, said=told(TEXT, ticked=frozenset())), history, context, protocol)


def windows_only(observation: Observation, visit: Visit, protocol: Protocol) -> bool:
    """What the windows alone would cost."""
    hours = (observation.noted_at - visit.at).total_seconds() / 3600
    windows = protocol.windows["light"][""]
    return any(
        grade and hours > windows[name].hours[min(grade, 3) - 1]
        for report in observation.areas.values()
        for name, grade in report.grades.items()
    )


def per_second(call: Callable[[], object], calls: int = CALLS) -> float:
    """Median calls a second of five runs."""
    rates = []
    for _ in range(RUNS):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        rates.append(calls / (time.perf_counter() - began))
    return median(rates)


if __name__ == "__main__":
    main()
