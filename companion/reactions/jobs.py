"""Looking back over entries: another protocol on past entries, and the silence after something severe."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy.orm import Session

from companion.db import EVERY_CLINIC, Scope
from companion.protocols import queries as protocols
from companion.reactions import actions, queries, rules
from companion.reactions.models import Reaction
from companion.reactions.rules import Replay
from companion.runtime import Runtime
from companion.schedule import queries as schedule
from companion.triage.engine import assess
from companion.triage.observation import Context, Disposition, Observation
from companion.triage.protocol import Protocol
from companion.triage.treated import still_swelling
from companion.turns import one_by_one

_BATCH = 200
_ALERT = Disposition.CLINIC_SAME_DAY
# How far back a protocol is replayed before it is published.
PUBLISH_LOOKS_BACK_DAYS = 90


def replay(
    rt: Runtime,
    protocol: Protocol,
    *,
    days: int,
    now: datetime,
    scope: Scope = EVERY_CLINIC,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Replay:
    """Judge the entries of the last `days` by `protocol` and by each clinic's own; changes nothing. `scope` is one
    clinic, or every one.

    Both judge what was entered, beside the patient's other entries, sessions and expected levels, without a case that
    was open then.
    """
    since = now - timedelta(days=days)
    with rt.db.reading(scope) as db:
        patients = queries.patients_since(db, since)
    pairs = list[tuple[Disposition, Disposition]]()
    for done, (clinic_id, some) in _batches(patients):
        with rt.db.reading(clinic_id) as db:
            pairs += _judged_twice(db, clinic_id, some, protocol, since=since, now=now)
        advance(done, len(patients))
    return Replay(
        entries=len(pairs),
        days=days,
        alerts_before=sum(before >= _ALERT for before, _ in pairs),
        alerts_after=sum(after >= _ALERT for _, after in pairs),
        raised=sum(after > before for before, after in pairs),
        lowered=sum(after < before for before, after in pairs),
    )


def replay_to_publish(
    rt: Runtime, protocol: Protocol, clinic_id: UUID, *, now: datetime, advance: Callable[[int, int], None]
) -> Replay:
    """The replay that a clinician sees before publishing: the clinic's entries of 90 days, or all where it is newer."""
    with rt.db.reading(clinic_id) as db:
        first = queries.first_noted(db, clinic_id)
    known_days = max(1, (now - first).days + 1) if first else PUBLISH_LOOKS_BACK_DAYS
    days = min(PUBLISH_LOOKS_BACK_DAYS, known_days)
    return replay(rt, protocol, days=days, now=now, scope=clinic_id, advance=advance)


def look_after_silence(rt: Runtime, now: datetime) -> int:
    """Open a case for every patient who told of something severe and then nothing more; says for how many."""
    with rt.db.reading(EVERY_CLINIC) as db:
        waiting = queries.patients_since(db, now - actions.SILENCE_LOOKS_BACK)

    def look(who: tuple[UUID, UUID]) -> int:
        with rt.db.reading(who[0]) as db:
            is_quiet = actions.silence_of(db, who, now=now) is not None
        if not is_quiet:
            return 0
        with rt.db.transaction(who[0]) as db:
            return actions.look_after_silence(db, who, now=now)

    return one_by_one(waiting, look)


def _batches(patients: Sequence[tuple[UUID, UUID]]) -> Iterator[tuple[int, tuple[UUID, list[UUID]]]]:
    """Patients of one clinic, some at a time, with how many are done after them."""
    done = 0
    for clinic_id, rows in groupby(patients, key=lambda pair: pair[0]):
        ids = [patient_id for _, patient_id in rows]
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            done += len(some)
            yield done, (clinic_id, some)


def _judged_twice(
    db: Session, clinic_id: UUID, patient_ids: Sequence[UUID], other: Protocol, *, since: datetime, now: datetime
) -> list[tuple[Disposition, Disposition]]:
    own = protocols.current(db, clinic_id)
    visits = schedule.past_visits_of_many(db, clinic_id, patient_ids, now)
    levels = queries.expected_levels_of(db, clinic_id, patient_ids)
    pairs = list[tuple[Disposition, Disposition]]()
    for patient_id, rows in queries.reactions_of(db, clinic_id, patient_ids).items():
        sessions, expected = rules.as_visits(visits.get(patient_id, [])), levels.get(patient_id, [])
        history = queries.observations(rows)
        for row in rows:
            if row.noted_at >= since:
                on = rules.levels_at(expected, sessions, row.noted_at) if expected else {}
                context = Context(sessions, expected={key: level.grade for key, level in on.items()})
                before, after = (_level(row, history, context, by) for by in (own, other))
                pairs.append((before, after))
    return pairs


def _level(row: Reaction, history: Sequence[Observation], context: Context, protocol: Protocol) -> Disposition:
    # Where nothing is written there are no words to read, and a replay has many such entries.
    treated = still_swelling(context.visits, row.noted_at, protocol) if row.body["words"] else None
    return assess(queries.observation(row, treated), history, context, protocol).disposition
