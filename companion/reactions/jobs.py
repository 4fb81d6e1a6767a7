"""Looking back over entries: another protocol on past entries, and the silence after something severe."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from companion.db import EVERY_CLINIC
from companion.protocols import queries as protocols
from companion.reactions import actions, queries
from companion.reactions.rules import Replay
from companion.runtime import Runtime
from companion.triage.engine import assess
from companion.triage.observation import Context, Disposition, Observation
from companion.triage.protocol import Protocol

_ALERT = Disposition.CLINIC_SAME_DAY


def replay(
    rt: Runtime,
    protocol: Protocol,
    *,
    days: int,
    now: datetime,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Replay:
    """Judge the entries of the last `days` by `protocol` and by each clinic's own; changes nothing.

    Both judge what was entered, beside the patient's other entries and sessions, without a case that was open then.
    """
    since = now - timedelta(days=days)
    with rt.db.reading(EVERY_CLINIC) as db:
        patients = queries.patients_since(db, since)
    pairs = list[tuple[Disposition, Disposition]]()
    for done, (clinic_id, patient_id) in enumerate(patients, 1):
        with rt.db.reading(clinic_id) as db:
            pairs += _judged_twice(db, clinic_id, patient_id, protocol, since=since, now=now)
        advance(done, len(patients))
    return Replay(
        entries=len(pairs),
        days=days,
        alerts_before=sum(before >= _ALERT for before, _ in pairs),
        alerts_after=sum(after >= _ALERT for _, after in pairs),
        raised=sum(after > before for before, after in pairs),
        lowered=sum(after < before for before, after in pairs),
    )


def look_after_silence(rt: Runtime, now: datetime) -> int:
    """Open a case for every patient who told of something severe and then nothing more; says for how many."""
    with rt.db.reading(EVERY_CLINIC) as db:
        waiting = queries.patients_since(db, now - actions.SILENCE_LOOKS_BACK)
    opened = 0
    for clinic_id, patient_id in waiting:
        with rt.db.reading(clinic_id) as db:
            is_quiet = actions.silence_of(db, (clinic_id, patient_id), now=now) is not None
        if is_quiet:
            with rt.db.transaction(clinic_id) as db:
                opened += actions.look_after_silence(db, (clinic_id, patient_id), now=now)
    return opened


def _judged_twice(
    db: Session, clinic_id: UUID, patient_id: UUID, other: Protocol, *, since: datetime, now: datetime
) -> list[tuple[Disposition, Disposition]]:
    own = protocols.current(db, clinic_id)
    history = queries.observations(db, clinic_id, patient_id, limit=2_000)
    context = Context(visits=actions.visits_of(db, (clinic_id, patient_id), now))
    return [
        (_level(one, history, context, own), _level(one, history, context, other))
        for one in history
        if one.noted_at >= since
    ]


def _level(one: Observation, history: Sequence[Observation], context: Context, protocol: Protocol) -> Disposition:
    return assess(one, history, context, protocol).disposition
