"""Reads of messages."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.outbox.models import Message


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
