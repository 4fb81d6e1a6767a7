"""Signs of life, written down."""

from datetime import datetime

from sqlalchemy.orm import Session

from companion.operations.models import Beat


def beat(db: Session, name: str, *, now: datetime) -> None:
    """This part of the worker, or this job of the housekeeper, has just done its work."""
    db.merge(Beat(name=name, at=now))
