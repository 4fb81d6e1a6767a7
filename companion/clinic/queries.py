"""Reads of clinics and of who is on duty."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.clinic.models import Clinic, Duty
from companion.errors import NotFound

CARERS = ("nurse", "clinician")


def clinic(db: Session, clinic_id: UUID) -> Clinic:
    """The clinic; NotFound if there is none of this id."""
    found = db.get(Clinic, clinic_id)
    if found is None:
        raise NotFound
    return found


def clinics(db: Session) -> list[Clinic]:
    """All clinics by name."""
    return list(db.scalars(select(Clinic).order_by(Clinic.name)))


def on_duty(db: Session, clinic_id: UUID) -> list[Person]:
    """Nurses and clinicians who are on duty now, by name."""
    ids = set(db.scalars(select(Duty.person_id).where(Duty.clinic_id == clinic_id)))
    return [person for person in accounts.staff(db, clinic_id, *CARERS) if person.id in ids]


def is_on_duty(db: Session, clinic_id: UUID, person_id: UUID) -> bool:
    """Whether this person is on duty now."""
    return db.get(Duty, (clinic_id, person_id)) is not None
