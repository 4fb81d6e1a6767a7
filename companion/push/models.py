"""Table of the devices that receive push."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, within_clinic


class Subscription(ClinicScoped, Base):
    """One device of one person. `key_id` names our VAPID key that it was made for.

    `sign_in_id` is the sign-in that told us of it last; that row may be gone, and the device still be told.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        within_clinic("person_id", "people"),
        UniqueConstraint("endpoint"),
        Index("ix_subscriptions_person", "clinic_id", "person_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    sign_in_id: Mapped[UUID | None]
    endpoint: Mapped[str]
    p256dh: Mapped[str]
    auth: Mapped[str]
    key_id: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
