"""Reads of ladders, and of whom they would tell."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.policies.models import LevelPolicy
from companion.policies.rules import DEFAULT_REPEAT_MINUTES, DEFAULTS, Policy, Staff, planned, steps_of
from companion.protocols import queries as protocols
from companion.triage.observation import Disposition


def stored(db: Session, clinic_id: UUID, level: str) -> LevelPolicy | None:
    """The clinic's own ladder of a level; None while the default counts."""
    return db.get(LevelPolicy, (clinic_id, level))


def policy(db: Session, clinic_id: UUID, level: str) -> Policy:
    """The ladder of a level as it counts now, with the time that the protocol gives to whoever takes a case."""
    own = stored(db, clinic_id, level)
    act_minutes = protocols.current(db, clinic_id).service[Disposition.of(level)].act_minutes
    if own is None:
        return Policy(DEFAULTS[level], repeat_minutes=DEFAULT_REPEAT_MINUTES, act_minutes=act_minutes)
    return Policy(steps_of(own.steps), repeat_minutes=own.repeat_minutes, act_minutes=act_minutes)


def staff(db: Session, clinic_id: UUID, now: datetime) -> Staff:
    """Who can be told now."""
    return _staff_at(db, clinic_id, now, is_now=True)(now)


def staff_ahead(db: Session, clinic_id: UUID, since: datetime) -> Callable[[datetime], Staff]:
    """Who could be told at any instant from `since` on, by the rota; a switch by hand does not count, it may end."""
    return _staff_at(db, clinic_id, since, is_now=False)


def _staff_at(db: Session, clinic_id: UUID, since: datetime, *, is_now: bool) -> Callable[[datetime], Staff]:
    rota = clinic.rota(db, clinic_id, since)
    counted = rota if is_now else planned(rota)
    carers = accounts.staff(db, clinic_id, *clinic.CARERS)
    nurses = frozenset(person.id for person in carers)
    clinicians = frozenset(person.id for person in carers if "clinician" in person.roles)
    return lambda at: Staff(on_duty=counted.on_duty(at), nurses=nurses, clinicians=clinicians)
