"""Tables of treatment sessions and of what falls due around them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, one_of, within_clinic


class Visit(ClinicScoped, Base):
    """One treatment session of a course. `version` rises with every change, so that two editors notice each other."""

    __tablename__ = "visits"
    __table_args__ = (
        within_clinic("course_id", "courses"),
        within_clinic("patient_id", "people"),
        UniqueConstraint("clinic_id", "course_id", "number"),
        Index("ix_visits_patient", "clinic_id", "patient_id", "starts_at"),
        one_of("state", "planned", "done", "cancelled"),
        CheckConstraint("number >= 1", name="number_positive"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    number: Mapped[int]
    starts_at: Mapped[datetime]
    state: Mapped[str]
    areas: Mapped[list[str]]
    agents: Mapped[list[str]]
    technique: Mapped[str]
    has_topical_anaesthetic: Mapped[bool]
    version: Mapped[int]


class PlanItem(ClinicScoped, Base):
    """Something that falls due for a patient: a check-in after a visit, or a reminder before one."""

    __tablename__ = "plan_items"
    __table_args__ = (
        within_clinic("visit_id", "visits"),
        within_clinic("patient_id", "people"),
        UniqueConstraint("clinic_id", "visit_id", "slot"),
        Index("ix_plan_items_due", "state", "due_at"),
        Index("ix_plan_items_patient", "clinic_id", "patient_id", "due_at"),
        one_of("state", "planned", "released", "done", "missed", "cancelled"),
        one_of("kind", "check_in", "visit_reminder"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    kind: Mapped[str]
    slot: Mapped[str]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str]
    version: Mapped[int]
