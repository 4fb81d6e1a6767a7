"""Tables of messages to people, what is due, what is being sent, and each try."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, one_of, within_clinic

CHANNELS = ("push", "email", "webhook")
STATES = ("pending", "sent", "shown", "unreachable", "expired", "cancelled")


class Message(ClinicScoped, Base):
    """Something to tell one person. `kind` chooses the words; `about_…` what it leads to; no health data in it.

    `sent` means that a push service, a mail server or the gateway took it, `shown` that a device said it was displayed,
    `unreachable` that the person could not be told in this way (the message still stands in the person's inbox).
    `carried_by` names the message whose push told of this one too.
    """

    __tablename__ = "messages"
    __table_args__ = (
        within_clinic("recipient_id", "people"),
        UniqueConstraint("clinic_id", "dedupe_key"),
        Index("ix_messages_recipient", "clinic_id", "recipient_id", "created_at"),
        Index("ix_messages_about", "clinic_id", "about_kind", "about_id"),
        Index(
            "ix_messages_carried_by",
            "clinic_id",
            "carried_by",
            sqlite_where=text("carried_by is not null"),
            postgresql_where=text("carried_by is not null"),
        ),
        one_of("channel", *CHANNELS),
        one_of("state", *STATES),
        one_of("urgency", "normal", "high"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(default="push", server_default="push")
    kind: Mapped[str]
    about_kind: Mapped[str]
    about_id: Mapped[UUID]
    params: Mapped[dict[str, Any]]
    url: Mapped[str]
    urgency: Mapped[str]
    dedupe_key: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int]
    carried_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class DueMessage(ClinicScoped, Base):
    """A message that waits for its time: a narrow row in the order of claiming, which stays flat as tables grow.

    `set_at` is when its time was decided: a clock that reads earlier was set back.
    """

    __tablename__ = "due_messages"
    __table_args__ = (
        within_clinic("message_id", "messages"),
        {"sqlite_strict": True, "sqlite_with_rowid": False},
    )

    is_urgent: Mapped[bool] = mapped_column(primary_key=True, sort_order=-40)
    due_at: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-30)
    message_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)
    set_at: Mapped[datetime]


class LeasedMessage(ClinicScoped, Base):
    """A message that a worker is sending; when the lease ends without a result, it becomes due again."""

    __tablename__ = "leased_messages"
    __table_args__ = (
        within_clinic("message_id", "messages"),
        Index("ix_leased_messages_until", "lease_until"),
        {"sqlite_strict": True},
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    fence: Mapped[UUID]
    lease_until: Mapped[datetime]


class Attempt(ClinicScoped, Base):
    """One try to send one message, and what came of it.

    `device_id` names the device, and outlives its subscription; by e-mail and webhook it is the recipient's id.
    `silent` means that a push service accepted it, and that the device, which sends receipts, did not say it shows it.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        within_clinic("message_id", "messages"),
        Index("ix_attempts_message", "clinic_id", "message_id"),
        Index(
            "ix_attempts_our_fault",
            "at",
            sqlite_where=text("status_code in (400, 401, 403, 413)"),
            postgresql_where=text("status_code in (400, 401, 403, 413)"),
        ),
        Index(
            "ix_attempts_refused",
            "at",
            sqlite_where=text("result = 'refused'"),
            postgresql_where=text("result = 'refused'"),
        ),
        one_of("result", "accepted", "gone", "retry", "refused", "silent"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID]
    device_id: Mapped[UUID]
    at: Mapped[datetime]
    result: Mapped[str]
    status_code: Mapped[int | None]
    shown_at: Mapped[datetime | None]


class AwaitedReceipt(ClinicScoped, Base):
    """Until when a device that sends receipts should have said that it shows a message; in order of time."""

    __tablename__ = "awaited_receipts"
    __table_args__ = (
        within_clinic("message_id", "messages"),
        Index("ix_awaited_receipts_message", "clinic_id", "message_id"),
        {"sqlite_strict": True, "sqlite_with_rowid": False},
    )

    due_at: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-30)
    message_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)
    device_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-15)
