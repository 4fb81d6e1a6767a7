"""Tables of cases, of the entries that belong to them, and of what happened in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, one_of, within_clinic
from companion.policies.rules import LEVELS


class Escalation(ClinicScoped, Base):
    """An unusual reaction under care. `policy` is the snapshot it was opened with; the level only rises.

    `next_step_at` is when the next step of the policy is due, empty where none is, and `step_set_at` when that was
    decided: a clock that reads earlier was set back. `step` counts the steps taken in this `round` of the ladder.
    `promised_at` is when the patient was promised an answer by `respond_by`, `warned_at` when they were told that
    it may come late. At most one case of a patient is unresolved.
    """

    __tablename__ = "escalations"
    __table_args__ = (
        within_clinic("patient_id", "people"),
        within_clinic("taken_by", "people"),
        Index(
            "ix_escalations_one_open",
            "clinic_id",
            "patient_id",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index(
            "ix_escalations_next_step",
            "next_step_at",
            sqlite_where=text("next_step_at is not null"),
            postgresql_where=text("next_step_at is not null"),
        ),
        Index(
            "ix_escalations_promise",
            "respond_by",
            sqlite_where=text("warned_at is null and state <> 'resolved'"),
            postgresql_where=text("warned_at is null and state <> 'resolved'"),
        ),
        Index("ix_escalations_opened", "clinic_id", "opened_at"),
        one_of("level", *LEVELS),
        one_of("state", "open", "acknowledged", "resolved"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    level: Mapped[str]
    state: Mapped[str]
    summary: Mapped[str]
    policy: Mapped[dict[str, Any]]
    round: Mapped[int]
    step: Mapped[int]
    next_step_at: Mapped[datetime | None]
    step_set_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    promised_at: Mapped[datetime]
    respond_by: Mapped[datetime]
    warned_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    taken_by: Mapped[UUID | None]
    taken_at: Mapped[datetime | None]
    acted_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    outcome_note: Mapped[str | None]
    noise_reason: Mapped[str | None]


class EscalationEntry(ClinicScoped, Base):
    """A patient's entry that belongs to a case, named by its id; the case knows nothing else of it.

    Phones mint the ids, so that another patient's entry may bear the same: only with the case's patient it names one.
    """

    __tablename__ = "escalation_entries"
    __table_args__ = (
        within_clinic("escalation_id", "escalations"),
        Index("ix_escalation_entries_subject", "clinic_id", "subject_id"),
        {"sqlite_strict": True},
    )

    escalation_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    added_at: Mapped[datetime]


class EscalationEvent(ClinicScoped, Base):
    """Something that happened in a case: opened, raised, told, seen, taken, contacted, lapsed, resolved …"""

    __tablename__ = "escalation_events"
    __table_args__ = (
        within_clinic("escalation_id", "escalations"),
        within_clinic("actor_id", "people"),
        UniqueConstraint("clinic_id", "escalation_id", "dedupe_key"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    escalation_id: Mapped[UUID]
    at: Mapped[datetime]
    kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    dedupe_key: Mapped[str]
    detail: Mapped[dict[str, Any]]


class ContactCard(ClinicScoped, Base):
    """A patient's own number, and whom to call when they do not answer."""

    __tablename__ = "contact_cards"
    __table_args__ = (within_clinic("patient_id", "people"), {"sqlite_strict": True})

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str]
    other_name: Mapped[str]
    other_phone: Mapped[str]
    changed_at: Mapped[datetime]
