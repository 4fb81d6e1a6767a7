"""Table of courses of treatment."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class Course(ClinicScoped, Base):
    """A planned series of visits for one indication."""

    __tablename__ = "courses"
    __table_args__ = (
        within_clinic("patient_id", "people"),
        Index("ix_courses_patient", "clinic_id", "patient_id"),
        CheckConstraint("planned_visits between 1 and 30", name="planned_visits_range"),
        CheckConstraint("interval_days between 1 and 400", name="interval_days_range"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    indication: Mapped[str]
    areas: Mapped[list[str]]
    agents: Mapped[list[str]]
    technique: Mapped[str]
    planned_visits: Mapped[int]
    interval_days: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
