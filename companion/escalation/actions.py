"""Changes to cases. Who changes one holds its row, and looks at it only then: whoever was first was first."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.db import insert_into
from companion.errors import Conflict
from companion.escalation import queries, rules
from companion.escalation.models import ContactCard, Escalation, EscalationEntry, EscalationEvent
from companion.ids import new_id
from companion.languages import N_
from companion.outbox import actions as outbox
from companion.outbox import queries as messages
from companion.policies import queries as policies
from companion.policies.rules import URGENT, Policy, Telling, advance, is_exhausted, starts_at
from companion.protocols import queries as protocols
from companion.triage.observation import Disposition
from companion.turns import one_at_a_time

_CLOSED = N_("This case is closed already.")
_ALERT_LASTS = timedelta(hours=4)
_ALERTS = ("case_alert", "case_unanswered", "case_late", "case_handed", "case_left")
_NOBODY: dict[str, Any] = {"state": "open", "taken_by": None, "taken_at": None, "acted_at": None}


def open_case(
    db: Session, *, clinic_id: UUID, patient_id: UUID, subject_id: UUID, level: str, summary: str, now: datetime
) -> Escalation:
    """A case for an unusual entry, or the patient's open one with the entry added; a level only rises."""
    case = queries.unresolved_case_of(db, clinic_id, patient_id)
    if case is not None and _locked(db, case).state == "resolved":
        case = None  # closed while we waited for it
    if case is None:
        case = _new_case(db, clinic_id=clinic_id, patient_id=patient_id, level=level, summary=summary, now=now)
    elif rules.is_higher(level, case.level):
        _raise(db, case, level=level, summary=summary, now=now)
    else:
        _add_event(db, case, "entry_added", now, subject=str(subject_id))
        _wake(db, case, subject_id, level, now)
    add_entry(db, case, subject_id, now=now)
    return case


def add_entry(db: Session, case: Escalation, subject_id: UUID, *, now: datetime) -> None:
    """An entry belongs to a case; once, however often it is said."""
    about = {"clinic_id": case.clinic_id, "escalation_id": case.id, "subject_id": subject_id}
    db.execute(insert_into(db, EscalationEntry).values(**about, added_at=now).on_conflict_do_nothing())


def take_step(db: Session, case: Escalation, *, now: datetime) -> bool:
    """Do what is due in a case; False if somebody else just did.

    Open: tell the next audience, and everybody again after the last. Taken and nothing recorded since: open it again.
    Acted on and not closed: remind whoever has taken it.
    """
    if case.state == "acknowledged" and case.acted_at and _can_remind(db, case):
        return _remind(db, case, now)
    policy, was = _ladder_of(db, case), (case.state, case.next_step_at)
    begins_anew = case.state == "acknowledged" or case.snoozed_until is not None
    round_, step = (case.round + 1, 0) if begins_anew else (case.round, case.step)
    is_repeat, staff = is_exhausted(policy, step), policies.staff(db, case.clinic_id, now)
    move = advance(policy, round_=round_, step=step, staff=staff, now=now)
    at, changes = move.position, {**_NOBODY, "snoozed_until": None, "policy": policy.as_json()}
    if not _move(db, case, was, now, round=at.round, step=at.step, next_step_at=at.next_step_at, **changes):
        return False
    if was[0] == "acknowledged":
        _add_event(db, case, "lapsed", now)
    for telling in move.tellings:
        _tell(db, case, telling, now)
    if move.completes or (is_repeat and rules.tells_patient(case.round)):
        _add_event(db, case, "unanswered", now, round=case.round)
        _write_to_patient(db, case, "case_unanswered", f"unanswered:{case.round}", now)
    return True


def warn(db: Session, case: Escalation, *, now: datetime) -> bool:
    """A promise is about to break: the patient reads whom to call, and a case that only waits in the queue gets the
    ladder of the same day. False if that was done before, or somebody has acted.
    """
    _locked(db, case)
    if case.warned_at or case.acted_at or case.state == "resolved":
        return False
    case.warned_at = now
    db.flush()
    _add_event(db, case, "late", now)
    _write_to_patient(db, case, "case_late", f"late:{case.respond_by.isoformat()}", now)
    if not Policy.of(case.policy).steps:
        case.next_step_at, case.step_set_at = now, now
        db.flush()
        take_step(db, case, now=now)
    return True


def promise_anew(db: Session, case: Escalation, *, now: datetime) -> None:
    """A clock that was set back has made the promise: let its time begin now, or the warning would come late."""
    _set(case, {"promised_at": now, "respond_by": case.respond_by - (case.promised_at - now)})
    db.flush()


