"""Changes to clinics and duty."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.clinic.models import Clinic, Duty
from companion.ids import new_id


def add_clinic(db: Session, *, name: str, now: datetime, **settings: Any) -> Clinic:
    """A new clinic; `settings` are the other columns: zone, numbers, opening hours."""
    row = Clinic(id=new_id(), name=name, created_at=now, **settings)
    db.add(row)
    db.flush()
    return row


def set_duty(db: Session, *, clinic_id: UUID, person_id: UUID, is_on: bool, now: datetime) -> None:
    """Put a member of staff on or off duty."""
    row = db.get(Duty, (clinic_id, person_id))
    if is_on and row is None:
        db.add(Duty(clinic_id=clinic_id, person_id=person_id, since_at=now))
    if not is_on and row is not None:
        db.delete(row)
    verb = "duty.started" if is_on else "duty.ended"
    record(db, clinic_id=clinic_id, actor_id=person_id, verb=verb, about=("person", person_id), now=now)
