"""Reads of passkeys."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.passkeys.models import Passkey


def passkeys(db: Session, clinic_id: UUID, person_id: UUID) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    own = select(Passkey).where(Passkey.clinic_id == clinic_id, Passkey.person_id == person_id)
    return list(db.scalars(own.order_by(Passkey.created_at, Passkey.id)))


def by_credential(db: Session, credential_id: str) -> Passkey | None:
    """The passkey of this credential, in whichever clinic."""
    return db.scalar(select(Passkey).where(Passkey.credential_id == credential_id))
