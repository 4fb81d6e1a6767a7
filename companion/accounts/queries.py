"""Reads of people and sign-ins."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from companion.accounts.models import Person, SignIn
from companion.errors import NotFound


def person(db: Session, clinic_id: UUID, person_id: UUID) -> Person:
    """One person of the clinic; NotFound for anybody else."""
    found = db.get(Person, (clinic_id, person_id))
    if found is None:
        raise NotFound
    return found


def people(db: Session, clinic_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Several people of the clinic by id; unknown ids are left out."""
    rows = db.scalars(select(Person).where(Person.clinic_id == clinic_id, Person.id.in_(set(ids))))
    return {row.id: row for row in rows}


def patients(db: Session, clinic_id: UUID, *, named: str = "", limit: int = 10_000) -> list[Person]:
    """The clinic's patients by name, those whose name holds `named`."""
    wanted = _active(clinic_id).where(Person.is_patient, Person.name.icontains(named, autoescape=True))
    return list(db.scalars(wanted.limit(limit)))


def patient(db: Session, clinic_id: UUID, person_id: UUID) -> Person:
    """One patient of the clinic; NotFound for staff and strangers."""
    found = person(db, clinic_id, person_id)
    if "patient" not in found.roles:
        raise NotFound
    return found


def staff(db: Session, clinic_id: UUID, *roles: str) -> list[Person]:
    """The clinic's active staff who have one of `roles`, by name."""
    own = db.scalars(_active(clinic_id).where(Person.is_staff))
    return [row for row in own if not set(roles).isdisjoint(row.roles)]


def person_by_email(db: Session, email: str) -> Person | None:
    """The active person with this address, in whichever clinic."""
    return db.scalar(select(Person).where(Person.email == email.strip().lower(), Person.deactivated_at.is_(None)))


def living_sign_in(db: Session, token_hash: str, now: datetime) -> tuple[SignIn, Person] | None:
    """The sign-in that a cookie stands for and its person, unless it ended, expired or the person was deactivated."""
    row = db.execute(
        select(SignIn, Person)
        .join(Person, (Person.clinic_id == SignIn.clinic_id) & (Person.id == SignIn.person_id))
        .where(
            SignIn.token_hash == token_hash,
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now,
            Person.deactivated_at.is_(None),
        )
    ).one_or_none()
    return (row.SignIn, row.Person) if row else None


def living_sign_ins(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> list[SignIn]:
    """Where a person is signed in, those in use last first."""
    wanted = [SignIn.clinic_id == clinic_id, SignIn.person_id == person_id, SignIn.ended_at.is_(None)]
    return list(db.scalars(select(SignIn).where(*wanted, SignIn.expires_at > now).order_by(SignIn.seen_at.desc())))


def _active(clinic_id: UUID) -> Select[Person]:
    return select(Person).where(Person.clinic_id == clinic_id, Person.deactivated_at.is_(None)).order_by(Person.name)
