"""Tables of people, sign-ins, invitations and the audit trail."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, false
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from companion.accounts.rules import QUIET_HOURS
from companion.db import Base, ClinicScoped, within_clinic


class Person(ClinicScoped, Base):
    """Somebody with an account: staff or patient. `subject_key` names the person to a phone, and tells nothing.

    `email` is for signing in and is one person's only; `contact_email` is where a patient agreed to get messages, and
    a family may share it. Reminders wait from `quiet_from` to `quiet_until` ("HH:MM", the clinic's time); None: never.
    """

    __tablename__ = "people"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        UniqueConstraint("email"),
        UniqueConstraint("subject_key"),
        Index("ix_people_staff", "clinic_id", "is_staff", "name"),
        Index("ix_people_patients", "clinic_id", "is_patient", "name"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    roles: Mapped[list[str]]
    email: Mapped[str | None]
    password_hash: Mapped[str | None]
    subject_key: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    contact_email: Mapped[str | None]
    contact_agreed_at: Mapped[datetime | None]
    quiet_from: Mapped[str | None] = mapped_column(default=QUIET_HOURS[0], server_default=QUIET_HOURS[0])
    quiet_until: Mapped[str | None] = mapped_column(default=QUIET_HOURS[1], server_default=QUIET_HOURS[1])
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
    # What `roles` says, as columns that a list can be narrowed by.
    is_staff: Mapped[bool] = mapped_column(default=lambda row: set(_roles(row)) != {"patient"}, server_default=false())
    is_patient: Mapped[bool] = mapped_column(default=lambda row: "patient" in _roles(row), server_default=false())

    @property
    def mailbox(self) -> str | None:
        """Where e-mail to this person may go: staff's own address, or the one that a patient agreed to."""
        if self.contact_email and self.contact_agreed_at:
            return self.contact_email
        return self.email if self.is_staff else None


def _roles(row: DefaultExecutionContext) -> list[str]:
    return list(row.get_current_parameters()["roles"])  # type: ignore[no-untyped-call] # it has no types


class SignIn(ClinicScoped, Base):
    """One signed-in browser. Only the hash of its token is kept; `ended_at` revokes it at once.

    `device` is what the browser said it is, so that a person knows which of the phones is which.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (
        within_clinic("person_id", "people"),
        UniqueConstraint("token_hash"),
        Index("ix_sign_ins_person", "clinic_id", "person_id"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    token_hash: Mapped[str]
    device: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(ClinicScoped, Base):
    """A one-use way to sign in as a person, by link (token) or by typing (code); both are kept as hashes."""

    __tablename__ = "invitations"
    __table_args__ = (
        within_clinic("person_id", "people"),
        UniqueConstraint("token_hash"),
        UniqueConstraint("code_hash"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    token_hash: Mapped[str]
    code_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]


class FailedTries(Base):
    """Passwords or codes that were tried within one window; the key is a hash, so that no address is kept."""

    __tablename__ = "failed_tries"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    window_started_at: Mapped[datetime]
    count: Mapped[int]


class AuditEntry(ClinicScoped, Base):
    """Who did what to which thing, when. Rows are only ever added: triggers refuse changes."""

    __tablename__ = "audit"
    __table_args__ = (
        ForeignKeyConstraint(["clinic_id"], ["clinics.id"]),
        Index("ix_audit_at", "clinic_id", "at"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    verb: Mapped[str]
    about_kind: Mapped[str]
    about_id: Mapped[str]
