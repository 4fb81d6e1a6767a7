"""Reads of devices."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from companion.errors import NotFound
from companion.push.models import Subscription


def device(db: Session, clinic_id: UUID, person_id: UUID, device_id: UUID) -> Subscription:
    """One's own device; NotFound for anybody else's."""
    found = db.get(Subscription, (clinic_id, device_id))
    if found is None or found.person_id != person_id:
        raise NotFound
    return found


def devices(db: Session, people: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[Subscription]]:
    """The devices of each of these people, (clinic, person); those without a device are left out."""
    rows = db.scalars(
        select(Subscription)
        .where(tuple_(Subscription.clinic_id, Subscription.person_id).in_(set(people)))
        .order_by(Subscription.seen_at.desc())
    )
    found: dict[tuple[UUID, UUID], list[Subscription]] = {}
    for row in rows:
        found.setdefault((row.clinic_id, row.person_id), []).append(row)
    return found
