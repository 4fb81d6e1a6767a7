"""Named points at which a test can end this process as a power cut would. Nothing arms them in production."""

import os
import signal

POINTS = (
    "entry_kept",  # the entry is written, nothing is judged
    "case_opened",  # the case and its first messages are written
    "entry_judged",  # all that belongs to the entry is written, and nothing committed
    "entry_committed",  # committed, and the phone has no answer
    "step_found",  # a case whose step is due is known, nothing is written
    "step_told",  # the step counts as taken and its messages are written, and nothing committed
    "claimed",  # messages are under a lease that is not committed
    "claim_committed",  # under a lease, and nothing sent
    "sent",  # the push service has accepted, and nobody knows: the only point that makes copies
    "settled",  # what came of it is written and not committed
)
_armed: set[str] = set()


def arm(point: str) -> None:
    """In a test's process: end it when it comes to this point."""
    if point not in POINTS:
        raise ValueError(point)
    _armed.add(point)


def here(point: str) -> None:
    """This is the point of that name."""
    if point in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
