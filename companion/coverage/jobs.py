"""The daily look ahead."""

from datetime import datetime

from companion.clinic import queries as clinic
from companion.clock import to_local
from companion.coverage import actions, queries
from companion.coverage.rules import TELLS_FROM_HOUR
from companion.db import EVERY_CLINIC
from companion.runtime import Runtime


def tell_daily(rt: Runtime, now: datetime) -> int:
    """Tell each clinic's managers, once on its morning, that something stands in the way of alerts; says how many."""
    with rt.db.reading(EVERY_CLINIC) as db:
        awake = [one.id for one in clinic.clinics(db) if to_local(now, one.zone).hour >= TELLS_FROM_HOUR]
        due = [clinic_id for clinic_id in awake if queries.findings(db, clinic_id, rt.config, now)]
    told = 0
    for clinic_id in due:
        with rt.db.transaction(clinic_id) as db:
            told += actions.tell_of_findings(db, clinic_id, now=now)
    return told
