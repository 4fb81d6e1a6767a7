"""Reads of visits and of what falls due."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from companion.course.models import Course
from companion.errors import NotFound
from companion.schedule import rules
from companion.schedule.models import PlanItem, Visit

_AFTERCARE = Path(__file__).with_name("aftercare.toml")


@dataclass(frozen=True, slots=True)
class Overview:
    """Where a course stands: sessions done, planned in all, and the next one's visit if it has a date."""

    course: Course
    done: int
    planned: int
    next_visit: Visit | None

    @property
    def remaining(self) -> int:
        """Sessions still to come."""
        return max(0, self.planned - self.done)


def overview(db: Session, course: Course, now: datetime) -> Overview:
    """Where a course stands at `now`."""
    visits = visits_of(db, course.clinic_id, course.patient_id)
    own = [visit for visit in visits if visit.course_id == course.id]
    coming = [visit for visit in own if visit.state == "planned" and visit.starts_at > now]
    done = sum(visit.state == "done" for visit in own)
    return Overview(course, done, course.planned_visits, min(coming, key=lambda visit: visit.starts_at, default=None))


def visits_of(db: Session, clinic_id: UUID, patient_id: UUID) -> list[Visit]:
    """A patient's visits, the earliest first."""
    return list(
        db.scalars(
            select(Visit).where(Visit.clinic_id == clinic_id, Visit.patient_id == patient_id).order_by(Visit.starts_at)
        )
    )


def past_visits_of_many(
    db: Session, clinic_id: UUID, patient_ids: Collection[UUID], now: datetime
) -> dict[UUID, list[Visit]]:
    """As `past_visits_of`, for several patients."""
    found: dict[UUID, list[Visit]] = {}
    mine = (Visit.clinic_id == clinic_id, Visit.patient_id.in_(patient_ids))
    for visit in db.scalars(select(Visit).where(*mine).order_by(Visit.starts_at)):
        if _took_place(visit, now):
            found.setdefault(visit.patient_id, []).append(visit)
    return found


def past_visits_of(db: Session, clinic_id: UUID, patient_id: UUID, now: datetime) -> list[Visit]:
    """Visits that took place; a planned one whose time has come counts, since a nurse may not have said so yet."""
    return [visit for visit in visits_of(db, clinic_id, patient_id) if _took_place(visit, now)]


def _took_place(visit: Visit, now: datetime) -> bool:
    return visit.state == "done" or (visit.state == "planned" and visit.starts_at <= now)


def visit(db: Session, clinic_id: UUID, visit_id: UUID) -> Visit:
    """One visit of the clinic; NotFound for any other."""
    found = db.get(Visit, (clinic_id, visit_id))
    if found is None:
        raise NotFound
    return found


def has_later_visit(db: Session, visit: Visit, now: datetime) -> bool:
    """Whether the patient had another session since this one."""
    others = visits_of(db, visit.clinic_id, visit.patient_id)
    return any(other.starts_at > visit.starts_at and _took_place(other, now) for other in others)


def items_of(db: Session, clinic_id: UUID, visit_id: UUID) -> list[PlanItem]:
    """What falls due around a visit."""
    return list(db.scalars(select(PlanItem).where(PlanItem.clinic_id == clinic_id, PlanItem.visit_id == visit_id)))


def open_check_in(db: Session, clinic_id: UUID, patient_id: UUID, now: datetime) -> PlanItem | None:
    """The check-in that is due now and not done, if there is one."""
    return db.scalars(
        select(PlanItem)
        .where(
            PlanItem.clinic_id == clinic_id,
            PlanItem.patient_id == patient_id,
            PlanItem.kind == "check_in",
            PlanItem.state.in_(["planned", "released"]),
            PlanItem.due_at <= now,
            PlanItem.expires_at > now,
        )
        .order_by(PlanItem.due_at.desc())
        .limit(1)
    ).first()


def due_items(db: Session, now: datetime, *, limit: int = 500, but: Collection[UUID] = ()) -> list[PlanItem]:
    """Planned items whose time has come, in order, of all clinics, but not these."""
    return list(
        db.scalars(
            select(PlanItem)
            .where(PlanItem.state == "planned", PlanItem.due_at <= now, PlanItem.id.not_in(but))
            .order_by(PlanItem.due_at)
            .limit(limit)
        )
    )


def is_wanted(db: Session, item: PlanItem, now: datetime) -> bool:
    """Whether an item is still news to its patient."""
    own = visit(db, item.clinic_id, item.visit_id)
    return rules.still_wanted(
        expires_at=item.expires_at,
        visit_state=own.state,
        kind=item.kind,
        now=now,
        slot=item.slot,
        has_later_visit=has_later_visit(db, own, now),
    )


def handled_too_soon(db: Session, now: datetime) -> list[PlanItem]:
    """What a clock that was ahead has missed or said though it lies before us yet, or is not over."""
    # Nothing that is not over fell due longer ago than the longest lasts: the index leads to it.
    recent = PlanItem.due_at > now - rules.LATE_LASTS
    missed = and_(PlanItem.state == "missed", recent, PlanItem.expires_at > now)
    said = and_(PlanItem.state == "released", PlanItem.due_at > now + rules.SAID_EARLY)
    found = db.scalars(select(PlanItem).where(or_(missed, said)))
    return [item for item in found if item.due_at > now or is_wanted(db, item, now)]


@cache
def aftercare() -> tuple[rules.Advice, ...]:
    """Every piece of aftercare advice, as its file has it."""
    rows = tomllib.loads(_AFTERCARE.read_text(encoding="utf-8"))["advice"]
    return tuple(
        rules.Advice(
            id=row["id"],
            line=row["line"],
            until=timedelta(hours=row["until_hours"]),
            areas=frozenset(row.get("areas", ())),
            source=row["source"],
        )
        for row in rows
    )


def aftercare_of(
    db: Session, clinic_id: UUID, patient_id: UUID, now: datetime
) -> tuple[Visit | None, list[tuple[rules.Advice, datetime]]]:
    """The patient's last session, None before the first, and the advice that still holds after it, with its end."""
    last = next(reversed(past_visits_of(db, clinic_id, patient_id, now)), None)
    if last is None:
        return None, []
    return last, rules.advice_in_force(aftercare(), session_at=last.starts_at, areas=last.areas, now=now)
