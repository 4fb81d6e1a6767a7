"""Signs of life, written down, and alarms that are raised and taken back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from companion.accounts import actions as accounts
from companion.accounts.models import Person
from companion.clinic import actions as clinic
from companion.clinic.models import Clinic
from companion.config import vapid_key_id
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.ids import CANARY_CLINIC, new_id
from companion.operations import rules
from companion.operations.models import Alarm, Beat, OperatorEvent
from companion.operations.transport import Loopback
from companion.outbox import actions as outbox
from companion.outbox import queries as messages
from companion.push.models import Subscription
from companion.reactions.actions import submit
from companion.reactions.forms import parse_entry
from companion.triage.observation import SYMPTOMS

_EVENTS_LAST = timedelta(days=90)
_CANARY_EVERY = rules.JOBS["canary"] - timedelta(minutes=1)
_PATIENT, _NURSE = (UUID(int=CANARY_CLINIC.int + number) for number in (1, 2))


def beat(db: Session, name: str, *, now: datetime, value: int | None = None) -> None:
    """This part of the worker, or this job of the housekeeper, has just done its work, and found this."""
    db.merge(Beat(name=name, at=now, value=value))


def note_event(db: Session, kind: str, *, now: datetime, **detail: Any) -> None:
    """Keep for 90 days what an operator should know of; numbers and names of parts only."""
    db.add(OperatorEvent(id=new_id(), at=now, kind=kind, detail=detail))
    db.execute(delete(OperatorEvent).where(OperatorEvent.at < now - _EVENTS_LAST))


def check_device(db: Session, who: tuple[UUID, UUID], *, now: datetime) -> bool:
    """Write this month's visible test to (clinic, person); False if it was written before."""
    person_id = who[1]
    message_id = outbox.enqueue(
        db,
        who,
        kind="device_check",
        about=("person", person_id),
        url="/",
        dedupe_key=f"device_check:{person_id}:{now:%Y-%m}",
        now=now,
        expires_at=now + timedelta(hours=4),
        is_urgent=True,
    )
    return message_id is not None


def prepare_canary(db: Session, loopback: Loopback, *, vapid_key: str, now: datetime) -> bool:
    """Make the reserved clinic ready, its one nurse's only device being ours; False if it was just another's."""
    started = db.get(Beat, "canary_started")
    if started and abs(now - started.at) < _CANARY_EVERY:
        return False
    beat(db, "canary_started", now=now)
    if db.get(Clinic, CANARY_CLINIC) is None:
        _make_canary_clinic(db, now)
    db.execute(delete(Subscription).where(Subscription.clinic_id == CANARY_CLINIC))
    p256dh, auth = loopback.keys
    device = {"endpoint": loopback.endpoint, "p256dh": p256dh, "auth": auth, "key_id": vapid_key_id(vapid_key)}
    own = {"clinic_id": CANARY_CLINIC, "id": new_id(), "person_id": _NURSE}
    db.add(Subscription(**own, **device, created_at=now, seen_at=now, proven_at=None))
    close_canary_case(db, now=now)
    return True


def forget_canary_start(db: Session) -> None:
    """A proof that was begun by a worker that is gone: the next worker need not wait for it."""
    db.execute(delete(Beat).where(Beat.name == "canary_started"))


def send_canary_entry(db: Session, *, now: datetime) -> list[UUID]:
    """An entry with an emergency sign, as a phone would send it: the ids of the alerts that came of it."""
    patient = db.get_one(Person, (CANARY_CLINIC, _PATIENT))
    at = now.isoformat()
    body: dict[str, Any] = {
        "subject": patient.subject_key,
        "noted_at": at,
        "sent_at": at,
        "areas": {"face": {**dict.fromkeys(SYMPTOMS, 0), "patch_cm": None}},
        "warnings": {"none": False, "signs": ["collapse"], "not_sure": []},
        "feels": "now",
    }
    entry = parse_entry(body, subject=patient.subject_key, now=now)
    submit(db, (CANARY_CLINIC, _PATIENT), new_id(), entry, now=now)
    case = cases.unresolved_case_of(db, CANARY_CLINIC, _PATIENT)
    written = messages.messages_about(db, CANARY_CLINIC, ("escalation", case.id)) if case else []
    return [message.id for message in written if message.recipient_id == _NURSE]


def close_canary_case(db: Session, *, now: datetime) -> None:
    """The next entry must open a case of its own."""
    case = cases.unresolved_case_of(db, CANARY_CLINIC, _PATIENT)
    if case:
        escalation.resolve(db, case, person_id=_NURSE, outcome="not_actionable", note="", now=now)


def _make_canary_clinic(db: Session, now: datetime) -> None:
    settings = {"phone": "", "out_of_hours_phone": "", "emergency_number": "", "opening": {}, "zone": "UTC"}
    db.add(Clinic(id=CANARY_CLINIC, name="Canary", is_demonstration=True, created_at=now, **settings))
    db.flush()
    for person_id, role in ((_PATIENT, "patient"), (_NURSE, "nurse")):
        accounts.add_person(db, clinic_id=CANARY_CLINIC, name="Canary", roles=[role], person_id=person_id, now=now)
    db.flush()
    clinic.set_duty(db, clinic_id=CANARY_CLINIC, person_id=_NURSE, is_on=True, now=now)


def raise_alarms(db: Session, names: Collection[str], *, now: datetime) -> tuple[list[str], list[str]]:
    """Keep which signs are not well; says which the operator must be told of now, and which are well again.

    Both are said again until `note_told` writes down that the operator was reached.
    """
    known = {alarm.name: alarm for alarm in db.scalars(select(Alarm))}
    for name in names:
        if name not in known:
            known[name] = Alarm(name=name, since_at=now, told_at=None)
            db.add(known[name])
    due = [
        name
        for name in sorted(names)
        if abs(now - known[name].since_at) >= rules.ALARM_AFTER and not rules.told_lately(known[name].told_at, now)
    ]
    over = [alarm for name, alarm in known.items() if name not in names]
    for alarm in over:
        if alarm.told_at is None:
            db.delete(alarm)
    return due, sorted(alarm.name for alarm in over if alarm.told_at)


def note_told(db: Session, due: Collection[str], over: Collection[str], *, now: datetime) -> None:
    """The operator was told that these are not well, and that those are well again."""
    db.execute(update(Alarm).where(Alarm.name.in_(due)).values(told_at=now))
    db.execute(delete(Alarm).where(Alarm.name.in_(over)))
