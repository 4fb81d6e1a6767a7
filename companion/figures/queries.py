"""Reads of what the figures are made of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from companion.clinic import queries as clinic
from companion.clinic.rules import is_open
from companion.escalation.models import Escalation, EscalationEvent
from companion.figures.rules import Ended, Figures, Timed, figures
from companion.policies.rules import ALERTING
from companion.reactions import queries as reactions
from companion.reactions.models import Assessment, Reaction

_STAGE_OF = {"seen": "seen", "taken": "taken", "handed": "taken", "contacted": "contact"}


def figures_since(db: Session, clinic_ids: Sequence[UUID], since: datetime, now: datetime) -> Figures:
    """The figures of these clinics' entries and cases that came in since then."""
    levels: dict[str, int] = {}
    timed: list[Timed] = []
    ended: list[Ended] = []
    for clinic_id in clinic_ids:
        cases = _cases(db, clinic_id, since)
        timed += _timed(db, clinic_id, cases)
        ended += _ended(db, clinic_id, cases)
        for level, count in _levels(db, clinic_id, since).items():
            levels[level] = levels.get(level, 0) + count
    alerts = sum(levels.get(level, 0) for level in ALERTING)
    return figures(entries=sum(levels.values()), alerts=alerts, timed=timed, ended=ended, now=now)


def open_cases(db: Session, clinic_ids: Sequence[UUID]) -> dict[str, int]:
    """How many cases are not closed, by level."""
    rows = db.execute(
        select(Escalation.level, func.count())
        .where(Escalation.clinic_id.in_(clinic_ids), Escalation.state != "resolved")
        .group_by(Escalation.level)
    )
    return {row[0]: row[1] for row in rows}


def _levels(db: Session, clinic_id: UUID, since: datetime) -> dict[str, int]:
    rows = db.execute(
        select(Assessment.disposition, func.count())
        .join(Reaction, _SAME_ENTRY)
        .where(Assessment.clinic_id == clinic_id, Reaction.received_at >= since, reactions.is_newest())
        .group_by(Assessment.disposition)
    )
    return {row[0]: row[1] for row in rows}


def _cases(db: Session, clinic_id: UUID, since: datetime) -> list[Escalation]:
    rows = select(Escalation).where(Escalation.clinic_id == clinic_id, Escalation.opened_at >= since)
    return list(db.scalars(rows.order_by(Escalation.opened_at)))


def _timed(db: Session, clinic_id: UUID, cases: Sequence[Escalation]) -> list[Timed]:
    own = clinic.clinic(db, clinic_id)
    reached: dict[UUID, dict[str, datetime]] = {case.id: {} for case in cases}
    events = db.scalars(
        select(EscalationEvent)
        .join(Escalation, _SAME_CASE)
        .where(
            EscalationEvent.clinic_id == clinic_id,
            EscalationEvent.kind.in_(_STAGE_OF),
            Escalation.opened_at >= min((case.opened_at for case in cases), default=own.created_at),
        )
        .order_by(EscalationEvent.at)
    )
    for event in events:
        # A call that nobody answered has reached nobody.
        if event.escalation_id in reached and event.detail.get("how") != "no_answer":
            reached[event.escalation_id].setdefault(_STAGE_OF[event.kind], event.at)
    return [
        Timed(case.opened_at, is_open(own.opening, own.zone, case.opened_at), case.respond_by, reached[case.id])
        for case in cases
    ]


def _ended(db: Session, clinic_id: UUID, cases: Sequence[Escalation]) -> list[Ended]:
    first: dict[UUID, str] = {}
    for case_id, reasons in reactions.reasons_of_cases(db, clinic_id, [case.id for case in cases]):
        if reasons:  # an entry that was as expected has none; its case is about the silence after it
            first.setdefault(case_id, reasons[0]["rule"])
    return [
        Ended(first[case.id], case.outcome == "not_actionable" if case.state == "resolved" else None)
        for case in cases
        if case.id in first
    ]


_SAME_ENTRY = and_(
    Assessment.clinic_id == Reaction.clinic_id,
    Assessment.patient_id == Reaction.patient_id,
    Assessment.reaction_id == Reaction.id,
)
_SAME_CASE = and_(Escalation.clinic_id == EscalationEvent.clinic_id, Escalation.id == EscalationEvent.escalation_id)