def note_seen(db: Session, case: Escalation, *, person_id: UUID, now: datetime) -> None:
    """Somebody opened the case, as it is now: an entry that comes later is not seen until they open it again."""
    newest = queries.subjects_of(db, case.clinic_id, case.id)[-1]
    _add_event(db, case, "seen", now, actor_id=person_id, dedupe=f"seen:{person_id}:{newest}")
    outbox.mark_read(db, clinic_id=case.clinic_id, person_id=person_id, about=("escalation", case.id), now=now)


def acknowledge(db: Session, case: Escalation, *, person: Person, now: datetime) -> None:
    """Take a case: exactly one person does. Conflict names who was first."""
    if _locked(db, case).state != "open":
        raise _too_late(db, case)
    _set(case, _taken(case, person.id, now))
    db.flush()
    outbox.cancel(db, clinic_id=case.clinic_id, about=("escalation", case.id), now=now, kinds=_ALERTS)
    _add_event(db, case, "taken", now, actor_id=person.id)
    _write_to_patient(db, case, "case_taken", f"taken:{now.isoformat()}", now)
    _record(db, case, "taken", person.id, now)


def require_read(db: Session, case: Escalation, *, mark: str) -> None:
    """Conflict if more came to the case than somebody has read, by its mark; nothing comes until they have ended."""
    if queries.mark_of(db, _locked(db, case)) != mark:
        raise Conflict(N_("Something new came meanwhile. Read it first, then do this again."))


def contact(db: Session, case: Escalation, *, person_id: UUID, how: str, now: datetime) -> None:
    """Record what was done for the patient; who does it on a case that nobody has, takes it.

    "No answer" puts the case back on the ladder. After anything else it comes back to its taker if it is not closed.
    """
    _locked(db, case)
    if case.state == "resolved":
        raise Conflict(_CLOSED)
    _add_event(db, case, "contacted", now, actor_id=person_id, how=how)
    _record(db, case, how, person_id, now)
    if how != "no_answer":
        if case.state == "open":
            _set(case, _taken(case, person_id, now))
            outbox.cancel(db, clinic_id=case.clinic_id, about=("escalation", case.id), now=now, kinds=_ALERTS)
        case.acted_at, case.next_step_at, case.step_set_at = now, now + rules.FOLLOW_UP, now
    else:
        policy = Policy.of(case.policy)
        again = now + timedelta(minutes=policy.repeat_minutes) if policy.steps else None
        _set(case, {**_NOBODY, "round": case.round + 1, "step": 0, "next_step_at": again, "step_set_at": now})
    db.flush()


def hand_over(db: Session, case: Escalation, *, person_id: UUID, colleague: Person, now: datetime) -> None:
    """Give a case to a colleague, who is told; the time to act begins anew for them. Conflict if it is closed."""
    if _locked(db, case).state == "resolved":
        raise Conflict(_CLOSED)
    _set(case, _taken(case, colleague.id, now))
    db.flush()
    outbox.cancel(db, clinic_id=case.clinic_id, about=("escalation", case.id), now=now, kinds=_ALERTS)
    _add_event(db, case, "handed", now, actor_id=person_id, people=[str(colleague.id)])
    _alert(db, case, (colleague.id, "push"), f"handed:{now.isoformat()}", now, kind="case_handed")
    _record(db, case, "handed", person_id, now)


def snooze(db: Session, case: Escalation, *, person_id: UUID, minutes: int, reason: str, now: datetime) -> None:
    """Put a case off for a while, for a reason; then its ladder begins anew. Conflict where its level allows none."""
    _locked(db, case)
    until = rules.snooze_until(case.level, minutes, respond_by=case.respond_by, now=now)
    if until is None or case.state == "resolved":
        raise Conflict(N_("This case cannot be put off any longer."))
    has_ladder = bool(Policy.of(case.policy).steps)
    _set(case, {**_NOBODY, "snoozed_until": until, "next_step_at": until if has_ladder else None, "step_set_at": now})
    db.flush()
    outbox.cancel(db, clinic_id=case.clinic_id, about=("escalation", case.id), now=now, kinds=_ALERTS)
    _add_event(db, case, "snoozed", now, actor_id=person_id, reason=reason, until=until.isoformat())
    _record(db, case, "snoozed", person_id, now)


