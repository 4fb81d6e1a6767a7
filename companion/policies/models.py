"""Table of the ladders that a clinic has changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, one_of, within_clinic
from companion.policies.rules import ALERTING


class LevelPolicy(ClinicScoped, Base):
    """A clinic's own ladder for one level; without a row the default counts. `version` grows with every change."""

    __tablename__ = "policies"
    __table_args__ = (
        within_clinic("changed_by", "people"),
        one_of("level", *ALERTING),
        {"sqlite_strict": True},
    )

    level: Mapped[str] = mapped_column(primary_key=True)
    steps: Mapped[list[dict[str, Any]]]
    repeat_minutes: Mapped[int]
    version: Mapped[int]
    changed_by: Mapped[UUID]
    changed_at: Mapped[datetime]
