"""Changes to cases. Races end by a conditional UPDATE: whoever changed the row first was first."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.actions import record
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.errors import Conflict
from companion.escalation import queries, rules
from companion.escalation.models import Escalation, EscalationEntry, EscalationEvent
from companion.escalation.rules import Policy
from companion.ids import new_id
from companion.languages import N_
from companion.outbox import actions as outbox
from companion.protocols import queries as protocols
from companion.triage.observation import Disposition

_CLOSED = N_("This case is closed already.")
_ALERT_LASTS = timedelta(hours=4)


def open_case(
    db: Session, *, clinic_id: UUID, patient_id: UUID, subject_id: UUID, level: str, summary: str, now: datetime
) -> Escalation:
    """A case for an unusual entry, or the patient's open one with the entry added; a level only rises."""
    case = queries.unresolved_case_of(db, clinic_id, patient_id)
    if case is None:
        case = _new_case(db, clinic_id=clinic_id, patient_id=patient_id, level=level, summary=summary, now=now)
    elif rules.is_higher(level, case.level):
        _raise(db, case, level=level, summary=summary, now=now)
    else:
        _add_event(db, case, "entry_added", now, subject=str(subject_id))
        _tell_taker(db, case, subject_id, level, now)
    db.execute(
        insert(EscalationEntry).values(clinic_id=clinic_id, escalation_id=case.id, subject_id=subject_id, added_at=now)
    )
    return case


def take_step(db: Session, case: Escalation, *, now: datetime) -> bool:
    """Do what is due in a case; False if somebody else just did.

    Open: tell the next audience, beginning anew after the last. Taken and nothing recorded since: open it again.
    """
    policy, was = Policy.of(case.policy), (case.state, case.next_step_at)
    is_lapsed = case.state == "acknowledged"
    is_new_round = is_lapsed or rules.is_exhausted(policy, case.step)
    round_, step = (case.round + 1, 0) if is_new_round else (case.round, case.step)
    changes: dict[str, Any] = {"state": "open", "taken_by": None, "taken_at": None} if is_lapsed else {}
    position = rules.after_step(policy, round_=round_, step=step, now=now)
    if not _move(db, case, was, now, round=round_, step=position.step, next_step_at=position.next_step_at, **changes):
        return False
    if is_lapsed:
        _add_event(db, case, "lapsed", now)
    _tell(db, case, policy, step, now)
    if rules.is_exhausted(policy, case.step):
        _tell_patient_nobody_answered(db, case, now)
    return True


def note_seen(db: Session, case: Escalation, *, person_id: UUID, now: datetime) -> None:
    """Somebody opened the case, as it is now: an entry that comes later is not seen until they open it again."""
    newest = queries.subjects_of(db, case.clinic_id, case.id)[-1]
    _add_event(db, case, "seen", now, actor_id=person_id, dedupe=f"seen:{person_id}:{newest}")
    outbox.mark_read(db, clinic_id=case.clinic_id, person_id=person_id, about=("escalation", case.id), now=now)


def acknowledge(db: Session, case: Escalation, *, person: Person, now: datetime) -> None:
    """Take a case: exactly one person does. Conflict names who was first."""
    act_by = now + timedelta(minutes=Policy.of(case.policy).act_minutes) if case.next_step_at else None
    taken = (
        update(Escalation)
        .where(Escalation.clinic_id == case.clinic_id, Escalation.id == case.id, Escalation.state == "open")
        .values(
            state="acknowledged", taken_by=person.id, taken_at=now, acted_at=None, next_step_at=act_by, step_set_at=now
        )
    )
    if db.execute(taken.returning(Escalation.id)).first() is None:
        raise _too_late(db, case)
    about = ("escalation", case.id)
    outbox.cancel(db, clinic_id=case.clinic_id, about=about, now=now, kinds=["case_alert", "case_unanswered"])
    _add_event(db, case, "taken", now, actor_id=person.id)
    _write_to_patient(db, case, "case_taken", f"taken:{now.isoformat()}", now)
    record(db, clinic_id=case.clinic_id, actor_id=person.id, verb="case.taken", about=about, now=now)
    db.refresh(case)