def resolve(
    db: Session, case: Escalation, *, person_id: UUID, outcome: str, note: str, now: datetime, noise_reason: str = ""
) -> None:
    """Close a case with an outcome; only a person can. `noise_reason` says why an alert was not useful.

    Conflict if it is closed already.
    """
    if _locked(db, case).state == "resolved":
        raise Conflict(_CLOSED)
    closing = {"resolved_by": person_id, "resolved_at": now, "outcome": outcome, "outcome_note": note}
    waits_no_more = {"state": "resolved", "next_step_at": None, "snoozed_until": None}
    _set(case, {**closing, **waits_no_more, "noise_reason": noise_reason or None})
    db.flush()
    outbox.cancel(db, clinic_id=case.clinic_id, about=("escalation", case.id), now=now)
    _add_event(db, case, "resolved", now, actor_id=person_id, outcome=outcome)
    _record(db, case, "resolved", person_id, now)


def reopen(db: Session, case: Escalation, *, person_id: UUID, reason: str, now: datetime) -> None:
    """Open a closed case again, for whoever does it: they have taken it. Conflict if the patient has another one."""
    _locked(db, case)
    if case.state != "resolved":
        raise Conflict(N_("This case is open already."))
    _add_event(db, case, "reopened", now, actor_id=person_id, reason=reason, outcome=case.outcome)
    closed: dict[str, Any] = dict.fromkeys(("resolved_by", "resolved_at", "outcome", "outcome_note", "noise_reason"))
    ladder = _ladder(db, case.clinic_id, case.level, now)
    _set(case, {**closed, **ladder, "round": case.round + 1, "step": 0, "warned_at": None})
    _set(case, _taken(case, person_id, now))
    try:
        db.flush()
    except IntegrityError:
        raise Conflict(N_("This patient has another case that is open. Use that one.")) from None
    _record(db, case, "reopened", person_id, now)


def set_numbers(db: Session, patient: tuple[UUID, UUID], numbers: rules.Numbers, *, now: datetime) -> None:
    """Keep how to reach (clinic, patient), and somebody else when they do not answer."""
    clinic_id, patient_id = patient
    one_at_a_time(db, patient_id)
    db.merge(ContactCard(clinic_id=clinic_id, patient_id=patient_id, changed_at=now, **asdict(numbers)))


def _new_case(db: Session, *, clinic_id: UUID, patient_id: UUID, level: str, summary: str, now: datetime) -> Escalation:
    about: dict[str, Any] = {"clinic_id": clinic_id, "id": new_id(), "patient_id": patient_id, "opened_at": now}
    ladder = _ladder(db, clinic_id, level, now)
    case = Escalation(**about, level=level, state="open", summary=summary, round=1, step=0, **ladder)
    db.add(case)
    db.flush()
    _add_event(db, case, "opened", now, level=level)
    _record(db, case, "opened", None, now)
    _begin(db, case, now)
    return case


def _raise(db: Session, case: Escalation, *, level: str, summary: str, now: datetime) -> None:
    ladder = _ladder(db, case.clinic_id, level, now)
    _set(case, {**_NOBODY, **ladder, "level": level, "summary": summary, "round": case.round + 1, "step": 0})
    case.warned_at = case.snoozed_until = None
    db.flush()
    _add_event(db, case, "raised", now, level=level)
    _begin(db, case, now)


def _begin(db: Session, case: Escalation, now: datetime) -> None:
    if case.next_step_at and case.next_step_at <= now:
        take_step(db, case, now=now)


def _ladder(db: Session, clinic_id: UUID, level: str, now: datetime) -> dict[str, Any]:
    own = clinic.clinic(db, clinic_id)
    start = starts_at(level, opening=own.opening, zone=own.zone, now=now)
    service = protocols.current(db, clinic_id).service[Disposition.of(level)]
    promise = rules.respond_by(service, started_at=start, opening=own.opening, zone=own.zone, now=now)
    policy = policies.policy(db, clinic_id, level)
    promises = {"promised_at": now, "respond_by": promise}
    return {"policy": policy.as_json(), "next_step_at": start, "step_set_at": now, **promises}


def _ladder_of(db: Session, case: Escalation) -> Policy:
    """The case's own ladder; one that only waits in the queue gets that of the same day once it must alert."""
    own = Policy.of(case.policy)
    return own if own.steps else policies.policy(db, case.clinic_id, "clinic_same_day")


def _taken(case: Escalation, person_id: UUID, now: datetime) -> dict[str, Any]:
    """What a case is when somebody has just taken it: they have some time to act, then its ladder begins anew."""
    policy = Policy.of(case.policy)
    act_by = now + timedelta(minutes=policy.act_minutes) if policy.steps else None
    values = {"state": "acknowledged", "taken_by": person_id, "taken_at": now, "acted_at": None}
    return {**values, "next_step_at": act_by, "step_set_at": now, "snoozed_until": None}


