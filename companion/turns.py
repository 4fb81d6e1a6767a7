"""Taking turns at one thing, so that of two who change it at once the second sees what the first has done.

And one by one: what is wrong with one thing holds up no other.
"""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

Thing = TypeVar("Thing")
log = logging.getLogger(__name__)
_HOLD = text("select pg_advisory_xact_lock(hashtextextended(:thing, 0))")


def one_at_a_time(db: Session, thing: object) -> None:
    """Wait until no other transaction holds `thing`, and hold it until this one ends; SQLite has one writer anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(_HOLD, {"thing": str(thing)})


def one_by_one(things: Iterable[Thing], work: Callable[[Thing], int]) -> int:
    """The sum of what `work` says of each thing; one that raises is logged by its kind, and the others go on."""
    return sum(_alone(thing, work) for thing in things)


def _alone(thing: Thing, work: Callable[[Thing], int]) -> int:
    try:
        return work(thing)
    except Exception as error:  # noqa: BLE001 - the fault of one clinic or person must not silence the others
        log.error("%s failed for one: %s", work.__qualname__.partition(".")[0], type(error).__name__)
        return 0
