"""Changes to visits, and to what falls due around them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from companion.accounts import queries as people
from companion.accounts.actions import record
from companion.accounts.rules import end_of_quiet
from companion.clinic import queries as clinic
from companion.clock import to_local
from companion.course.models import Course
from companion.errors import Conflict
from companion.ids import new_id
from companion.languages import N_
from companion.outbox import actions as outbox
from companion.schedule import queries, rules
from companion.schedule.models import PlanItem, Visit
from companion.schedule.rules import ExistingItem, WantedItem


def plan_visit(
    db: Session,
    course: Course,
    *,
    number: int,
    starts_at: datetime,
    now: datetime,
    state: str = "planned",
    actor_id: UUID | None = None,
    has_topical_anaesthetic: bool = False,
) -> Visit:
    """A session of a course at a time, with everything that falls due around it; Conflict if the number is taken."""
    taken = select(Visit.id).where(
        Visit.clinic_id == course.clinic_id, Visit.course_id == course.id, Visit.number == number
    )
    if db.scalar(taken) is not None:
        raise Conflict(N_("Session %(number)s of this course exists already."), number=number)
    row = Visit(
        clinic_id=course.clinic_id,
        id=new_id(),
        course_id=course.id,
        patient_id=course.patient_id,
        number=number,
        starts_at=starts_at,
        state=state,
        areas=course.areas,
        agents=course.agents,
        technique=course.technique,
        has_topical_anaesthetic=has_topical_anaesthetic,
        version=1,
    )
    db.add(row)
    db.flush()
    _align_items(db, row, now)
    about = ("visit", row.id)
    record(db, clinic_id=row.clinic_id, actor_id=actor_id, verb="visit.planned", about=about, now=now)
    return row


def reschedule(
    db: Session, visit_id: UUID, *, clinic_id: UUID, starts_at: datetime, version: int, now: datetime, actor_id: UUID
) -> Visit:
    """Move a visit that was seen at `version`: what was to be said of the old time is taken back, one correction sent.

    Conflict if somebody else changed it meanwhile.
    """
    row = _change(db, visit_id, clinic_id=clinic_id, version=version, starts_at=starts_at)
    _align_items(db, row, now)
    about = ("visit", row.id)
    outbox.enqueue(
        db,
        (clinic_id, row.patient_id),
        kind="visit_moved",
        about=about,
        url="/sessions",
        dedupe_key=f"visit:{row.id}:v{row.version}",
        now=now,
        expires_at=max(starts_at, now + timedelta(hours=1)),
    )
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="visit.moved", about=about, now=now)
    return row


def complete_visit(
    db: Session, visit_id: UUID, *, clinic_id: UUID, version: int, now: datetime, actor_id: UUID
) -> Visit:
    """A visit took place; Conflict if somebody else changed it meanwhile."""
    row = _change(db, visit_id, clinic_id=clinic_id, version=version, state="done")
    _align_items(db, row, now)
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="visit.done", about=("visit", row.id), now=now)
    return row


def close_check_in(db: Session, *, clinic_id: UUID, patient_id: UUID, noted_at: datetime, now: datetime) -> int:
    """An entry came in: the check-ins of that day are done, and nobody is reminded of them any more."""
    zone = clinic.clinic(db, clinic_id).zone
    day = to_local(noted_at, zone).date()
    open_items = db.scalars(
        select(PlanItem).where(
            PlanItem.clinic_id == clinic_id,
            PlanItem.patient_id == patient_id,
            PlanItem.kind == "check_in",
            PlanItem.state.in_(["planned", "released"]),
            PlanItem.due_at < noted_at + timedelta(days=1),
        )
    )
    of_day = [
        item
        for item in open_items
        if to_local(item.due_at, zone).date() == day or item.due_at <= noted_at < item.expires_at
    ]
    for item in of_day:
        item.state = "done"
        about = ("plan_item", item.id)
        outbox.cancel(db, clinic_id=clinic_id, about=about, now=now)
        outbox.mark_read(db, clinic_id=clinic_id, person_id=patient_id, about=about, now=now)
    return len(of_day)


def release(db: Session, item: PlanItem, *, now: datetime) -> bool:
    """An item fell due: tell the patient if it is still wanted. False if another worker was first."""
    is_wanted = queries.is_wanted(db, item, now)
    if not _turn(db, item, was="planned", state="released" if is_wanted else "missed"):
        return False
    if is_wanted:
        _remind(db, item, now)
    return True


def plan_again(db: Session, item: PlanItem, *, now: datetime) -> bool:
    """A clock that was ahead has missed or said it too soon: it falls due in its time. False if another was first."""
    is_ours = _turn(db, item, was=item.state, state="planned", version=item.version + 1)
    if is_ours:
        outbox.cancel(db, clinic_id=item.clinic_id, about=("plan_item", item.id), now=now)
    return is_ours


def _turn(db: Session, item: PlanItem, *, was: str, **values: object) -> bool:
    own = (PlanItem.clinic_id == item.clinic_id, PlanItem.id == item.id)
    as_it_was = (*own, PlanItem.state == was, PlanItem.version == item.version)
    changed = update(PlanItem).where(*as_it_was).values(**values).returning(PlanItem.id)
    return db.execute(changed).first() is not None


def _remind(db: Session, item: PlanItem, now: datetime) -> None:
    patient, zone = people.person(db, item.clinic_id, item.patient_id), clinic.clinic(db, item.clinic_id).zone
    is_check_in = item.kind == "check_in"
    outbox.enqueue(
        db,
        (item.clinic_id, item.patient_id),
        kind="check_in_due" if is_check_in else "visit_reminder",
        about=("plan_item", item.id),
        url=_url(item, is_check_in=is_check_in),
        dedupe_key=f"plan:{item.id}:v{item.version}",
        now=now,
        due_at=end_of_quiet(now, zone, quiet_from=patient.quiet_from, quiet_until=patient.quiet_until),
        expires_at=item.expires_at,
    )


def _url(item: PlanItem, *, is_check_in: bool) -> str:
    if not is_check_in:
        return "/sessions"
    return "/" if rules.is_late_check(item.slot) else "/reactions/new"


def _change(db: Session, visit_id: UUID, *, clinic_id: UUID, version: int, **values: object) -> Visit:
    changed = (
        update(Visit)
        .where(Visit.clinic_id == clinic_id, Visit.id == visit_id, Visit.version == version, Visit.state == "planned")
        .values(version=version + 1, **values)
    )
    row = queries.visit(db, clinic_id, visit_id)
    if db.execute(changed.returning(Visit.id)).first() is None:
        raise Conflict(N_("Somebody else changed this session meanwhile. Load the page again."))
    db.refresh(row)
    return row


def _align_items(db: Session, visit: Visit, now: datetime) -> None:
    zone = clinic.clinic(db, visit.clinic_id).zone
    items = {item.slot: item for item in queries.items_of(db, visit.clinic_id, visit.id)}
    wanted = rules.plan_for(state=visit.state, starts_at=visit.starts_at, zone=zone)
    existing = [ExistingItem(item.slot, item.due_at, item.state) for item in items.values()]
    changes = rules.reconcile(existing, wanted, now)
    for new in changes.add:
        db.add(_item(visit, new))
    for moved in changes.move:
        item = items[moved.slot]
        item.due_at, item.expires_at, item.state = moved.due_at, moved.expires_at, "planned"
        item.version += 1
        outbox.cancel(db, clinic_id=visit.clinic_id, about=("plan_item", item.id), now=now)
    for slot in changes.cancel:
        items[slot].state = "cancelled"
        outbox.cancel(db, clinic_id=visit.clinic_id, about=("plan_item", items[slot].id), now=now)
    db.flush()


def _item(visit: Visit, wanted: WantedItem) -> PlanItem:
    return PlanItem(
        clinic_id=visit.clinic_id,
        id=new_id(),
        visit_id=visit.id,
        patient_id=visit.patient_id,
        kind=wanted.kind,
        slot=wanted.slot,
        due_at=wanted.due_at,
        expires_at=wanted.expires_at,
        state="planned",
        version=1,
    )
