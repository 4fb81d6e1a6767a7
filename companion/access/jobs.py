"""Forgetting what nobody needs any more about tries to get in."""

from datetime import datetime

from sqlalchemy import delete

from companion.access.models import AppCode
from companion.accounts.models import FailedTries
from companion.accounts.rules import TRIES_WINDOW
from companion.db import EVERY_CLINIC
from companion.passkeys.models import Challenge
from companion.runtime import Runtime


def prune(rt: Runtime, now: datetime) -> int:
    """Delete codes and challenges that are over, and counts of tries whose window is; says how many rows."""
    over = (
        delete(AppCode).where(AppCode.expires_at <= now).returning(AppCode.person_id),
        delete(Challenge).where(Challenge.expires_at <= now).returning(Challenge.challenge_hash),
        delete(FailedTries).where(FailedTries.window_started_at <= now - TRIES_WINDOW).returning(FailedTries.key_hash),
    )
    with rt.db.transaction(EVERY_CLINIC) as db:
        return sum(len(db.execute(statement).all()) for statement in over)
