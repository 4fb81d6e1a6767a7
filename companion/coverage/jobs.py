"""The daily look ahead."""

from datetime import datetime

from companion.clinic import queries as clinic
from companion.clinic.models import Clinic
from companion.clock import to_local
from companion.coverage import actions, queries
from companion.coverage.rules import TELLS_FROM_HOUR
from companion.db import EVERY_CLINIC
from companion.runtime import Runtime
from companion.turns import one_by_one


def tell_daily(rt: Runtime, now: datetime) -> int:
    """Tell each clinic's managers, once on its morning, that something stands in the way of alerts; says how many."""
    with rt.db.reading(EVERY_CLINIC) as db:
        found = clinic.clinics(db)

    def tell(one: Clinic) -> int:
        if to_local(now, one.zone).hour < TELLS_FROM_HOUR:
            return 0
        with rt.db.reading(EVERY_CLINIC) as db:
            is_due = bool(queries.findings(db, one.id, rt.config, now))
        if not is_due:
            return 0
        with rt.db.transaction(one.id) as db:
            return actions.tell_of_findings(db, one.id, now=now)

    return one_by_one(found, tell)
