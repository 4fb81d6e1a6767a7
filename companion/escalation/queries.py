"""Reads of cases."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import case as sql_case
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from companion.accounts.models import Person
from companion.clinic.queries import CARERS
from companion.clock import CLOCKS_DIFFER
from companion.errors import NotFound
from companion.escalation.models import ContactCard, Escalation, EscalationEntry, EscalationEvent
from companion.escalation.rules import WARN_AT_MOST
from companion.outbox.models import Message
from companion.policies.rules import LEVELS

_urgency = sql_case({level: rank for rank, level in enumerate(LEVELS)}, value=Escalation.level)


# Several things happen at one instant, when a case opens: this is the order in which they are told.
_ORDER = (
    *("opened", "reopened", "raised", "entry_added", "lapsed", "told", "unanswered", "late", "reminded"),
    *("seen", "taken", "contacted", "handed", "snoozed", "resolved"),
)
_order = sql_case({kind: rank for rank, kind in enumerate(_ORDER)}, value=EscalationEvent.kind)


def case(db: Session, clinic_id: UUID, case_id: UUID) -> Escalation:
    """One case of the clinic; NotFound for any other."""
    found = db.get(Escalation, (clinic_id, case_id))
    if found is None:
        raise NotFound
    return found


def unresolved_case_of(db: Session, clinic_id: UUID, patient_id: UUID) -> Escalation | None:
    """The patient's one case that is not closed, if there is one."""
    return db.scalar(
        select(Escalation).where(
            Escalation.clinic_id == clinic_id, Escalation.patient_id == patient_id, Escalation.state != "resolved"
        )
    )


def resolved_since(db: Session, clinic_id: UUID, patient_id: UUID, since: datetime) -> bool:
    """Whether a person has closed a case of this patient since then."""
    closed = select(Escalation.id).where(
        Escalation.clinic_id == clinic_id, Escalation.patient_id == patient_id, Escalation.resolved_at >= since
    )
    return db.execute(closed.limit(1)).first() is not None


def queue(db: Session, clinic_id: UUID) -> list[Escalation]:
    """Cases that are not closed: most urgent first, then the one whose promise ends first."""
    return list(
        db.scalars(
            select(Escalation)
            .where(Escalation.clinic_id == clinic_id, Escalation.state != "resolved")
            .order_by(_urgency.desc(), Escalation.respond_by)
        )
    )


def resolved(db: Session, clinic_id: UUID, *, limit: int = 20) -> list[Escalation]:
    """The cases closed last."""
    return list(
        db.scalars(
            select(Escalation)
            .where(Escalation.clinic_id == clinic_id, Escalation.state == "resolved")
            .order_by(Escalation.resolved_at.desc())
            .limit(limit)
        )
    )


def events(db: Session, clinic_id: UUID, case_id: UUID) -> list[EscalationEvent]:
    """What happened in a case, oldest first."""
    return events_of(db, clinic_id, [case_id])


def events_of(db: Session, clinic_id: UUID, case_ids: Collection[UUID]) -> list[EscalationEvent]:
    """What happened in these cases, oldest first."""
    own = (EscalationEvent.clinic_id == clinic_id, EscalationEvent.escalation_id.in_(case_ids))
    rows = select(EscalationEvent).where(*own).order_by(EscalationEvent.at, _order, EscalationEvent.id)
    return list(db.scalars(rows))


