"""Reads of a person's phones."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.accounts.models import SignIn
from companion.push import queries as push
from companion.push.models import Subscription


@dataclass(frozen=True, slots=True)
class Phone:
    """A signed-in browser or app, and the device in it that gets notifications.

    Without a sign-in it has ended by itself, and the device still says that there is something to read.
    """

    sign_in: SignIn | None
    device: Subscription | None

    @property
    def id(self) -> UUID | None:
        """What `remove_phone` takes."""
        row = self.sign_in or self.device
        return row.id if row else None


def phones(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> list[Phone]:
    """A person's phones, those in use last first."""
    sign_ins = accounts.living_sign_ins(db, clinic_id, person_id, now)
    devices = push.devices(db, [(clinic_id, person_id)]).get((clinic_id, person_id), [])
    of_sign_in = {device.sign_in_id: device for device in devices}
    loose = [device for device in devices if device.sign_in_id not in {row.id for row in sign_ins}]
    return [Phone(row, of_sign_in.get(row.id)) for row in sign_ins] + [Phone(None, device) for device in loose]
