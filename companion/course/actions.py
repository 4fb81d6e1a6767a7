"""Changes to courses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.course.forms import CourseForm
from companion.course.models import Course
from companion.ids import new_id


def create_course(
    db: Session, *, clinic_id: UUID, patient_id: UUID, form: CourseForm, now: datetime, actor_id: UUID | None = None
) -> Course:
    """A new course of treatment for a patient of the clinic."""
    row = Course(
        clinic_id=clinic_id,
        id=new_id(),
        patient_id=patient_id,
        indication=form.indication,
        areas=list(form.areas),
        agents=list(form.agents),
        technique=form.technique,
        planned_visits=form.planned_visits,
        interval_days=form.interval_days,
        created_at=now,
        ended_at=None,
    )
    db.add(row)
    db.flush()
    about = ("course", row.id)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="course.created", about=about, now=now)
    return row
