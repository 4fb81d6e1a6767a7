"""Taking an entry in: kept, assessed, and where it is unusual a case with its messages, in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from companion import crash
from companion.accounts.actions import record
from companion.accounts.models import Person
from companion.db import insert_into
from companion.errors import Conflict, NotFound
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.ids import new_id
from companion.languages import N_
from companion.outbox import actions as outbox
from companion.protocols import queries as protocols
from companion.reactions import queries, rules
from companion.reactions.forms import Entry
from companion.reactions.models import Assessment, ExpectedLevel, Reaction
from companion.schedule import actions as schedule
from companion.schedule import queries as visits
from companion.triage import observation as triage
from companion.triage.bounded import LIMIT_SECONDS, Unjudged, within
from companion.triage.engine import assess, silence
from companion.triage.observation import Context, Disposition, Reason
from companion.triage.protocol import Protocol
from companion.triage.treated import still_swelling
from companion.turns import one_at_a_time

log = logging.getLogger(__name__)
# How long after the last entry a silence is still looked for.
SILENCE_LOOKS_BACK = timedelta(days=14)
_FAILED = N_("The entry could not be assessed: look at it yourself")
_REFUSED = N_("A check-in from the phone could not be read: call the patient")
_UNFINISHED = N_("An emergency sign was ticked in a check-in that was not finished: call the patient")
_SAME_NUMBER = N_("Two different check-ins came under one number: read both and call the patient")
_SAME_NUMBER_PATIENT = N_("Your phone sent two different check-ins as one")
_FAILED_PATIENT = N_("A person at your clinic has to look at this")


@dataclass(frozen=True, slots=True)
class Submitted:
    """The entry as it is kept; `is_new` is False where the same one had been sent before.

    `disposition` and `leads_to` are of the entry that asks most: this one, or one that is judged higher with it.
    """

    disposition: str
    leads_to: UUID
    is_new: bool


def submit(db: Session, patient: tuple[UUID, UUID], reaction_id: UUID, entry: Entry, *, now: datetime) -> Submitted:
    """Keep (clinic, patient)'s entry and do what it asks for. Sent twice it is kept once; Conflict if it differs."""
    return _submit(db, patient, reaction_id, entry, now=now)


def submit_contradiction(
    db: Session, patient: tuple[UUID, UUID], reaction_id: UUID, entry: Entry, *, now: datetime
) -> Submitted:
    """Keep what the phone sent under the id of another entry, under an id of its own; a person asks within the hour.

    A phone mints a new id for every check-in, so that one of the two may be lost there. Once for each such entry.
    """
    level = Disposition.CLINIC_URGENT_1H
    reason = Reason("same_number", level, _SAME_NUMBER, _SAME_NUMBER_PATIENT, "PROPOSAL", "proposal")
    return _submit(db, patient, entry.id_beside(reaction_id), entry, known=(reason,), now=now)


def _submit(
    db: Session,
    patient: tuple[UUID, UUID],
    reaction_id: UUID,
    entry: Entry,
    *,
    known: tuple[Reason, ...] = (),
    now: datetime,
) -> Submitted:
    clinic_id, patient_id = patient
    one_at_a_time(db, patient_id)  # the second of two entries is judged with the first, and added to its case
    if not _keep(db, patient, reaction_id, entry, now):
        kept = queries.graded(db, clinic_id, patient_id, reaction_id)
        if kept.reaction.body_hash != entry.body_hash:
            raise Conflict(N_("Another entry has this number already."))
        return _submitted([kept.assessment, *queries.raised_by(db, clinic_id, patient_id, reaction_id)], is_new=False)
    crash.here("entry_kept")
    past = queries.judged_before(db, *patient)
    result = _beside(known, _assess(db, patient, entry, past, now))
    own = _assessment(patient, reaction_id, result, now)
    db.add(own)
    if result.disposition > Disposition.SELF_CARE:
        escalation.open_case(
            db,
            clinic_id=clinic_id,
            patient_id=patient_id,
            subject_id=reaction_id,
            level=result.disposition.code,
            summary=result.reasons[0].words,
            now=now,
        )
        crash.here("case_opened")
    schedule.close_check_in(db, clinic_id=clinic_id, patient_id=patient_id, noted_at=entry.noted_at, now=now)
    about = ("reaction", reaction_id)
    record(db, clinic_id=clinic_id, actor_id=patient_id, verb="reaction.submitted", about=about, now=now)
    raised = _judge_again(db, patient, reaction_id, entry, past=past, now=now)
    crash.here("entry_judged")
    return _submitted([own, *raised], is_new=True)