def _wake(db: Session, case: Escalation, subject_id: UUID, level: str, now: datetime) -> None:
    """Another entry that is no worse: whoever looks after the case must look again, and a rest is over. What is urgent
    does not wait for somebody who is off duty by now: the ladder begins anew.
    """
    if level == "clinic_routine":
        return
    if case.taken_by is not None and (level not in URGENT or _is_on_duty(db, case, now)):
        _alert(db, case, (case.taken_by, "push"), f"entry:{subject_id}:{level}", now)
        act_by = now + timedelta(minutes=Policy.of(case.policy).act_minutes)
        _set(case, {"acted_at": None, "next_step_at": act_by, "step_set_at": now})
    elif case.taken_by is not None or case.snoozed_until is not None:
        _set(case, {"acted_at": None, "next_step_at": now, "step_set_at": now})
        db.flush()
        take_step(db, case, now=now)
    db.flush()


def _is_on_duty(db: Session, case: Escalation, now: datetime) -> bool:
    return case.taken_by in policies.staff(db, case.clinic_id, now).on_duty


def _can_remind(db: Session, case: Escalation) -> bool:
    """Whether whoever has taken the case still works here, and could be told the last time."""
    about, key = ("escalation", case.id), f"escalation:{case.id}:{_reminder(case)}"
    return queries.taker_is_here(db, case) and not messages.nobody_reached(db, case.clinic_id, about, key)


def _reminder(case: Escalation) -> str:
    return f"left:{case.step_set_at.isoformat()}"


def _remind(db: Session, case: Escalation, now: datetime) -> bool:
    was = (case.state, case.next_step_at)
    if not _move(db, case, was, now, next_step_at=now + rules.FOLLOW_UP) or case.taken_by is None:
        return False
    _alert(db, case, (case.taken_by, "push"), _reminder(case), now, kind="case_left")
    _add_event(db, case, "reminded", now, people=[str(case.taken_by)])
    return True


def _move(db: Session, case: Escalation, was: tuple[str, datetime | None], now: datetime, **values: Any) -> bool:
    _locked(db, case)
    if (case.state, case.next_step_at) != was:
        return False
    _set(case, {"step_set_at": now, **values})
    db.flush()
    return True


def _tell(db: Session, case: Escalation, telling: Telling, now: datetime) -> None:
    for person_id, channel in telling.targets:
        _alert(db, case, (person_id, channel), f"{case.round}:{telling.step}:{channel}:{person_id}", now)
    people = sorted(str(person_id) for person_id in telling.people)
    _add_event(db, case, "told", now, round=case.round, step=telling.step, people=people)


def _alert(
    db: Session, case: Escalation, target: tuple[UUID, str], key: str, now: datetime, *, kind: str = "case_alert"
) -> None:
    message = {"kind": kind, "url": f"/console/cases/{case.id}", "expires_at": now + _ALERT_LASTS}
    _write(db, case, target, key, now=now, **message)


def _write_to_patient(db: Session, case: Escalation, kind: str, key: str, now: datetime) -> None:
    message = {"kind": kind, "url": "/", "expires_at": now + timedelta(days=1)}
    _write(db, case, (case.patient_id, "push"), key, now=now, **message)


def _write(db: Session, case: Escalation, target: tuple[UUID, str], key: str, *, now: datetime, **message: Any) -> None:
    outbox.enqueue(
        db,
        (case.clinic_id, target[0]),
        about=("escalation", case.id),
        dedupe_key=f"escalation:{case.id}:{key}",
        now=now,
        is_urgent=message["kind"] != "case_taken",
        channel=target[1],
        **message,
    )


def _too_late(db: Session, case: Escalation) -> Conflict:
    taker = (Person.clinic_id == Escalation.clinic_id) & (Person.id == Escalation.taken_by)
    own = (Escalation.clinic_id == case.clinic_id, Escalation.id == case.id)
    name = db.scalar(select(Person.name).join(Escalation, taker).where(*own))
    return Conflict(N_("%(name)s has taken this case already."), name=name) if name else Conflict(_CLOSED)


def _locked(db: Session, case: Escalation) -> Escalation:
    # On PostgreSQL two transactions could otherwise both change what they have read; SQLite has one writer.
    db.refresh(case, with_for_update=True)
    return case


def _set(case: Escalation, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(case, name, value)


def _record(db: Session, case: Escalation, verb: str, actor_id: UUID | None, now: datetime) -> None:
    about = ("escalation", case.id)
    record(db, clinic_id=case.clinic_id, actor_id=actor_id, verb=f"case.{verb}", about=about, now=now)


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
    event_id = new_id()
    statement = insert_into(db, EscalationEvent).values(
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
