"""How a person is reached. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# A proposal: as long a device that showed a message counts as one that works.
PROVEN_FOR = timedelta(days=30)

Way = Literal["push", "push_unproven", "email", "app_only", "nothing"]


@dataclass(frozen=True, slots=True)
class Reach:
    """What there is to reach a person by: devices, when one last showed a message, e-mail, when the app was opened."""

    devices: int
    proven_at: datetime | None
    has_email: bool
    opened_at: datetime | None

    def best_way(self, now: datetime) -> Way:
        """The surest way to tell this person something; "nothing" where not even a phone is signed in."""
        if self.proven_at and now - self.proven_at <= PROVEN_FOR:
            return "push"
        if self.devices:
            return "push_unproven"
        if self.has_email:
            return "email"
        return "app_only" if self.opened_at else "nothing"
