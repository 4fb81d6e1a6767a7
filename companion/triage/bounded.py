"""Judging under a limit: an answer in time, or one known error, whatever goes wrong inside."""

import threading
from collections.abc import Callable

from companion.triage.observation import Assessment

# A thousand times what an assessment takes; the phone and the database's other writers wait no longer than this.
LIMIT_SECONDS = 2.0


class Unjudged(Exception):
    """Triage raised, or said nothing in time. Its text is the kind of fault and nothing that was entered."""


def within(seconds: float, judge: Callable[[], Assessment]) -> Assessment:
    """What `judge` says; Unjudged where it raises anything, or says nothing within so many seconds.

    `judge` must not touch the database: a run that never ends is left behind in its thread.
    """
    found: list[Assessment] = []
    faults: list[str] = []

    def run() -> None:
        try:
            found.append(judge())
        except Exception as error:  # noqa: BLE001 - triage that fails must end at a person, whatever failed
            faults.append(type(error).__name__)

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no more threads
        raise Unjudged("no_thread") from None
    thread.join(seconds)
    if not found:
        raise Unjudged(faults[0] if faults else "timeout")
    return found[0]
