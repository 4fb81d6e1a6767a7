"""Tables of clinics and of who is on duty."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class Clinic(Base):
    """One clinic. `opening` maps a weekday (0 Monday to 6 Sunday), or a date that differs from it ("2026-12-25"), to
    ["HH:MM", "HH:MM"] in the clinic's zone, or to [] where it stays closed.
    """

    __tablename__ = "clinics"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    zone: Mapped[str]
    phone: Mapped[str]
    out_of_hours_phone: Mapped[str]
    emergency_number: Mapped[str]
    opening: Mapped[dict[str, Any]]
    is_demonstration: Mapped[bool]
    created_at: Mapped[datetime]


class Duty(ClinicScoped, Base):
    """Somebody has switched on by hand, beyond the rota, until they switch off; the row is there or it is not."""

    __tablename__ = "duty"
    __table_args__ = (within_clinic("person_id", "people"), {"sqlite_strict": True})

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    since_at: Mapped[datetime]


class DutyShift(ClinicScoped, Base):
    """A person's duty every week, "HH:MM" in the clinic's zone; one that ends no later than it starts ends next day."""

    __tablename__ = "duty_shifts"
    __table_args__ = (
        within_clinic("person_id", "people"),
        CheckConstraint("weekday between 0 and 6", name="weekday_known"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    weekday: Mapped[int]
    starts: Mapped[str]
    ends: Mapped[str]


class DutyChange(ClinicScoped, Base):
    """A person is on duty (or away) from one instant to another, whatever the weekly shifts say."""

    __tablename__ = "duty_changes"
    __table_args__ = (
        within_clinic("person_id", "people"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("ix_duty_changes_end", "clinic_id", "ends_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    is_on: Mapped[bool]
