"""Changes to ladders. A case that is open keeps the one it was opened with."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.errors import Conflict
from companion.languages import N_
from companion.policies import queries
from companion.policies.models import LevelPolicy
from companion.policies.rules import Step
from companion.turns import one_at_a_time


def set_policy(
    db: Session,
    *,
    clinic_id: UUID,
    level: str,
    steps: Sequence[Step],
    repeat_minutes: int,
    version: int,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Make these steps the clinic's ladder of a level; Conflict if somebody changed it since `version` (0: never)."""
    values = {
        "steps": [{**asdict(step), "channels": list(step.channels)} for step in steps],
        "repeat_minutes": repeat_minutes,
        "version": version + 1,
        "changed_by": actor_id,
        "changed_at": now,
    }
    one_at_a_time(db, clinic_id)
    if version == 0 and queries.stored(db, clinic_id, level) is None:
        db.add(LevelPolicy(clinic_id=clinic_id, level=level, **values))
        db.flush()
    else:
        own = (LevelPolicy.clinic_id == clinic_id, LevelPolicy.level == level, LevelPolicy.version == version)
        changed = update(LevelPolicy).where(*own).values(values).returning(LevelPolicy.level)
        if db.execute(changed).first() is None:
            raise Conflict(N_("Somebody has changed this since you opened it. Load the page again."))
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="policy.changed", about=("policy", level), now=now)
