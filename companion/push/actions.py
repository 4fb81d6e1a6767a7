"""Changes to devices."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from companion.config import vapid_key_id
from companion.ids import new_id
from companion.push import queries, rules
from companion.push.forms import SubscriptionForm
from companion.push.models import Subscription
from companion.turns import one_at_a_time


def subscribe(
    db: Session,
    *,
    clinic_id: UUID,
    person_id: UUID,
    form: SubscriptionForm,
    now: datetime,
    sign_in_id: UUID | None = None,
) -> Subscription:
    """Keep a device, or note that it was seen again. A browser belongs to whoever is signed in on it.

    Needs a session over EVERY_CLINIC, since the browser may have been another clinic's before.
    """
    one_at_a_time(db, form.endpoint)
    row = db.scalar(select(Subscription).where(Subscription.endpoint == form.endpoint))
    if row and (row.clinic_id, row.person_id) != (clinic_id, person_id):
        db.delete(row)
        db.flush()
        row = None
    if row is None:
        row = Subscription(
            clinic_id=clinic_id, id=new_id(), person_id=person_id, endpoint=form.endpoint, created_at=now
        )
        db.add(row)
    row.sign_in_id = sign_in_id
    row.p256dh, row.auth, row.key_id, row.seen_at = form.keys.p256dh, form.keys.auth, vapid_key_id(form.key), now
    db.flush()
    _keep_newest(db, clinic_id, person_id)
    return row


def unsubscribe(db: Session, *, clinic_id: UUID, person_id: UUID, endpoint: str) -> None:
    """Forget one's own device by its endpoint."""
    db.execute(
        delete(Subscription).where(
            Subscription.clinic_id == clinic_id,
            Subscription.person_id == person_id,
            Subscription.endpoint == endpoint,
        )
    )


def forget_phone(db: Session, *, clinic_id: UUID, person_id: UUID, phone_id: UUID) -> bool:
    """Forget one's own device, by its id or by the sign-in that told us of it. False if there is none."""
    gone = (
        delete(Subscription)
        .where(Subscription.clinic_id == clinic_id, Subscription.person_id == person_id)
        .where((Subscription.id == phone_id) | (Subscription.sign_in_id == phone_id))
    )
    return db.execute(gone.returning(Subscription.id)).first() is not None


def forget_all(db: Session, *, clinic_id: UUID, person_id: UUID, spare: UUID | None = None) -> None:
    """Forget every device of a person but those of the sign-in `spare`."""
    wanted = [Subscription.clinic_id == clinic_id, Subscription.person_id == person_id]
    if spare:
        wanted.append(Subscription.sign_in_id.is_distinct_from(spare))
    db.execute(delete(Subscription).where(*wanted))


def forget(db: Session, *, clinic_id: UUID, device_id: UUID) -> None:
    """Delete a device that its push service says is gone."""
    db.execute(delete(Subscription).where(Subscription.clinic_id == clinic_id, Subscription.id == device_id))


def mark_proven(db: Session, *, clinic_id: UUID, device_id: UUID, now: datetime) -> None:
    """A device said that it showed a message: it works."""
    db.execute(
        update(Subscription)
        .where(Subscription.clinic_id == clinic_id, Subscription.id == device_id)
        .values(proven_at=now)
    )


def _keep_newest(db: Session, clinic_id: UUID, person_id: UUID) -> None:
    own = queries.devices(db, [(clinic_id, person_id)]).get((clinic_id, person_id), [])
    for row in own[rules.MAX_DEVICES :]:
        db.delete(row)
