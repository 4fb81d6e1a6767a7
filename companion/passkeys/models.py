"""Tables of passkeys and of the challenges that are open."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, WideInteger, one_of, within_clinic


class Passkey(ClinicScoped, Base):
    """A person's passkey: the public half, base64url. `device` is what the browser said it was made on."""

    __tablename__ = "passkeys"
    __table_args__ = (
        within_clinic("person_id", "people"),
        UniqueConstraint("credential_id"),
        Index("ix_passkeys_person", "clinic_id", "person_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    credential_id: Mapped[str]
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(WideInteger)
    device: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Challenge(Base):
    """What a browser must sign, once: for a new passkey of `person_id`, or for signing in as nobody yet knows whom."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (
        one_of("purpose", "new", "sign_in"),
        Index("ix_passkey_challenges_expires", "expires_at"),
        {"sqlite_strict": True},
    )

    challenge_hash: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    person_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
