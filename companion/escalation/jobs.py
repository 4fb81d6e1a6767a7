"""Stepping cases that wait: the next step when it is due, or at once when nobody of the last could be told."""

import logging
from datetime import datetime

from companion.db import EVERY_CLINIC, Database
from companion.escalation import actions, queries
from companion.escalation.models import Escalation
from companion.escalation.rules import Policy, is_exhausted
from companion.outbox import queries as outbox
from companion.runtime import Runtime

log = logging.getLogger(__name__)


def step_due(rt: Runtime, now: datetime) -> int:
    """Take every step that is due, each case in its own transaction; says how many were taken."""
    with rt.db.reading(EVERY_CLINIC) as db:
        due = queries.due(db, now)
    found = {case.id: case for case in (*due, *_nobody_reached(rt.db))}
    return sum(_step(rt.db, case, now) for case in found.values())


def _step(database: Database, found: Escalation, now: datetime) -> bool:
    try:
        with database.transaction(found.clinic_id) as db:
            case = queries.case(db, found.clinic_id, found.id)
            # Another worker may have taken this very step since the case was found.
            return case.next_step_at == found.next_step_at and actions.take_step(db, case, now=now)
    except Exception as error:  # noqa: BLE001 - one broken case must not silence the others
        log.error("stepping case %s failed: %s", found.id, type(error).__name__)
        return False


def _nobody_reached(database: Database) -> list[Escalation]:
    with database.reading(EVERY_CLINIC) as db:
        return [
            case
            for case in queries.waiting(db)
            if not is_exhausted(Policy.of(case.policy), case.step)
            and outbox.nobody_reached(db, case.clinic_id, ("escalation", case.id), actions.step_key(case))
        ]
