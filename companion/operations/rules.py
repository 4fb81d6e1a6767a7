"""Whether the product is alive, by what it wrote down. Pure."""

from datetime import datetime, timedelta

DISPATCHER = "dispatcher"
BEAT_EVERY = timedelta(seconds=5)
BEAT_STALE = timedelta(seconds=30)


def is_alive(beat_at: datetime | None, now: datetime) -> bool:
    """Whether the worker has beaten lately; a beat in the future means that the clock was set back."""
    return beat_at is not None and now - beat_at <= BEAT_STALE


def age_seconds(beat_at: datetime | None, now: datetime) -> int | None:
    """Seconds since the worker's last beat, None if it never beat."""
    return None if beat_at is None else max(0, int((now - beat_at).total_seconds()))
