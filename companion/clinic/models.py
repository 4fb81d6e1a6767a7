"""Tables of clinics and of who is on duty."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class Clinic(Base):
    """One clinic. `opening` maps a weekday (0 Monday to 6 Sunday) to ["HH:MM", "HH:MM"] in the clinic's zone."""

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
    """A member of staff who is on duty now; the row is there or it is not."""

    __tablename__ = "duty"
    __table_args__ = (within_clinic("person_id", "people"), {"sqlite_strict": True})

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    since_at: Mapped[datetime]
