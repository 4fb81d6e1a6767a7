"""Stepping cases that wait: the next step when it is due, or at once when nobody of the last could be told."""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from companion import crash
from companion.clock import CLOCKS_DIFFER
from companion.db import EVERY_CLINIC, Database
from companion.escalation import actions, queries
from companion.escalation.models import Escalation
from companion.escalation.rules import warn_at
from companion.outbox import queries as outbox
from companion.policies.rules import Policy, is_exhausted
from companion.runtime import Runtime

log = logging.getLogger(__name__)
# A row that somebody holds is left for the next look: the other cases do not wait for it.
_WAITS_SECONDS = 1


def step_due(rt: Runtime, now: datetime) -> int:
    """Take every step that is due, each case in its own transaction; says how many were taken."""
    with rt.db.reading(EVERY_CLINIC) as db:
        due = queries.due(db, now)
    found = {case.id: case for case in (*due, *_nobody_reached(rt.db))}
    return sum(_each(rt.db, case, now, _step) for case in found.values())


def warn_late(rt: Runtime, now: datetime) -> int:
    """Before a promise breaks that nobody has kept: tell the patient, and the clinic; says how many were near."""
    with rt.db.reading(EVERY_CLINIC) as db:
        near = queries.promises_near(db, now)
    due = [case for case in near if case.promised_at > now or warn_at(case.promised_at, case.respond_by) <= now]
    return sum(_each(rt.db, case, now, _warn) for case in due)


def _each(
    database: Database, found: Escalation, now: datetime, work: Callable[[Session, Escalation, datetime], bool]
) -> bool:
    try:
        with database.transaction(found.clinic_id, waits_seconds=_WAITS_SECONDS) as db:
            return work(db, found, now)
    except Exception as error:  # noqa: BLE001 - one broken case must not silence the others
        log.error("working on case %s failed: %s", found.id, type(error).__name__)
        return False


def _step(db: Session, found: Escalation, now: datetime) -> bool:
    case = queries.case(db, found.clinic_id, found.id)
    # Another worker may have taken this very step since the case was found.
    crash.here("step_found")
    has_stepped = case.next_step_at == found.next_step_at and actions.take_step(db, case, now=now)
    crash.here("step_told")
    return has_stepped


def _warn(db: Session, found: Escalation, now: datetime) -> bool:
    case = queries.case(db, found.clinic_id, found.id)
    if case.promised_at > now + CLOCKS_DIFFER:
        actions.promise_anew(db, case, now=now)
    return warn_at(case.promised_at, case.respond_by) <= now and actions.warn(db, case, now=now)


def _nobody_reached(database: Database) -> list[Escalation]:
    with database.reading(EVERY_CLINIC) as db:
        return [case for case in queries.perhaps_unreached(db) if _reached_nobody(db, case)]


def _reached_nobody(db: Session, case: Escalation) -> bool:
    try:
        if is_exhausted(Policy.of(case.policy), case.step):
            return False
    except Exception as error:  # noqa: BLE001 - as in `_each`
        log.error("reading the ladder of case %s failed: %s", case.id, type(error).__name__)
        return False
    return outbox.nobody_reached(db, case.clinic_id, ("escalation", case.id), queries.step_key(case))
