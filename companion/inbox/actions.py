"""Messages are marked as read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from companion.inbox import queries
from companion.outbox.models import Message


def mark_read(db: Session, *, clinic_id: UUID, message_id: UUID, now: datetime) -> None:
    """A message is read; when it was read first stays."""
    _mark(db, Message.clinic_id == clinic_id, Message.id == message_id, now=now)


def mark_all_read(db: Session, *, clinic_id: UUID, person_id: UUID, now: datetime) -> None:
    """All that a person was told by now is read; what waits for its time is not."""
    own = queries.own(clinic_id, person_id, now)
    _mark(db, *own, now=now)


def _mark(db: Session, *wanted: ColumnElement[bool], now: datetime) -> None:
    db.execute(update(Message).where(*wanted, Message.read_at.is_(None)).values(read_at=now))
