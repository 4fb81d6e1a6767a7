"""Releasing what falls due."""

from datetime import datetime

from companion.db import EVERY_CLINIC
from companion.runtime import Runtime
from companion.schedule import actions, queries

_BATCH = 100


def release_due(rt: Runtime, now: datetime) -> int:
    """Tell patients what is due now, in batches; says how many items were handled. Two workers are harmless.

    What a clock that was ahead has missed, or said before its time, is planned again first.
    """
    _plan_again(rt, now)
    handled = 0
    while True:
        with rt.db.reading(EVERY_CLINIC) as db:
            if not queries.due_items(db, now, limit=1):
                return handled
        with rt.db.transaction(EVERY_CLINIC) as db:
            released = [actions.release(db, item, now=now) for item in queries.due_items(db, now, limit=_BATCH)]
        handled += sum(released)


def _plan_again(rt: Runtime, now: datetime) -> None:
    with rt.db.reading(EVERY_CLINIC) as db:
        if not queries.handled_too_soon(db, now):
            return
    with rt.db.transaction(EVERY_CLINIC) as db:
        for item in queries.handled_too_soon(db, now):
            actions.plan_again(db, item, now=now)
