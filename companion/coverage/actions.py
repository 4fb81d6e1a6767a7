"""Trying out the other ways than push, and telling whoever runs the clinic what stands in the way."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.actions import record
from companion.clinic import queries as clinic
from companion.clock import to_local
from companion.coverage.models import FallbackProof
from companion.ids import new_id
from companion.outbox import actions as outbox
from companion.turns import one_at_a_time


def send_test(db: Session, person: tuple[UUID, UUID], channel: str, *, now: datetime) -> None:
    """Send (clinic, person) a message by this way only; its link leads to where they say that it came."""
    outbox.enqueue(
        db,
        person,
        kind="fallback_test",
        about=("person", person[1]),
        url=f"/console/coverage/{channel}",
        dedupe_key=f"fallback_test:{new_id()}",
        now=now,
        expires_at=now + timedelta(hours=1),
        is_urgent=True,
        channel=channel,
    )


def note_proof(db: Session, person: tuple[UUID, UUID], channel: str, *, now: datetime) -> None:
    """(clinic, person) says that the test message came by this way."""
    clinic_id, person_id = person
    one_at_a_time(db, clinic_id)
    db.merge(FallbackProof(clinic_id=clinic_id, channel=channel, person_id=person_id, proven_at=now))
    record(db, clinic_id=clinic_id, actor_id=person_id, verb="fallback.proven", about=("channel", channel), now=now)


def tell_of_findings(db: Session, clinic_id: UUID, *, now: datetime) -> int:
    """Tell the managers (or the clinicians, where there is none) once a day, by e-mail and in the app, not by push.

    Says how many were told now.
    """
    people = accounts.staff(db, clinic_id, "manager") or accounts.staff(db, clinic_id, "clinician")
    day = to_local(now, clinic.clinic(db, clinic_id).zone).date()
    told = [
        outbox.enqueue(
            db,
            (clinic_id, person.id),
            kind="coverage",
            about=("clinic", clinic_id),
            url="/console/coverage",
            dedupe_key=f"coverage:{day.isoformat()}:{person.id}",
            now=now,
            expires_at=now + timedelta(hours=24),
            channel="email",
        )
        for person in people
    ]
    return sum(message_id is not None for message_id in told)
