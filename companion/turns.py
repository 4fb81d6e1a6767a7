"""Taking turns at one thing, so that of two who change it at once the second sees what the first has done."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_HOLD = text("select pg_advisory_xact_lock(hashtextextended(:thing, 0))")


def one_at_a_time(db: Session, thing: object) -> None:
    """Wait until no other transaction holds `thing`, and hold it until this one ends; SQLite has one writer anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(_HOLD, {"thing": str(thing)})
