"""Tables of what patients report and what triage said of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from companion.db import Base, ClinicScoped, WideInteger, within_clinic


class Reaction(ClinicScoped, Base):
    """One entry by a patient, as it was sent. The phone mints the id, so the key holds the patient as well.

    `words_answer` is "yes" or "no" once the patient was asked about a sign that was told in words; None counts as yes.
    `noted_at` is the phone's time corrected by its measured skew, `received_at` the server's; what the phone noted in a
    time to come counts as noted when it was received, and its assessment says that its time is in doubt.
    """

    __tablename__ = "reactions"
    __table_args__ = (
        within_clinic("patient_id", "people"),
        Index("ix_reactions_received", "clinic_id", "patient_id", "received_at"),
        {"sqlite_strict": True},
    )

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    body: Mapped[dict[str, Any]]
    noted_at: Mapped[datetime]
    received_at: Mapped[datetime]
    skew_seconds: Mapped[int] = mapped_column(WideInteger)
    mistaken_at: Mapped[datetime | None]
    words_answer: Mapped[str | None]


class Assessment(ClinicScoped, Base):
    """What triage said of one reaction, by which version of the protocol. Rows are only ever added.

    `number` counts from 1; the highest of a reaction is what holds. A later one is there because of `late_id`: an entry
    that was noted before this reaction and came in after it had been judged.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["clinic_id", "patient_id", "reaction_id"],
            ["reactions.clinic_id", "reactions.patient_id", "reactions.id"],
        ),
        ForeignKeyConstraint(
            ["clinic_id", "patient_id", "late_id"],
            ["reactions.clinic_id", "reactions.patient_id", "reactions.id"],
        ),
        UniqueConstraint("clinic_id", "patient_id", "reaction_id", "number"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    reaction_id: Mapped[UUID]
    disposition: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]]
    unjudged: Mapped[list[str]]
    hours: Mapped[float | None]
    protocol_version: Mapped[str]
    assessed_at: Mapped[datetime]
    number: Mapped[int]
    late_id: Mapped[UUID | None]


class ExpectedLevel(ClinicScoped, Base):
    """Up to which grade a nurse expects a symptom of one patient's area, until when, and why."""

    __tablename__ = "expected_levels"
    __table_args__ = (
        within_clinic("patient_id", "people"),
        within_clinic("set_by", "people"),
        within_clinic("ended_by", "people"),
        Index("ix_expected_levels_patient", "clinic_id", "patient_id", "set_at"),
        CheckConstraint("grade between 1 and 3", name="grade_range"),
        {"sqlite_strict": True},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    area: Mapped[str]
    symptom: Mapped[str]
    grade: Mapped[int]
    reason: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
    until_at: Mapped[datetime]
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
