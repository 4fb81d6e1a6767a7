"""Reads of clinics and of who is on duty."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.clinic import rules
from companion.clinic.models import Clinic, Duty, DutyChange, DutyShift
from companion.clinic.rules import Change, Rota, Shift
from companion.errors import NotFound
from companion.ids import CANARY_CLINIC

CARERS = ("nurse", "clinician")


def clinic(db: Session, clinic_id: UUID) -> Clinic:
    """The clinic; NotFound if there is none of this id."""
    found = db.get(Clinic, clinic_id)
    if found is None:
        raise NotFound
    return found


def clinics(db: Session) -> list[Clinic]:
    """All clinics by name, without the one that only proves that alerts get through."""
    return list(db.scalars(select(Clinic).where(Clinic.id != CANARY_CLINIC).order_by(Clinic.name)))


def opens_at(clinic: Clinic, now: datetime) -> datetime | None:
    """When a clinic that is closed now opens again; None while it is open, or where it never does."""
    is_open = rules.is_open(clinic.opening, clinic.zone, now)
    return None if is_open else rules.next_opening(clinic.opening, clinic.zone, now)


def rota(db: Session, clinic_id: UUID, since: datetime) -> Rota:
    """All that says which nurses and clinicians are on duty from `since` on; who has left does not count."""
    carers = {person.id for person in accounts.staff(db, clinic_id, *CARERS)}
    shifts = db.scalars(select(DutyShift).where(DutyShift.clinic_id == clinic_id))
    changes = db.scalars(select(DutyChange).where(DutyChange.clinic_id == clinic_id, DutyChange.ends_at > since))
    switched = db.scalars(select(Duty.person_id).where(Duty.clinic_id == clinic_id))
    return Rota(
        zone=clinic(db, clinic_id).zone,
        shifts=[Shift(row.person_id, row.weekday, row.starts, row.ends) for row in shifts if row.person_id in carers],
        changes=[
            Change(row.person_id, row.starts_at, row.ends_at, row.is_on) for row in changes if row.person_id in carers
        ],
        switched_on=frozenset(switched) & carers,
    )


def on_duty(db: Session, clinic_id: UUID, now: datetime) -> list[Person]:
    """Nurses and clinicians who are on duty now, by name: by rota, by a change of it, or by their own switch."""
    ids = rota(db, clinic_id, now).on_duty(now)
    return [person for person in accounts.staff(db, clinic_id, *CARERS) if person.id in ids]


def is_on_duty(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> bool:
    """Whether this person is on duty now."""
    return person_id in rota(db, clinic_id, now).on_duty(now)


def shifts(db: Session, clinic_id: UUID) -> list[DutyShift]:
    """The weekly shifts by day and time."""
    rows = select(DutyShift).where(DutyShift.clinic_id == clinic_id)
    return list(db.scalars(rows.order_by(DutyShift.weekday, DutyShift.starts, DutyShift.id)))


def changes(db: Session, clinic_id: UUID, now: datetime) -> list[DutyChange]:
    """What differs from the weekly shifts from now on, the next first."""
    rows = select(DutyChange).where(DutyChange.clinic_id == clinic_id, DutyChange.ends_at > now)
    return list(db.scalars(rows.order_by(DutyChange.starts_at, DutyChange.id)))


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
        phone_href=phone_link(clinic.phone),
        out_of_hours_phone=clinic.out_of_hours_phone,
        out_of_hours_phone_href=phone_link(clinic.out_of_hours_phone),
        emergency_number=clinic.emergency_number,
    )


def phone_link(number: str) -> str:
    """A number as a link that dials it."""
    return "tel:" + "".join(character for character in number if character.isdigit() or character == "+")