def told_of(db: Session, clinic_id: UUID, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases of which an alert has left for somebody: what is only written may find no device."""
    rows = select(Message.about_id).where(
        Message.clinic_id == clinic_id,
        Message.about_kind == "escalation",
        Message.about_id.in_(case_ids),
        Message.kind == "case_alert",
        Message.state.in_(("sent", "shown")),
    )
    return set(db.scalars(rows))


def cases_of_own(db: Session, clinic_id: UUID, patient_id: UUID, subjects: Collection[UUID]) -> dict[UUID, Escalation]:
    """The case that each of these entries of a patient belongs to, where it belongs to one."""
    rows = db.execute(
        select(EscalationEntry.subject_id, Escalation)
        .join(
            Escalation,
            (Escalation.clinic_id == EscalationEntry.clinic_id) & (Escalation.id == EscalationEntry.escalation_id),
        )
        .where(EscalationEntry.clinic_id == clinic_id, EscalationEntry.subject_id.in_(subjects))
        .where(Escalation.patient_id == patient_id)
    )
    return {row.subject_id: row.Escalation for row in rows}


def subjects_of(db: Session, clinic_id: UUID, case_id: UUID) -> list[UUID]:
    """The entries of a case, oldest first."""
    return list(
        db.scalars(
            select(EscalationEntry.subject_id)
            .where(EscalationEntry.clinic_id == clinic_id, EscalationEntry.escalation_id == case_id)
            .order_by(EscalationEntry.added_at, EscalationEntry.subject_id)
        )
    )


def mark_of(db: Session, case: Escalation) -> str:
    """What there is to read in a case, as a mark that changes with every entry and with the level."""
    return f"{case.level}:{len(subjects_of(db, case.clinic_id, case.id))}"


def due(db: Session, now: datetime) -> list[Escalation]:
    """Cases whose next step is due, or was set by a clock that has been put back since."""
    rows = db.scalars(
        select(Escalation).where(
            Escalation.next_step_at.is_not(None),
            or_(Escalation.next_step_at <= now, Escalation.step_set_at > now + CLOCKS_DIFFER),
            Escalation.state != "resolved",
        )
    )
    return list(rows)


def promises_near(db: Session, now: datetime) -> list[Escalation]:
    """Cases that nobody has acted on, whose patient knows of no delay, and was promised an answer soon.

    And those whose promise was made by a clock that has been put back since.
    """
    rows = db.scalars(
        select(Escalation).where(
            or_(Escalation.respond_by <= now + WARN_AT_MOST, Escalation.promised_at > now + CLOCKS_DIFFER),
            Escalation.warned_at.is_(None),
            Escalation.state != "resolved",
            Escalation.acted_at.is_(None),
        )
    )
    return list(rows)


def unanswered(db: Session, clinic_id: UUID) -> list[UUID]:
    """The open cases that everybody has been told of without an answer."""
    rows = db.execute(
        select(Escalation.id, Escalation.policy, Escalation.step).where(
            Escalation.clinic_id == clinic_id, Escalation.state == "open", Escalation.step > 0
        )
    )
    return [row.id for row in rows if row.step >= len(row.policy["steps"])]


def taker_is_here(db: Session, case: Escalation) -> bool:
    """Whether the person who has taken the case still works here."""
    person = db.get(Person, (case.clinic_id, case.taken_by)) if case.taken_by else None
    return person is not None and person.deactivated_at is None and not set(CARERS).isdisjoint(person.roles)


def no_answers(db: Session, clinic_id: UUID, case_id: UUID) -> int:
    """How often the patient was called and did not answer."""
    calls = [event for event in events(db, clinic_id, case_id) if event.kind == "contacted"]
    return sum(event.detail.get("how") == "no_answer" for event in calls)


def contact_card(db: Session, clinic_id: UUID, patient_id: UUID) -> ContactCard | None:
    """The numbers of a patient, where the clinic has them."""
    return db.get(ContactCard, (clinic_id, patient_id))


def step_key(case: Escalation) -> str:
    """What the keys of the pushes of the step taken last begin with; an e-mail taken by a server is no sign of life."""
    return f"escalation:{case.id}:{case.round}:{case.step - 1}:push:"


def perhaps_unreached(db: Session) -> list[Escalation]:
    """Open cases in the middle of their ladder with an alert that reached nobody."""
    missed = exists().where(
        Message.clinic_id == Escalation.clinic_id,
        Message.about_kind == "escalation",
        Message.about_id == Escalation.id,
        Message.kind == "case_alert",
        Message.state.in_(("unreachable", "expired")),
    )
    rows = db.scalars(
        select(Escalation).where(
            Escalation.next_step_at.is_not(None), Escalation.state == "open", Escalation.step > 0, missed
        )
    )
    return list(rows)
