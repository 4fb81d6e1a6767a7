"""Reads of a person's messages, and of how a person is reached."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.errors import NotFound
from companion.inbox.rules import Reach
from companion.outbox.models import DueMessage, Message
from companion.push import queries as push

SHOWN_FOR = timedelta(days=90)
# A reminder that is over is no news, whether it was read or not.
REMINDERS = ("check_in_due", "visit_reminder")


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the inbox lists it."""

    message: Message
    is_new: bool


def lines(db: Session, clinic_id: UUID, person_id: UUID, now: datetime, *, limit: int = 100) -> list[Line]:
    """A person's messages of the last 90 days, newest first."""
    wanted = select(Message).where(*own(clinic_id, person_id, now), Message.created_at > now - SHOWN_FOR)
    rows = db.scalars(wanted.order_by(Message.created_at.desc(), Message.id).limit(limit))
    return [Line(row, row.read_at is None and (row.kind not in REMINDERS or row.expires_at > now)) for row in rows]


def unread(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> int:
    """How many messages are new to their reader."""
    is_news = or_(Message.kind.not_in(REMINDERS), Message.expires_at > now)
    wanted = (
        *own(clinic_id, person_id, now),
        Message.created_at > now - SHOWN_FOR,
        Message.read_at.is_(None),
        is_news,
    )
    return db.scalar(select(func.count()).select_from(Message).where(*wanted)) or 0


def message(db: Session, clinic_id: UUID, person_id: UUID, message_id: UUID) -> Message:
    """One of one's own messages; NotFound for anybody else's."""
    found = db.get(Message, (clinic_id, message_id))
    if found is None or found.recipient_id != person_id:
        raise NotFound
    return found


def reach(db: Session, person: Person, now: datetime) -> Reach:
    """How a person can be told something now."""
    key = (person.clinic_id, person.id)
    devices = push.devices(db, [key]).get(key, [])
    sign_ins = accounts.living_sign_ins(db, *key, now)
    return Reach(
        devices=len(devices),
        proven_at=max((device.proven_at for device in devices if device.proven_at), default=None),
        has_email=person.mailbox is not None,
        opened_at=max((row.seen_at for row in sign_ins), default=None),
    )


def own(clinic_id: UUID, person_id: UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions that name what a person has been told by now."""
    # What waits for its time is not told early; what is tried again is told already.
    waits = and_(
        DueMessage.clinic_id == Message.clinic_id, DueMessage.message_id == Message.id, DueMessage.due_at > now
    )
    return (
        Message.clinic_id == clinic_id,
        Message.recipient_id == person_id,
        Message.state != "cancelled",
        Message.kind != "test",
        Message.dedupe_key.not_like("fallback:%"),  # the same by e-mail
        or_(Message.tries > 0, ~exists().where(waits)),
    )
