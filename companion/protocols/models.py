"""Table of published protocols."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class PublishedProtocol(ClinicScoped, Base):
    """A version of the clinic's protocol as its whole text, and who answers for it. Rows are only ever added.

    `replayed` are the figures of the replay that was shown before it was published; None in rows older than that rule.
    """

    __tablename__ = "protocols"
    __table_args__ = (
        within_clinic("published_by", "people"),
        Index("ix_protocols_published", "clinic_id", "published_at"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[str]
    text: Mapped[str]
    published_by: Mapped[UUID]
    published_at: Mapped[datetime]
    replayed: Mapped[dict[str, Any] | None]
