"""Tables of signs of life, of what an operator should know of, and of the alarms that stand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base


class Beat(Base):
    """When a part of the worker, or a job of the housekeeper, last succeeded, and a number that it found."""

    __tablename__ = "beats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    value: Mapped[int | None]


class OperatorEvent(Base):
    """Something that happened to the installation, like a clock that jumped. Numbers and names of parts only."""

    __tablename__ = "operator_events"
    __table_args__ = (Index("ix_operator_events_at", "at"), {"sqlite_strict": True})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]]


class Alarm(Base):
    """A sign of health that is not well: since when, and when the operator was told."""

    __tablename__ = "alarms"

    name: Mapped[str] = mapped_column(primary_key=True)
    since_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