def contact(db: Session, case: Escalation, *, person_id: UUID, how: str, now: datetime) -> None:
    """Record what was done for the patient. "No answer" puts the case back on the ladder."""
    if case.state == "resolved":
        raise Conflict(_CLOSED)
    _add_event(db, case, "contacted", now, actor_id=person_id, how=how)
    record(db, clinic_id=case.clinic_id, actor_id=person_id, verb=f"case.{how}", about=("escalation", case.id), now=now)
    if how != "no_answer":
        case.acted_at, case.next_step_at = now, None
    elif Policy.of(case.policy).steps:
        again = now + timedelta(minutes=Policy.of(case.policy).repeat_minutes)
        case.state, case.taken_by, case.taken_at = "open", None, None
        case.round, case.step, case.next_step_at, case.step_set_at = case.round + 1, 0, again, now
    db.flush()


def resolve(db: Session, case: Escalation, *, person_id: UUID, outcome: str, note: str, now: datetime) -> None:
    """Close a case with an outcome; only a person can. Conflict if it is closed already."""
    closed = (
        update(Escalation)
        .where(Escalation.clinic_id == case.clinic_id, Escalation.id == case.id, Escalation.state != "resolved")
        .values(
            state="resolved",
            resolved_by=person_id,
            resolved_at=now,
            outcome=outcome,
            outcome_note=note,
            next_step_at=None,
        )
    )
    if db.execute(closed.returning(Escalation.id)).first() is None:
        raise Conflict(_CLOSED)
    about = ("escalation", case.id)
    outbox.cancel(db, clinic_id=case.clinic_id, about=about, now=now)
    _add_event(db, case, "resolved", now, actor_id=person_id, outcome=outcome)
    record(db, clinic_id=case.clinic_id, actor_id=person_id, verb="case.resolved", about=about, now=now)
    db.refresh(case)


def _new_case(db: Session, *, clinic_id: UUID, patient_id: UUID, level: str, summary: str, now: datetime) -> Escalation:
    case = Escalation(
        clinic_id=clinic_id,
        id=new_id(),
        patient_id=patient_id,
        level=level,
        state="open",
        summary=summary,
        round=1,
        step=0,
        opened_at=now,
        **_ladder(db, clinic_id, level, now),
    )
    db.add(case)
    db.flush()
    _add_event(db, case, "opened", now, level=level)
    record(db, clinic_id=clinic_id, actor_id=None, verb="case.opened", about=("escalation", case.id), now=now)
    if case.next_step_at and case.next_step_at <= now:
        take_step(db, case, now=now)
    return case


def _raise(db: Session, case: Escalation, *, level: str, summary: str, now: datetime) -> None:
    case.level, case.summary = level, summary
    case.state, case.taken_by, case.taken_at, case.acted_at = "open", None, None, None
    case.round, case.step = case.round + 1, 0
    for name, value in _ladder(db, case.clinic_id, level, now).items():
        setattr(case, name, value)
    db.flush()
    _add_event(db, case, "raised", now, level=level)
    if case.next_step_at and case.next_step_at <= now:
        take_step(db, case, now=now)


def _ladder(db: Session, clinic_id: UUID, level: str, now: datetime) -> dict[str, Any]:
    own = clinic.clinic(db, clinic_id)
    start = rules.starts_at(level, opening=own.opening, zone=own.zone, now=now)
    service = protocols.current(db, clinic_id).service[Disposition.of(level)]
    promise = rules.respond_by(service, started_at=start, opening=own.opening, zone=own.zone, now=now)
    return {
        "policy": rules.policy_for(level, service).as_json(),
        "next_step_at": start,
        "step_set_at": now,
        "respond_by": promise,
    }


def _move(db: Session, case: Escalation, was: tuple[str, datetime | None], now: datetime, **values: Any) -> bool:
    state, next_step_at = was
    moved = (
        update(Escalation)
        .where(
            Escalation.clinic_id == case.clinic_id,
            Escalation.id == case.id,
            Escalation.state == state,
            Escalation.next_step_at == next_step_at,
        )
        .values(step_set_at=now, **values)
    )
    if db.execute(moved.returning(Escalation.id)).first() is None:
        return False
    db.refresh(case)
    return True


