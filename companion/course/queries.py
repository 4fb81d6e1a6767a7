"""Reads of courses."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.course.models import Course
from companion.errors import NotFound


def courses_of(db: Session, clinic_id: UUID, patient_id: UUID) -> list[Course]:
    """A patient's courses, the newest first."""
    return list(
        db.scalars(
            select(Course)
            .where(Course.clinic_id == clinic_id, Course.patient_id == patient_id)
            .order_by(Course.created_at.desc())
        )
    )


def course(db: Session, clinic_id: UUID, course_id: UUID) -> Course:
    """One course of the clinic; NotFound for any other."""
    found = db.get(Course, (clinic_id, course_id))
    if found is None:
        raise NotFound
    return found
