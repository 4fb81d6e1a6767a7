"""Releasing what falls due."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from companion.db import EVERY_CLINIC
from companion.errors import Busy
from companion.runtime import Runtime
from companion.schedule import actions, queries
from companion.schedule.models import PlanItem
from companion.turns import one_by_one

log = logging.getLogger(__name__)
_BATCH = 100


def release_due(rt: Runtime, now: datetime) -> int:
    """Tell patients what is due now, in batches; says how many items were handled. Two workers are harmless.

    What a clock that was ahead has missed, or said before its time, is planned again first. Of a batch in which one
    item cannot be released, each is released by itself.
    """
    _plan_again(rt, now)
    handled, tried = 0, set[UUID]()
    while True:
        with rt.db.reading(EVERY_CLINIC) as db:
            items = queries.due_items(db, now, limit=_BATCH, but=tried)
        if not items:
            return handled
        try:
            handled += _release(rt, items, now)
        except Busy:
            raise
        except Exception as error:  # noqa: BLE001 - the fault of one clinic must not silence the others
            log.error("a batch of plan items failed: %s", type(error).__name__)
            tried |= {item.id for item in items}
            handled += one_by_one(items, lambda item: _release(rt, [item], now))


def _release(rt: Runtime, items: Sequence[PlanItem], now: datetime) -> int:
    with rt.db.transaction(EVERY_CLINIC) as db:
        return sum(actions.release(db, item, now=now) for item in items)


def _plan_again(rt: Runtime, now: datetime) -> None:
    with rt.db.reading(EVERY_CLINIC) as db:
        if not queries.handled_too_soon(db, now):
            return
    with rt.db.transaction(EVERY_CLINIC) as db:
        for item in queries.handled_too_soon(db, now):
            actions.plan_again(db, item, now=now)
