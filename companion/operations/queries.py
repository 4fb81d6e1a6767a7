"""Reads of signs of life, and what stands in the way of alerts."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, select, text
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.clinic.models import Clinic
from companion.clinic.rules import is_open
from companion.coverage import queries as coverage
from companion.escalation.models import Escalation, EscalationEvent
from companion.figures import queries as figures
from companion.ids import CANARY_CLINIC
from companion.operations import rules
from companion.operations.models import Beat, OperatorEvent
from companion.operations.rules import Measure, Sign
from companion.outbox import queries as outbox
from companion.outbox.models import Attempt, DueMessage, LeasedMessage, Message
from companion.policies.rules import ALERTING, LEVELS
from companion.push import queries as push
from companion.push.models import Subscription
from companion.reactions import queries as reactions
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Alerting:
    """Whether alerts reach somebody, seen from one clinic."""

    is_worker_alive: bool
    age_seconds: int | None
    on_duty: int
    reachable: int

    @property
    def ok(self) -> bool:
        """Whether the worker runs and somebody on duty has a device."""
        return self.is_worker_alive and self.reachable > 0


def last_beat(db: Session, name: str = rules.DISPATCHER) -> datetime | None:
    """When a part of the worker last beat."""
    found = db.get(Beat, name)
    return found.at if found else None


def alerting(db: Session, clinic_id: UUID, now: datetime) -> Alerting:
    """What a nurse must know before trusting the push alerts."""
    beat_at = last_beat(db)
    people = [person.id for person in clinic.on_duty(db, clinic_id, now)]
    return Alerting(
        is_worker_alive=rules.is_alive(beat_at, now),
        age_seconds=rules.age_seconds(beat_at, now),
        on_duty=len(people),
        reachable=len(push.devices(db, [(clinic_id, person_id) for person_id in people])),
    )


def events(db: Session, *, limit: int = 20) -> list[OperatorEvent]:
    """What happened to the installation, the latest first."""
    return list(db.scalars(select(OperatorEvent).order_by(OperatorEvent.at.desc()).limit(limit)))


def health(db: Session, rt: Runtime, now: datetime) -> list[Sign]:
    """Every sign of whether alerts get through, over all clinics; ages and counts, nothing about anybody."""
    beats = {beat.name: beat for beat in db.scalars(select(Beat))}
    at = {name: beat.at for name, beat in beats.items()}
    is_sqlite = db.get_bind().dialect.name == "sqlite"
    jobs = [name for name in rules.JOBS if is_sqlite or name != "backup"]
    mismatches = beats.get("reconcile")
    found: dict[str, float | None] = {
        "worker_beat_age_seconds": rules.age_seconds(at.get(rules.DISPATCHER), now),
        "oldest_overdue_message_seconds": _overdue(db, select(func.min(DueMessage.due_at)), now),
        "oldest_overdue_step_seconds": _overdue(db, _EARLIEST_STEP, now),
        "canary_age_seconds": rules.age_seconds(at.get("canary"), now),
        "unreachable_clinics": sum(not alerting(db, one.id, now).reachable for one in clinic.clinics(db)),
        "devices_of_another_key": _count(
            db, select(func.count()).where(Subscription.key_id.not_in(rt.secrets.vapid_keys))
        ),
        "pushes_refused_last_day": _count(db, _OUR_FAULTS.where(Attempt.at > now - timedelta(days=1))),
        "fallbacks_refused_last_day": outbox.fallbacks_refused(db, now - timedelta(days=1)),
        "late_jobs": len(rules.late_jobs(at, now, only=jobs)) if at else None,
        "mismatches": mismatches.value if mismatches else None,
        "disk_used_percent": _disk_used_percent(rt.config.data_dir),
    }
    if is_sqlite:
        found["backup_age_seconds"] = rules.age_seconds(at.get("backup"), now)
    else:
        found["clock_skew_seconds"] = abs((db.execute(DATABASE_CLOCK).scalar_one() - now).total_seconds())
    return [Sign(name, value) for name, value in found.items()]


_EARLIEST_STEP = select(func.min(Escalation.next_step_at)).where(
    Escalation.state != "resolved", Escalation.clinic_id != CANARY_CLINIC
)
_OUR_FAULTS = select(func.count()).where(Attempt.status_code.in_((400, 401, 403, 413)))
# The one place but for leases where the database's clock is read: to be compared with ours.
DATABASE_CLOCK = text("select clock_timestamp()")


def measures(db: Session, rt: Runtime, now: datetime) -> list[Measure]:
    """Every number for Prometheus: signs of health, open cases, messages of the last day, the figures of 30 days."""
    own = [one.id for one in clinic.clinics(db)]
    about = "Signs of whether alerts get through, as in /health/alerting; those that never happened are left out"
    found = [
        Measure("companion_health", about, float(sign.value), {"sign": sign.name})
        for sign in health(db, rt, now)
        if sign.value is not None
    ]
    cases = figures.open_cases(db, own)
    found += [
        Measure("companion_cases_open", "Cases that are not closed", cases.get(level, 0), {"level": level})
        for level in LEVELS
    ]
    rows = db.execute(
        select(Message.channel, Message.state, func.count())
        .where(Message.clinic_id.in_(own), Message.created_at > now - timedelta(days=1))
        .group_by(Message.channel, Message.state)
    )
    found += [
        Measure("companion_messages_1d", "Messages of the last day", row[2], {"channel": row[0], "state": row[1]})
        for row in rows
    ]
    in_the_way = sum(len(coverage.findings(db, clinic_id, rt.config, now)) for clinic_id in own)
    found.append(Measure("companion_coverage_findings", "What stands in the way of alerts, all clinics", in_the_way))
    return found + rules.measures_of(figures.figures_since(db, own, now - timedelta(days=30), now))


def mismatches(db: Session, now: datetime) -> dict[str, int]:
    """Entries, assessments, cases and messages of the last two days that lack what must have come of them, by kind.

    And open cases, however old, that must alert and have no next step, or of whose steps nobody was written to.
    """
    since = now - timedelta(days=2)
    recent = (Reaction.received_at >= since, _ASSESSED)
    unassessed = select(func.count()).select_from(Reaction).outerjoin(Assessment, _ASSESSED)
    without_case = select(func.count()).select_from(Assessment).join(Reaction, and_(*recent))
    pending = select(func.count()).select_from(Message).where(Message.state == "pending")
    sent = select(func.count()).select_from(Message).where(Message.state == "sent", Message.created_at >= since)
    return {
        "entries_unassessed": _count(db, unassessed.where(Reaction.received_at >= since, Assessment.id.is_(None))),
        "unusual_without_case": _count(db, without_case.where(Assessment.disposition != "self_care", ~_IN_A_CASE)),
        "people_untold": _people_untold(db, since),
        "cases_forgotten": _count(db, select(func.count()).where(_MUST_ALERT, _HAS_NO_STEP | (_HAS_BEGUN & ~_IS_TOLD))),
        "messages_forgotten": _count(db, pending.where(~_IS_DUE, ~_IS_LEASED)),
        "messages_without_try": _count(db, sent.where(~_WAS_TRIED)),
    }


def devices_to_check(db: Session, one: Clinic, now: datetime) -> list[tuple[UUID, UUID]]:
    """(clinic, person) of its nurses and clinicians with a device that has proven nothing lately, if it is open now."""
    carers = accounts.staff(db, one.id, *clinic.CARERS) if is_open(one.opening, one.zone, now) else []
    devices = push.devices(db, [(one.id, person.id) for person in carers])
    return [who for who, own in devices.items() if any(_needs_check(row, now) for row in own)]


def _needs_check(row: Subscription, now: datetime) -> bool:
    return rules.needs_check(row.proven_at, created_at=row.created_at, now=now)


_ASSESSED = and_(
    Assessment.clinic_id == Reaction.clinic_id,
    Assessment.patient_id == Reaction.patient_id,
    Assessment.reaction_id == Reaction.id,
)
_IN_A_CASE = exists().where(reactions.OF_CASE, reactions.ASSESSED_OF_SAME_PATIENT)
_IS_DUE = exists().where(DueMessage.clinic_id == Message.clinic_id, DueMessage.message_id == Message.id)
_IS_LEASED = exists().where(LeasedMessage.clinic_id == Message.clinic_id, LeasedMessage.message_id == Message.id)
_WAS_TRIED = exists().where(Attempt.clinic_id == Message.clinic_id, Attempt.message_id == Message.id)

_MUST_ALERT = and_(Escalation.state != "resolved", Escalation.level.in_(ALERTING))
_HAS_NO_STEP = Escalation.next_step_at.is_(None)
_HAS_BEGUN = Escalation.step > 0
_IS_TOLD = exists().where(
    Message.clinic_id == Escalation.clinic_id,
    Message.about_kind == "escalation",
    Message.about_id == Escalation.id,
    Message.kind == "case_alert",
    Message.created_at >= Escalation.promised_at,
)


def _people_untold(db: Session, since: datetime) -> int:
    told = db.scalars(select(EscalationEvent).where(EscalationEvent.kind == "told", EscalationEvent.at >= since))
    wanted = {(event.escalation_id, person) for event in told for person in event.detail.get("people", ())}
    written = db.execute(
        select(Message.about_id, Message.recipient_id).where(
            Message.about_kind == "escalation", Message.created_at >= since
        )
    )
    return len(wanted - {(row.about_id, str(row.recipient_id)) for row in written})


def _disk_used_percent(folder: Path) -> float:
    disk = shutil.disk_usage(folder)
    return round(100 * (disk.total - disk.free) / disk.total, 1)


def _overdue(db: Session, earliest: Select[datetime | None], now: datetime) -> float:
    due_at = db.execute(earliest).scalar_one()
    return 0 if due_at is None else max(0, int((now - due_at).total_seconds()))


def _count(db: Session, counted: Select[int]) -> int:
    return db.execute(counted).scalar_one()
