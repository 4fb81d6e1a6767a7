"""Reads of messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text, tuple_
from sqlalchemy.orm import Session

from companion.accounts.models import Person
from companion.clock import CLOCKS_DIFFER
from companion.outbox.models import Attempt, AwaitedReceipt, DueMessage, LeasedMessage, Message
from companion.outbox.rules import LEASE, RECEIPT_WITHIN
from companion.push import queries as push
from companion.push.models import Subscription


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message under our lease, its recipient's language and address, and the devices that are still to be told.

    Only a message by push has devices.
    """

    message: Message
    fence: UUID
    locale: str
    email: str | None
    devices: tuple[Subscription, ...]


def messages_about(db: Session, clinic_id: UUID, about: tuple[str, UUID]) -> list[Message]:
    """Everything that was or will be sent about one thing, oldest first."""
    kind, subject = about
    return list(
        db.scalars(
            select(Message)
            .where(Message.clinic_id == clinic_id, Message.about_kind == kind, Message.about_id == subject)
            .order_by(Message.created_at)
        )
    )


def nobody_reached(db: Session, clinic_id: UUID, about: tuple[str, UUID], key_prefix: str) -> bool:
    """Whether messages of these keys were written and every one of them reached no device."""
    found = [message for message in messages_about(db, clinic_id, about) if message.dedupe_key.startswith(key_prefix)]
    return bool(found) and all(message.state in ("unreachable", "expired") for message in found)


def has_due(db: Session, *, now: datetime) -> bool:
    """Whether a claim would find anything: a read, so that an idle worker never takes the writer's lock."""
    # Both values are named, so that the index serves though it begins with them.
    due = (DueMessage.is_urgent.in_((True, False)), DueMessage.due_at <= now)
    is_due = select(DueMessage.message_id).where(*due).limit(1)
    lost = select(LeasedMessage.message_id).where(is_over(now)).limit(1)
    return db.execute(is_due).first() is not None or db.execute(lost).first() is not None


def has_set_ahead(db: Session, *, now: datetime) -> bool:
    """Whether something waits for a time that was set by a clock that has been put back since."""
    return db.execute(select(DueMessage.message_id).where(*is_set_ahead(now)).limit(1)).first() is not None


def is_set_ahead(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of what waits for a time that was set by a clock that has been put back since."""
    # What has its time already is claimed anyway: the index leads to the few that wait.
    waits = (DueMessage.is_urgent.in_((True, False)), DueMessage.due_at > now)
    return (*waits, DueMessage.set_at > now + CLOCKS_DIFFER)


def is_over(now: datetime) -> ColumnElement[bool]:
    """The condition of a lease that is past its end, or further away than any lasts: the clock was set back."""
    return (LeasedMessage.lease_until <= now) | (LeasedMessage.lease_until > now + 2 * LEASE)


def to_send(db: Session, keys: Sequence[tuple[UUID, UUID]], fence: UUID) -> list[Claimed]:
    """Of the messages under this lease those that are still to be sent, oldest first."""
    found = db.execute(
        select(Message, Person)
        .join(Person, and_(Person.clinic_id == Message.clinic_id, Person.id == Message.recipient_id))
        .where(tuple_(Message.clinic_id, Message.id).in_(keys), Message.state == "pending")
        .order_by(Message.created_at, Message.id)
    ).all()
    devices = devices_to_tell(db, [row.Message for row in found if row.Message.channel == "push"])
    return [
        Claimed(row.Message, fence, row.Person.locale, row.Person.mailbox, devices.get(row.Message.id, ()))
        for row in found
    ]


def devices_to_tell(db: Session, messages: Sequence[Message]) -> dict[UUID, tuple[Subscription, ...]]:
    """For each message the devices of its reader that have not been sent it yet."""
    devices = push.devices(db, {(message.clinic_id, message.recipient_id) for message in messages})
    told = _told(db, [message for message in messages if message.tries])
    return {
        message.id: tuple(
            device
            for device in devices.get((message.clinic_id, message.recipient_id), ())
            if (message.id, device.id) not in told
        )
        for message in messages
    }


def fallbacks_refused(db: Session, since: datetime) -> int:
    """How many tries to tell staff by another way than push were refused since then, in all clinics."""
    return db.execute(_REFUSED.with_only_columns(func.count()).where(Attempt.at > since)).scalar_one()


def last_refusals(db: Session, clinic_id: UUID, since: datetime) -> dict[str, datetime]:
    """For each other way than push by which telling this clinic's staff was refused since then: when it last was."""
    own = _REFUSED.where(Attempt.clinic_id == clinic_id, Attempt.at > since)
    return {row[0]: row[1] for row in db.execute(own.group_by(Message.channel))}


# A patient's address that is wrong stands in nobody's way.
_TO_STAFF = ("case_alert", "case_handed", "case_left", "fallback_test")
_REFUSED = (
    select(Message.channel, func.max(Attempt.at))
    .join(Message, (Message.clinic_id == Attempt.clinic_id) & (Message.id == Attempt.message_id))
    .where(text("result = 'refused'"), Message.channel != "push", Message.kind.in_(_TO_STAFF))
)


def has_silent(db: Session, *, now: datetime) -> bool:
    """Whether a receipt has not come in its time."""
    return db.execute(select(AwaitedReceipt.message_id).where(is_silent(now)).limit(1)).first() is not None


def is_silent(now: datetime) -> ColumnElement[bool]:
    """The condition of a receipt that is overdue, or due later than any can be: the clock was set back."""
    return (AwaitedReceipt.due_at <= now) | (AwaitedReceipt.due_at > now + 2 * RECEIPT_WITHIN)


def taken(db: Session, messages: Sequence[Message]) -> set[UUID]:
    """Which of these a device has taken before and was not found silent since."""
    tried = [(message.clinic_id, message.id) for message in messages if message.tries]
    if not tried:
        return set()
    keys = tuple_(Attempt.clinic_id, Attempt.message_id).in_(tried)
    return set(db.scalars(select(Attempt.message_id).where(keys, Attempt.result == "accepted")))


def _told(db: Session, messages: Sequence[Message]) -> set[tuple[UUID, UUID]]:
    if not messages:
        return set()
    keys = [(message.clinic_id, message.id) for message in messages]
    rows = db.execute(
        select(Attempt.message_id, Attempt.device_id).where(
            tuple_(Attempt.clinic_id, Attempt.message_id).in_(keys), Attempt.result.in_(("accepted", "silent"))
        )
    )
    return {(row.message_id, row.device_id) for row in rows}
