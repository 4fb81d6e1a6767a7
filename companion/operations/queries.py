"""Reads of signs of life, and what stands in the way of alerts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from companion.clinic import queries as clinic
from companion.operations import rules
from companion.operations.models import Beat
from companion.push import queries as push


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
