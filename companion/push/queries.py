"""Reads of devices."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.push.models import Subscription


def devices(db: Session, clinic_id: UUID, person_ids: Iterable[UUID]) -> dict[UUID, list[Subscription]]:
    """The devices of each of these people of one clinic; people without a device are left out."""
    rows = db.scalars(
        select(Subscription)
        .where(Subscription.clinic_id == clinic_id, Subscription.person_id.in_(set(person_ids)))
        .order_by(Subscription.seen_at.desc())
    )
    found: dict[UUID, list[Subscription]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(row)
    return found
