"""Changes to clinics, opening hours and duty."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, not_, update
from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.clinic import queries, rules
from companion.clinic.models import Clinic, Duty, DutyChange, DutyShift
from companion.errors import NotFound
from companion.ids import new_id
from companion.turns import one_at_a_time

# Switching off by hand lasts to the end of the shift, and no longer than this: nobody stays off by having forgotten.
_OFF_LASTS = timedelta(hours=16)


def add_clinic(db: Session, *, name: str, now: datetime, **settings: Any) -> Clinic:
    """A new clinic; `settings` are the other columns: zone, numbers, opening hours."""
    row = Clinic(id=new_id(), name=name, created_at=now, **settings)
    db.add(row)
    db.flush()
    return row


def set_opening(db: Session, *, clinic_id: UUID, opening: Mapping[str, Any], actor_id: UUID, now: datetime) -> None:
    """When the clinic is open: by weekday, and by date where one differs."""
    queries.clinic(db, clinic_id).opening = dict(opening)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="clinic.opening", about=("clinic", clinic_id), now=now)


def set_duty(db: Session, *, clinic_id: UUID, person_id: UUID, is_on: bool, now: datetime) -> None:
    """Switch a member of staff on or off duty by hand. Off lasts to the end of what the rota says they do now."""
    one_at_a_time(db, person_id)
    row = db.get(Duty, (clinic_id, person_id))
    if row is not None and not is_on:
        db.delete(row)
        db.flush()
    if is_on:
        _end_absences(db, clinic_id, person_id, now)
    rota = queries.rota(db, clinic_id, now)
    if is_on and person_id not in rota.on_duty(now):
        db.add(Duty(clinic_id=clinic_id, person_id=person_id, since_at=now))
    if not is_on and person_id in rota.on_duty(now):
        ends_at = rules.duty_ends_at(rota, person_id, now, latest=now + _OFF_LASTS)
        _add_change(db, clinic_id=clinic_id, person_id=person_id, span=(now, ends_at), is_on=False)
    verb = "duty.started" if is_on else "duty.ended"
    record(db, clinic_id=clinic_id, actor_id=person_id, verb=verb, about=("person", person_id), now=now)


def add_shift(db: Session, *, clinic_id: UUID, shift: rules.Shift, actor_id: UUID, now: datetime) -> None:
    """A person's duty every week."""
    db.add(
        DutyShift(
            clinic_id=clinic_id,
            id=new_id(),
            person_id=shift.person_id,
            weekday=shift.weekday,
            starts=shift.starts,
            ends=shift.ends,
        )
    )
    about = ("person", shift.person_id)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="rota.shift_added", about=about, now=now)


def remove_shift(db: Session, *, clinic_id: UUID, shift_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Take a weekly shift out of the rota; NotFound if there is none of this id."""
    row = db.get(DutyShift, (clinic_id, shift_id))
    if row is None:
        raise NotFound
    db.delete(row)
    about = ("person", row.person_id)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="rota.shift_removed", about=about, now=now)


def change_duty(
    db: Session,
    *,
    clinic_id: UUID,
    away: UUID | None,
    instead: UUID | None,
    span: rules.Interval,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Somebody is away, somebody is on duty, or one stands in for the other, between two instants."""
    for person_id, is_on in ((away, False), (instead, True)):
        if person_id is not None:
            _add_change(db, clinic_id=clinic_id, person_id=person_id, span=span, is_on=is_on)
            about = ("person", person_id)
            record(db, clinic_id=clinic_id, actor_id=actor_id, verb="rota.changed", about=about, now=now)


def remove_change(db: Session, *, clinic_id: UUID, change_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Take a change of the rota back; NotFound if there is none of this id."""
    row = db.get(DutyChange, (clinic_id, change_id))
    if row is None:
        raise NotFound
    db.delete(row)
    about = ("person", row.person_id)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="rota.change_removed", about=about, now=now)


def _add_change(db: Session, *, clinic_id: UUID, person_id: UUID, span: rules.Interval, is_on: bool) -> None:
    start, end = span
    db.add(DutyChange(clinic_id=clinic_id, id=new_id(), person_id=person_id, starts_at=start, ends_at=end, is_on=is_on))


def _end_absences(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> None:
    covers = (
        DutyChange.clinic_id == clinic_id,
        DutyChange.person_id == person_id,
        not_(DutyChange.is_on),
        DutyChange.ends_at > now,
    )
    db.execute(delete(DutyChange).where(*covers, DutyChange.starts_at == now))
    db.execute(update(DutyChange).where(*covers, DutyChange.starts_at < now).values(ends_at=now))
