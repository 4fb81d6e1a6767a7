"""Reads of entries and what triage said of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from companion.accounts import queries as accounts
from companion.course import queries as courses
from companion.errors import NotFound
from companion.escalation import queries as escalation
from companion.escalation.models import Escalation, EscalationEntry, EscalationEvent
from companion.escalation.rules import is_unanswered
from companion.ids import CANARY_CLINIC
from companion.protocols import queries as protocols
from companion.reactions import rules
from companion.reactions.models import Assessment, ExpectedLevel, Reaction
from companion.schedule import queries as schedule
from companion.schedule.models import Visit
from companion.triage.engine import expected_course
from companion.triage.observation import AREAS, SYMPTOMS, Observation
from companion.triage.protocol import Protocol

# The entries of a case and what was said of each. An id alone names no entry: another patient's may bear it too.
OF_CASE = and_(Escalation.clinic_id == EscalationEntry.clinic_id, Escalation.id == EscalationEntry.escalation_id)
ASSESSED_OF_SAME_PATIENT = and_(
    Assessment.clinic_id == Escalation.clinic_id,
    Assessment.patient_id == Escalation.patient_id,
    Assessment.reaction_id == EscalationEntry.subject_id,
)


@dataclass(frozen=True, slots=True)
class Graded:
    """An entry and its assessment."""

    reaction: Reaction
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Place:
    """An area, and which symptom of it where that is not said otherwise."""

    area: str
    symptom: str | None


@dataclass(frozen=True, slots=True)
class Care:
    """What became of an entry at the clinic: its case, who has opened it first and when, who has taken it, who has
    reached the patient since and how.

    `is_told`: an alert has left for somebody at the clinic. `is_unanswered`: nobody has answered, so the patient must
    call.
    """

    case: Escalation | None = None
    seen_by: str | None = None
    seen_at: datetime | None = None
    taken_by: str | None = None
    reached_by: str | None = None
    reached_how: str = ""
    is_told: bool = False
    is_unanswered: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the clinic still owes an answer."""
        return self.case is not None and self.case.state != "resolved"


def graded(db: Session, clinic_id: UUID, patient_id: UUID, reaction_id: UUID) -> Graded:
    """One entry of a patient; NotFound for any other."""
    for found in _graded(db, clinic_id, patient_id, only=[reaction_id]):
        return found
    raise NotFound


def raised_by(db: Session, clinic_id: UUID, patient_id: UUID, late_id: UUID) -> list[Assessment]:
    """What holds of a patient's entries that are judged higher with one that was noted before them and came in late."""
    mine = (Assessment.clinic_id == clinic_id, Assessment.patient_id == patient_id, Assessment.late_id == late_id)
    return list(db.scalars(select(Assessment).where(*mine, is_newest())))


def is_newest() -> ColumnElement[bool]:
    """The condition that an assessment is what holds of its entry: nothing was said of it later."""
    other = aliased(Assessment)
    same = (
        other.clinic_id == Assessment.clinic_id,
        other.patient_id == Assessment.patient_id,
        other.reaction_id == Assessment.reaction_id,
    )
    return Assessment.number == select(func.max(other.number)).where(*same).correlate(Assessment).scalar_subquery()


def recent(db: Session, clinic_id: UUID, patient_id: UUID, *, limit: int = 30) -> list[Graded]:
    """A patient's entries, the newest first by when it was so."""
    return _graded(db, clinic_id, patient_id, limit=limit)


def latest(db: Session, clinic_id: UUID, patient_ids: Collection[UUID]) -> dict[UUID, Graded]:
    """The last entry of each of these patients, by patient; nothing for those who sent none."""
    rank = func.row_number().over(partition_by=Reaction.patient_id, order_by=Reaction.noted_at.desc())
    mine = (Reaction.clinic_id == clinic_id, Reaction.patient_id.in_(patient_ids))
    ranked = select(Reaction.patient_id, Reaction.id, rank.label("rank")).where(*mine).subquery()
    is_last = (ranked.c.patient_id == Reaction.patient_id) & (ranked.c.id == Reaction.id) & (ranked.c.rank == 1)
    rows = _joined().where(*mine).join(ranked, is_last)
    return {row.Reaction.patient_id: Graded(row.Reaction, row.Assessment) for row in db.execute(rows)}


def count_by_level(db: Session, clinic_id: UUID) -> dict[str, int]:
    """How many entries of a clinic got each disposition."""
    rows = db.execute(
        select(Assessment.disposition, func.count())
        .where(Assessment.clinic_id == clinic_id, is_newest())
        .group_by(Assessment.disposition)
    )
    return {row[0]: row[1] for row in rows}


def patients_since(db: Session, since: datetime) -> list[tuple[UUID, UUID]]:
    """(clinic, patient) of everybody who noted something since then, in whichever clinic the scope allows."""
    rows = db.execute(
        select(Reaction.clinic_id, Reaction.patient_id)
        .where(Reaction.noted_at >= since, Reaction.clinic_id != CANARY_CLINIC)
        .distinct()
        .order_by(Reaction.clinic_id, Reaction.patient_id)
    )
    return [(row.clinic_id, row.patient_id) for row in rows]