def alarm_refused(
    db: Session, patient: tuple[UUID, UUID], refusal_id: UUID, *, is_emergency: bool = False, now: datetime
) -> None:
    """An entry was refused and may hold anything: a person has to ask, within the hour. Once for each `refusal_id`.

    That is no entry's id: an entry that was kept, or is sent later, under the refused one's id has a case of its own.
    """
    clinic_id, patient_id = patient
    one_at_a_time(db, patient_id)
    if cases.cases_of_own(db, clinic_id, patient_id, [refusal_id]):
        return
    level = Disposition.EMERGENCY if is_emergency else Disposition.CLINIC_URGENT_1H
    escalation.open_case(
        db,
        clinic_id=clinic_id,
        patient_id=patient_id,
        subject_id=refusal_id,
        level=level.code,
        summary=_UNFINISHED if is_emergency else _REFUSED,
        now=now,
    )


def mark_mistaken(db: Session, patient: tuple[UUID, UUID], reaction_id: UUID, *, now: datetime) -> None:
    """The patient says the emergency sign was tapped by mistake: marked, nothing is deleted, the case stays open."""
    clinic_id, patient_id = patient
    marked = (
        update(Reaction)
        .where(Reaction.clinic_id == clinic_id, Reaction.patient_id == patient_id, Reaction.id == reaction_id)
        .values(mistaken_at=now)
    )
    if db.execute(marked.returning(Reaction.id)).first() is None:
        raise NotFound
    about = ("reaction", reaction_id)
    record(db, clinic_id=clinic_id, actor_id=patient_id, verb="reaction.mistaken", about=about, now=now)


def answer_words(db: Session, patient: tuple[UUID, UUID], reaction_id: UUID, *, is_so: bool, now: datetime) -> None:
    """What the patient answers about a sign that was told in words. A "no" is kept beside it and lowers nothing."""
    clinic_id, patient_id = patient
    answered = (
        update(Reaction)
        .where(Reaction.clinic_id == clinic_id, Reaction.patient_id == patient_id, Reaction.id == reaction_id)
        .values(words_answer="yes" if is_so else "no")
    )
    if db.execute(answered.returning(Reaction.id)).first() is None:
        raise NotFound
    verb = "reaction.words_confirmed" if is_so else "reaction.words_denied"
    record(db, clinic_id=clinic_id, actor_id=patient_id, verb=verb, about=("reaction", reaction_id), now=now)


def expect_level(db: Session, patient: Person, form: rules.LevelForm, *, by: UUID, now: datetime) -> ExpectedLevel:
    """Expect a symptom of this patient up to a grade for some days; windows do not alarm at it meanwhile."""
    row = ExpectedLevel(
        clinic_id=patient.clinic_id,
        id=new_id(),
        patient_id=patient.id,
        area=form.area,
        symptom=form.symptom,
        grade=form.grade,
        reason=form.reason,
        set_by=by,
        set_at=now,
        until_at=now + form.lasts,
        ended_by=None,
        ended_at=None,
    )
    db.add(row)
    db.flush()
    about = ("expected_level", row.id)
    record(db, clinic_id=row.clinic_id, actor_id=by, verb="expected_level.set", about=about, now=now)
    return row


