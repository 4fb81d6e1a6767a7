"""An answer in any case: judging that fails or takes too long ends at a person, never in silence."""

import threading
from collections.abc import Callable

from companion.languages import N_
from companion.triage.observation import Assessment, Disposition, Reason

# A thousand times what an assessment takes; the phone and the database's other writers wait no longer than this.
LIMIT_SECONDS = 2.0
FAILED = "triage_failed"
_NURSE = N_("The entry could not be assessed: look at it yourself")
_PATIENT = N_("A person at your clinic has to look at this")


def within(seconds: float, judge: Callable[[], Assessment], *, protocol_version: str) -> Assessment:
    """What `judge` says; an urgent case for a person where it raises, or says nothing within so many seconds.

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
    thread.start()
    thread.join(seconds)
    return found[0] if found else _failed(faults[0] if faults else "timeout", protocol_version)


def _failed(fault: str, protocol_version: str) -> Assessment:
    level = Disposition.CLINIC_URGENT_1H
    reason = Reason(FAILED, level, _NURSE, _PATIENT, "PROPOSAL", "proposal", value=fault)
    return Assessment(reason.level, (reason,), protocol_version, unjudged=("everything",))