def first_noted(db: Session, clinic_id: UUID) -> datetime | None:
    """When the earliest entry of a clinic was noted; None where there is none."""
    return db.scalar(select(func.min(Reaction.noted_at)).where(Reaction.clinic_id == clinic_id))


def judged_before(db: Session, clinic_id: UUID, patient_id: UUID, *, limit: int = 200) -> list[Reaction]:
    """A patient's latest entries that have been judged, in order of time."""
    rows = db.execute(
        _joined()
        .where(Reaction.clinic_id == clinic_id, Reaction.patient_id == patient_id)
        .order_by(Reaction.noted_at.desc())
        .limit(limit)
    )
    return list(rows.scalars())[::-1]


def expected_levels(db: Session, clinic_id: UUID, patient_id: UUID) -> list[ExpectedLevel]:
    """What nurses ever expected of a patient, in the order it was set; `rules.levels_at` says what counts."""
    return expected_levels_of(db, clinic_id, [patient_id]).get(patient_id, [])


def expected_levels_of(db: Session, clinic_id: UUID, patient_ids: Collection[UUID]) -> dict[UUID, list[ExpectedLevel]]:
    """As `expected_levels`, for several patients."""
    mine = (ExpectedLevel.clinic_id == clinic_id, ExpectedLevel.patient_id.in_(patient_ids))
    found: dict[UUID, list[ExpectedLevel]] = {}
    for row in db.scalars(select(ExpectedLevel).where(*mine).order_by(ExpectedLevel.set_at)):
        found.setdefault(row.patient_id, []).append(row)
    return found


def observations(rows: Sequence[Reaction]) -> list[Observation]:
    """Entries as triage compares with them: their words unread."""
    return [observation(row, None) for row in rows]


def observation(row: Reaction, treated: frozenset[str] | None) -> Observation:
    """An entry as triage sees it; its words are read where the areas that may still swell are given."""
    return rules.observation_of(row.body, noted_at=row.noted_at, received_at=row.received_at, treated=treated)


def reactions_of(db: Session, clinic_id: UUID, patient_ids: Collection[UUID]) -> dict[UUID, list[Reaction]]:
    """Every entry of these patients, by patient, in order of time."""
    mine = (Reaction.clinic_id == clinic_id, Reaction.patient_id.in_(patient_ids))
    found: dict[UUID, list[Reaction]] = {}
    for row in db.scalars(select(Reaction).where(*mine).order_by(Reaction.noted_at)):
        found.setdefault(row.patient_id, []).append(row)
    return found


def of_subjects(db: Session, clinic_id: UUID, patient_id: UUID, ids: Collection[UUID]) -> list[Graded]:
    """These entries of a patient, the newest first."""
    return _graded(db, clinic_id, patient_id, only=ids)


def care_of(db: Session, reaction: Reaction) -> Care:
    """What became of an entry at the clinic. Who opened the case before the entry came has not seen the entry."""
    return cares_of(db, reaction.clinic_id, reaction.patient_id, [reaction])[reaction.id]


def cares_of(db: Session, clinic_id: UUID, patient_id: UUID, reactions: Sequence[Reaction]) -> dict[UUID, Care]:
    """As `care_of`, for several entries of one patient."""
    cases = escalation.cases_of_own(db, clinic_id, patient_id, [reaction.id for reaction in reactions])
    events = escalation.events_of(db, clinic_id, {case.id for case in cases.values()})
    told = escalation.told_of(db, clinic_id, {case.id for case in cases.values()})
    ids = {case.taken_by for case in cases.values()}
    ids |= {event.actor_id for event in events if event.kind in ("seen", "contacted")}
    people = accounts.people(db, clinic_id, [person_id for person_id in ids if person_id])
    names: dict[UUID | None, str] = {person.id: person.name for person in people.values()}
    cares = {reaction.id: _care(reaction, cases.get(reaction.id), events, names) for reaction in reactions}
    return {key: replace(care, is_told=bool(care.case and care.case.id in told)) for key, care in cares.items()}


def _care(
    reaction: Reaction, case: Escalation | None, events: Sequence[EscalationEvent], names: Mapping[UUID | None, str]
) -> Care:
    if case is None:
        return Care()
    own = [event for event in events if event.escalation_id == case.id]
    seen = (event for event in own if event.kind == "seen" and event.actor_id and event.at >= reaction.received_at)
    first = next(seen, None)
    contacts = [event for event in own if event.kind == "contacted" and event.detail.get("how") != "no_answer"]
    last = contacts[-1] if contacts and case.acted_at else None
    return Care(
        case=case,
        seen_by=names.get(first.actor_id) if first else None,
        seen_at=first.at if first else None,
        taken_by=names.get(case.taken_by),
        reached_by=names.get(last.actor_id) if last else None,
        reached_how=last.detail["how"] if last else "",
        is_unanswered=case.state != "resolved" and is_unanswered(event.kind for event in own),
    )