def end_expected_level(db: Session, patient: Person, level_id: UUID, *, by: UUID, now: datetime) -> None:
    """The protocol alone counts again; NotFound where there is no such level, or it has ended."""
    ended = (
        update(ExpectedLevel)
        .where(
            ExpectedLevel.clinic_id == patient.clinic_id,
            ExpectedLevel.patient_id == patient.id,
            ExpectedLevel.id == level_id,
            ExpectedLevel.ended_at.is_(None),
        )
        .values(ended_by=by, ended_at=now)
    )
    if db.execute(ended.returning(ExpectedLevel.id)).first() is None:
        raise NotFound
    about = ("expected_level", level_id)
    record(db, clinic_id=patient.clinic_id, actor_id=by, verb="expected_level.ended", about=about, now=now)


def _keep(db: Session, patient: tuple[UUID, UUID], reaction_id: UUID, entry: Entry, now: datetime) -> bool:
    statement = insert_into(db, Reaction).values(
        clinic_id=patient[0],
        patient_id=patient[1],
        id=reaction_id,
        body_hash=entry.body_hash,
        body=entry.form.model_dump(exclude={"subject", "sent_at"}),
        noted_at=entry.noted_at,
        received_at=now,
        skew_seconds=entry.skew_seconds,
    )
    return db.execute(statement.on_conflict_do_nothing().returning(Reaction.id)).first() is not None


def _submitted(said: Sequence[Assessment], *, is_new: bool) -> Submitted:
    most = max(said, key=lambda one: Disposition.of(one.disposition))
    return Submitted(most.disposition, most.reaction_id, is_new)


def _assess(
    db: Session, patient: tuple[UUID, UUID], entry: Entry, past: Sequence[Reaction], now: datetime
) -> triage.Assessment:
    case, protocol = cases.unresolved_case_of(db, *patient), protocols.current(db, patient[0])
    sessions = visits.past_visits_of(db, *patient, now)
    levels = queries.expected_levels(db, *patient)

    def judge() -> triage.Assessment:
        took_place = rules.as_visits(sessions)
        expected = rules.levels_at(levels, took_place, entry.noted_at)
        context = Context(
            took_place,
            open_case=Disposition.of(case.level) if case else None,
            expected={key: level.grade for key, level in expected.items()},
        )
        treated = still_swelling(took_place, entry.told_at, protocol)
        body = entry.form.model_dump()
        entered = rules.observation_of(body, noted_at=entry.told_at, received_at=now, treated=treated)
        return assess(entered, queries.observations(past), context, protocol)

    return _judged(judge, protocol)


def _judged(judge: Callable[[], triage.Assessment], protocol: Protocol) -> triage.Assessment:
    """What triage says; where it fails, that a person has to look within the hour."""
    try:
        return within(LIMIT_SECONDS, judge)
    except Unjudged as fault:
        log.error("triage failed: %s", fault)
        level = Disposition.CLINIC_URGENT_1H
        reason = Reason("triage_failed", level, _FAILED, _FAILED_PATIENT, "PROPOSAL", "proposal", value=str(fault))
        return triage.Assessment(level, (reason,), protocol.version, unjudged=("everything",))


def _judge_again(
    db: Session, patient: tuple[UUID, UUID], late_id: UUID, late: Entry, *, past: Sequence[Reaction], now: datetime
) -> list[Assessment]:
    """Judge once more, with an entry that came in late, those that were noted after it; says which rise.

    Only what the late entry adds counts, by the version that judged: whatever else has changed since alarms nobody.
    """
    after = [row.id for row in past if row.noted_at > late.noted_at]
    if not after:
        return []
    sessions = rules.as_visits(visits.past_visits_of(db, *patient, now))
    levels, without = queries.expected_levels(db, *patient), queries.observations(past)
    body = late.form.model_dump()
    beside = [*without, rules.observation_of(body, noted_at=late.noted_at, received_at=now, treated=None)]
    raised = []
    for one in reversed(queries.of_subjects(db, *patient, after)):
        version = one.assessment.protocol_version
        protocol = protocols.that_judged(db, patient[0], version) or protocols.current(db, patient[0])
        expected = rules.levels_at(levels, sessions, one.reaction.noted_at)
        context = Context(sessions, expected={key: level.grade for key, level in expected.items()})
        judge = partial(assess, queries.observation(one.reaction, None), context=context, protocol=protocol)
        before, again = (_judged(partial(judge, history=some), protocol) for some in (without, beside))
        added = [reason for reason in again.reasons if reason not in before.reasons]
        if added and added[0].level > Disposition.of(one.assessment.disposition):
            raised.append(_raise(db, one.assessment, added, late_id, now))
    return raised