def _tell(db: Session, case: Escalation, policy: Policy, step: int, now: datetime) -> None:
    people = _audience(db, case.clinic_id, policy.steps[step].audience, now)
    for person in people:
        outbox.enqueue(
            db,
            (case.clinic_id, person.id),
            kind="case_alert",
            about=("escalation", case.id),
            url=f"/console/cases/{case.id}",
            dedupe_key=f"{_step_key(case, case.round, step)}:{person.id}",
            now=now,
            expires_at=now + _ALERT_LASTS,
            is_urgent=True,
        )
    _add_event(db, case, "told", now, round=case.round, step=step, people=[str(person.id) for person in people])
    if not people and not rules.is_exhausted(policy, case.step):
        # Nobody is there to be told: the next audience must not wait for them.
        take_step(db, case, now=now)


def step_key(case: Escalation) -> str:
    """What the keys of the messages of the step taken last begin with."""
    return _step_key(case, case.round, case.step - 1)


def _step_key(case: Escalation, round_: int, step: int) -> str:
    return f"escalation:{case.id}:{round_}:{step}"


def _audience(db: Session, clinic_id: UUID, audience: str, now: datetime) -> list[Person]:
    if audience == "on_duty":
        return clinic.on_duty(db, clinic_id, now)
    return accounts.staff(db, clinic_id, *(["clinician"] if audience == "clinicians" else clinic.CARERS))


def _tell_taker(db: Session, case: Escalation, subject_id: UUID, level: str, now: datetime) -> None:
    if case.taken_by is None or level == "clinic_routine":
        return
    outbox.enqueue(
        db,
        (case.clinic_id, case.taken_by),
        kind="case_alert",
        about=("escalation", case.id),
        url=f"/console/cases/{case.id}",
        dedupe_key=f"escalation:{case.id}:entry:{subject_id}",
        now=now,
        expires_at=now + _ALERT_LASTS,
        is_urgent=True,
    )


def _tell_patient_nobody_answered(db: Session, case: Escalation, now: datetime) -> None:
    _add_event(db, case, "unanswered", now, round=case.round)
    if rules.tells_patient(case.round):
        _write_to_patient(db, case, "case_unanswered", f"unanswered:{case.round}", now)


def _write_to_patient(db: Session, case: Escalation, kind: str, key: str, now: datetime) -> None:
    outbox.enqueue(
        db,
        (case.clinic_id, case.patient_id),
        kind=kind,
        about=("escalation", case.id),
        url="/",
        dedupe_key=f"escalation:{case.id}:{key}",
        now=now,
        expires_at=now + timedelta(days=1),
        is_urgent=kind == "case_unanswered",
    )


def _too_late(db: Session, case: Escalation) -> Conflict:
    row = db.execute(
        select(Person.name, Escalation.taken_at)
        .join(Person, (Person.clinic_id == Escalation.clinic_id) & (Person.id == Escalation.taken_by))
        .where(Escalation.clinic_id == case.clinic_id, Escalation.id == case.id)
    ).one_or_none()
    return Conflict(N_("%(name)s has taken this case already."), name=row.name) if row else Conflict(_CLOSED)


def _add_event(
    db: Session,
    case: Escalation,
    kind: str,
    now: datetime,
    *,
    actor_id: UUID | None = None,
    dedupe: str = "",
    **detail: Any,
) -> None:
    make = insert_sqlite if db.get_bind().dialect.name == "sqlite" else insert_postgresql
    event_id = new_id()
    statement = make(EscalationEvent).values(
        clinic_id=case.clinic_id,
        id=event_id,
        escalation_id=case.id,
        at=now,
        kind=kind,
        actor_id=actor_id,
        dedupe_key=dedupe or str(event_id),
        detail=detail,
    )
    db.execute(statement.on_conflict_do_nothing(index_elements=["clinic_id", "escalation_id", "dedupe_key"]))
