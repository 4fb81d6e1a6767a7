"""Reads of clinics and of who is on duty."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a clinic: numbers as they are shown, and as links."""

    name: str
    phone: str
    phone_href: str
    out_of_hours_phone: str
    out_of_hours_phone_href: str
    emergency_number: str


def contact(clinic: Clinic) -> Contact:
    """The clinic's numbers for a page."""
    return Contact(
        name=clinic.name,
        phone=clinic.phone,
        phone_href=_href(clinic.phone),
        out_of_hours_phone=clinic.out_of_hours_phone,
        out_of_hours_phone_href=_href(clinic.out_of_hours_phone),
        emergency_number=clinic.emergency_number,
    )


def _href(number: str) -> str:
    return "tel:" + "".join(character for character in number if character.isdigit() or character == "+")