def _raise(db: Session, judged: Assessment, added: Sequence[Reason], late_id: UUID, now: datetime) -> Assessment:
    """A higher level for an entry, by further reasons; nurses and patient are told, what was said before is kept."""
    clinic_id, patient_id, level = judged.clinic_id, judged.patient_id, added[0].level
    reasons = [*(reason.as_json() for reason in added), *judged.reasons]
    row = Assessment(
        clinic_id=clinic_id,
        id=new_id(),
        patient_id=patient_id,
        reaction_id=judged.reaction_id,
        disposition=level.code,
        reasons=sorted(reasons, key=lambda reason: -Disposition.of(reason["level"])),
        unjudged=judged.unjudged,
        hours=judged.hours,
        protocol_version=judged.protocol_version,
        assessed_at=now,
        number=judged.number + 1,
        late_id=late_id,
    )
    db.add(row)
    case = escalation.open_case(
        db,
        clinic_id=clinic_id,
        patient_id=patient_id,
        subject_id=row.reaction_id,
        level=level.code,
        summary=added[0].words,
        now=now,
    )
    escalation.add_entry(db, case, late_id, now=now)
    about = ("reaction", row.reaction_id)
    _write_to_patient(db, row, now)
    record(db, clinic_id=clinic_id, actor_id=None, verb="reaction.judged_again", about=about, now=now)
    return row


def _write_to_patient(db: Session, row: Assessment, now: datetime) -> None:
    outbox.enqueue(
        db,
        (row.clinic_id, row.patient_id),
        kind="judged_again",
        about=("reaction", row.reaction_id),
        url=f"/reactions/{row.reaction_id}",
        dedupe_key=f"judged_again:{row.id}",
        now=now,
        expires_at=now + timedelta(days=1),
        is_urgent=Disposition.of(row.disposition) >= Disposition.CLINIC_URGENT_1H,
    )


def silence_of(db: Session, patient: tuple[UUID, UUID], *, now: datetime) -> Reason | None:
    """Why a patient who went quiet after something severe should be looked after; None while a case is open anyway."""
    latest = queries.observations(queries.judged_before(db, *patient, limit=1))
    if not latest or cases.unresolved_case_of(db, *patient):
        return None
    if cases.resolved_since(db, *patient, latest[0].noted_at):
        return None  # a person has looked at it already
    return silence(latest, now, protocols.current(db, patient[0]))


def look_after_silence(db: Session, patient: tuple[UUID, UUID], *, now: datetime) -> bool:
    """Open a routine case for a silence; False where somebody was quicker, or there is none."""
    reason = silence_of(db, patient, now=now)
    if reason is None:
        return False
    latest = queries.recent(db, *patient, limit=1)[0].reaction
    escalation.open_case(
        db,
        clinic_id=patient[0],
        patient_id=patient[1],
        subject_id=latest.id,
        level=reason.level.code,
        summary=reason.words,
        now=now,
    )
    return True


def _beside(known: tuple[Reason, ...], result: triage.Assessment) -> triage.Assessment:
    """What triage says, with what is known beside it."""
    reasons = tuple(sorted((*known, *result.reasons), key=lambda reason: -reason.level))
    highest = max((reason.level for reason in reasons), default=Disposition.SELF_CARE)
    return replace(result, reasons=reasons, disposition=max(result.disposition, highest))


def _assessment(patient: tuple[UUID, UUID], reaction_id: UUID, result: triage.Assessment, now: datetime) -> Assessment:
    return Assessment(
        clinic_id=patient[0],
        id=new_id(),
        patient_id=patient[1],
        reaction_id=reaction_id,
        disposition=result.disposition.code,
        reasons=[reason.as_json() for reason in result.reasons],
        unjudged=list(result.unjudged),
        hours=result.hours,
        protocol_version=result.protocol_version,
        assessed_at=now,
        number=1,
        late_id=None,
    )