def places_of(db: Session, clinic_id: UUID, cases: Sequence[Escalation]) -> dict[UUID, Place]:
    """Where on the body the summary of each case is about; cases that are about no place are left out."""
    summaries, found = {case.id: case.summary for case in cases}, dict[UUID, Place]()
    for case_id, reasons in reasons_of_cases(db, clinic_id, summaries):
        for reason in reasons:
            if reason["area"] and reason["words"] == summaries[case_id]:
                found.setdefault(case_id, Place(reason["area"], reason.get("symptom")))
    return found


def reasons_of_cases(
    db: Session, clinic_id: UUID, case_ids: Collection[UUID]
) -> list[tuple[UUID, list[dict[str, Any]]]]:
    """The reasons of every entry of these cases, by case, in the order in which the entries were added."""
    rows = db.execute(
        select(EscalationEntry.escalation_id, Assessment.reasons)
        .join(Escalation, OF_CASE)
        .join(Assessment, ASSESSED_OF_SAME_PATIENT)
        .where(EscalationEntry.clinic_id == clinic_id, EscalationEntry.escalation_id.in_(case_ids), is_newest())
        .order_by(EscalationEntry.added_at)
    )
    return [(row.escalation_id, row.reasons) for row in rows]


def asked_of(db: Session, clinic_id: UUID, patient_id: UUID, now: datetime) -> tuple[Protocol, list[str]]:
    """What a check-in asks of a patient: the clinic's protocol, and the areas, those treated last first."""
    visits = schedule.past_visits_of(db, clinic_id, patient_id, now)
    planned = [area for course in courses.courses_of(db, clinic_id, patient_id) for area in course.areas]
    treated = [area for visit in reversed(visits) for area in visit.areas] or planned or list(AREAS)
    return protocols.current(db, clinic_id), list(dict.fromkeys(treated))


def states_of(db: Session, clinic_id: UUID, patient_id: UUID, since: datetime) -> list[tuple[UUID, Care]]:
    """A patient's entries that came in since then, by id, and what became of each; the oldest first."""
    mine = (Reaction.clinic_id == clinic_id, Reaction.patient_id == patient_id, Reaction.received_at >= since)
    rows = db.scalars(select(Reaction).where(*mine).order_by(Reaction.received_at)).all()
    return list(cares_of(db, clinic_id, patient_id, rows).items())


def expectations_of(
    entry: Graded, visits: Sequence[Visit], levels: Sequence[ExpectedLevel], protocol: Protocol
) -> list[rules.Expectation]:
    """For everything that was noticed: what was told, and what protocol and nurses expect there at that time."""
    at, took_place = entry.reaction.noted_at, rules.as_visits(visits)
    own = rules.levels_at(levels, took_place, at)
    return [
        rules.Expectation(
            area, symptom, report[symptom], hours=course[0], window=course[1][symptom], level=own.get((area, symptom))
        )
        for area, report in entry.reaction.body["areas"].items()
        if (course := expected_course(area, at, took_place, protocol))
        for symptom in SYMPTOMS
        if report[symptom]
    ]


def bands_of(entry: Graded, earlier: Sequence[Graded], expectations: Sequence[rules.Expectation]) -> list[rules.Band]:
    """For each area the symptom that stands out most, over the course that is expected, with what was told before."""
    at, told = entry.reaction.noted_at, (*(one.reaction for one in earlier), entry.reaction)
    bands = []
    for one in rules.most_telling(expectations):
        since = at - timedelta(hours=one.hours)
        grades = {
            (row.noted_at - since).total_seconds() / 3600: row.body["areas"][one.area][one.symptom]
            for row in told
            if since <= row.noted_at <= at and one.area in row.body["areas"]
        }
        bands.append(rules.band(one, sorted(grades.items()), at))
    return bands


def charts_of(entries: Sequence[Graded], visits: Sequence[Visit]) -> list[rules.Chart]:
    """The entries as charts, one an area, with the sessions of that area."""
    noted = [
        rules.Noted(
            entry.reaction.noted_at,
            {
                area: {symptom: report[symptom] for symptom in SYMPTOMS}
                for area, report in entry.reaction.body["areas"].items()
            },
        )
        for entry in entries
    ]
    of_area: dict[str, list[datetime]] = {}
    for visit in visits:
        for area in visit.areas:
            of_area.setdefault(area, []).append(visit.starts_at)
    return rules.charts(noted, of_area)


def _graded(
    db: Session, clinic_id: UUID, patient_id: UUID, only: Collection[UUID] | None = None, limit: int | None = None
) -> list[Graded]:
    wanted = [Reaction.clinic_id == clinic_id, Reaction.patient_id == patient_id]
    if only is not None:
        wanted.append(Reaction.id.in_(only))
    rows = db.execute(_joined().where(*wanted).order_by(Reaction.noted_at.desc()).limit(limit))
    return [Graded(row.Reaction, row.Assessment) for row in rows]


def _joined() -> Select[Reaction, Assessment]:
    return select(Reaction, Assessment).join(
        Assessment,
        (Assessment.clinic_id == Reaction.clinic_id)
        & (Assessment.patient_id == Reaction.patient_id)
        & (Assessment.reaction_id == Reaction.id)
        & is_newest(),
    )
