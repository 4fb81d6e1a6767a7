"""A demonstration clinic with invented people; their entries follow cases of the case file."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.models import Person
from companion.clinic import actions as clinic
from companion.clinic import queries as clinics
from companion.clinic.models import Clinic
from companion.config import Config
from companion.course import actions as course
from companion.course.forms import CourseForm
from companion.db import EVERY_CLINIC
from companion.errors import Misconfigured
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.reactions import actions as reactions
from companion.reactions.forms import parse_entry
from companion.runtime import Runtime
from companion.schedule import actions as schedule
from companion.triage.observation import SYMPTOMS

# Numbers that no one can be reached by: ranges that the regulator keeps for fiction.
_CLINICS = (
    ("Riverside Skin Clinic", "+44 1632 960 001", "+44 1632 960 002"),
    ("Hillside Skin Clinic", "+44 1632 960 011", "+44 1632 960 012"),
)
_OPENING = {str(day): ["09:00", "18:00"] for day in range(6)}


@dataclass(frozen=True, slots=True)
class Log:
    """One entry: hours after the latest session, one area's grades, signs, words."""

    hours: float
    area: str
    grades: dict[str, int]
    signs: tuple[str, ...] = ()
    words: str = ""
    feels: str = "can_wait"


@dataclass(frozen=True, slots=True)
class Story:
    """A patient: clinic, name, plan, sessions as hours before now, entries. `case` names the case file's course."""

    clinic: int
    name: str
    case: str
    plan: CourseForm
    sessions: tuple[float, ...]
    logs: tuple[Log, ...] = ()
    ending: str = ""


def _plan(indication: str, area: str, *agents: str, visits: int = 4, days: int = 21) -> CourseForm:
    return CourseForm(indication, (area,), agents, "manual_needle", visits, days)


STORIES = (
    Story(
        0, "Ada Winter", "E02", _plan("rejuvenation", "face", "ha_noncrosslinked", "vitamins"), (530, 26),
        (Log(6, "face", {"redness": 2, "pain": 1, "bumps": 1}), Log(20, "face", {"redness": 1})),
    ),
    Story(
        0, "Clara Moss", "U02", _plan("rejuvenation", "face", "vitamins", "ha_filler_crosslinked"), (20.5,),
        (Log(3, "face", {"redness": 1, "swelling": 1}),
         Log(20, "face", {"pain": 1, "bruising": 1}, ("skin_mottled_or_dusky",), "Like purple lace", "today")),
    ),
    Story(
        0, "Dario Finch", "D06", _plan("hair", "scalp", "dutasteride", visits=6, days=28), (800, 130),
        (Log(24, "scalp", {"pain": 1}), Log(90, "scalp", {"swelling": 3}, (), "It got thicker again")), "resolved",
    ),
    Story(
        0, "Elif Stone", "E07", _plan("fat", "submental", "deoxycholate", visits=3, days=42), (74,),
        (Log(24, "submental", {"swelling": 3, "pain": 2, "numbness": 2, "bruising": 1, "redness": 1}),
         Log(72, "submental", {"swelling": 3, "pain": 1, "numbness": 2, "bruising": 1})),
    ),
    Story(
        0, "Femi Brook", "D03", _plan("cellulite", "abdomen", "vitamins", "enzymes", visits=6, days=14), (845,),
        (Log(840, "abdomen", {"bumps": 2, "pain": 1}, ("new_lumps_painful_or_red",), "Sore purple lumps in a line"),),
        "taken",
    ),
    Story(
        1, "Ben Castor", "R04", _plan("rejuvenation", "neck", "vitamins", "amino_acids"), (122,),
        (Log(30, "neck", {"itch": 1}), Log(120, "neck", {"itch": 2})),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A one-use way in."""

    who: str
    url: str


def is_empty(rt: Runtime) -> bool:
    """Whether there is no clinic yet."""
    with rt.db.reading(EVERY_CLINIC) as db:
        return not clinics.clinics(db)


def add_demonstration(rt: Runtime, now: datetime) -> None:
    """Two clinics, staff, six patients in different stages; refuses any but a loopback address."""
    require_loopback(rt.config)
    with rt.db.transaction(EVERY_CLINIC) as db:
        own = [_add_clinic(db, number, now) for number in range(len(_CLINICS))]
        for story in STORIES:
            _tell(db, rt, own[story.clinic], story, now)


def links(rt: Runtime, now: datetime) -> list[Link]:
    """Fresh one-use links for a patient, a nurse and a clinician of the demonstration."""
    require_loopback(rt.config)
    with rt.db.transaction(EVERY_CLINIC) as db:
        return [
            Link(f"{person.name}, {role}", f"{rt.config.base_url}/join#{_invite(db, person, now)}")
            for person, role in _shown(db)
        ]


def require_loopback(config: Config) -> None:
    """Misconfigured unless only this machine can reach the product."""
    if not config.is_loopback or config.host not in ("127.0.0.1", "::1", "localhost"):
        raise Misconfigured("The demonstration runs on a loopback address only: unset COMPANION_BASE_URL and _HOST.")


def _shown(db: Session) -> list[tuple[Person, str]]:
    own = [one for one in clinics.clinics(db) if one.is_demonstration and one.name == _CLINICS[0][0]]
    shown = []
    for one in own:
        shown += [(person, "patient") for person in people.patients(db, one.id)[:1]]
        for role in ("nurse", "clinician"):
            shown += [(person, role) for person in people.staff(db, one.id, role)[:1]]
    return shown


def _invite(db: Session, person: Person, now: datetime) -> str:
    return accounts.invite(db, person, now=now, lasts=timedelta(hours=12)).token


def _add_clinic(db: Session, number: int, now: datetime) -> Clinic:
    name, phone, night = _CLINICS[number]
    row = clinic.add_clinic(
        db,
        name=name,
        zone="Europe/London",
        phone=phone,
        out_of_hours_phone=night,
        emergency_number="999",
        opening=_OPENING,
        is_demonstration=True,
        now=now,
    )
    staff = (("Iris Vale", "nurse"), ("Noor Hale", "nurse"), ("Carla Reed", "clinician"), ("Max Thorn", "manager"))
    for index, (person_name, role) in enumerate(staff if number == 0 else (("Olga Fern", "nurse"),)):
        person = accounts.add_person(db, clinic_id=row.id, name=person_name, roles=[role], now=now)
        if index == 0:
            clinic.set_duty(db, clinic_id=row.id, person_id=person.id, is_on=True, now=now)
    return row


def _tell(db: Session, rt: Runtime, own: Clinic, story: Story, now: datetime) -> None:
    began = now - timedelta(hours=max(story.sessions) + 24)
    patient = accounts.add_person(db, clinic_id=own.id, name=story.name, roles=["patient"], now=began)
    row = course.create_course(db, clinic_id=own.id, patient_id=patient.id, form=story.plan, now=began)
    for number, hours in enumerate(story.sessions, 1):
        at = now - timedelta(hours=hours)
        schedule.plan_visit(db, row, number=number, starts_at=at, now=now, state="done")
    if len(story.sessions) < story.plan.planned_visits:
        latest = now - timedelta(hours=min(story.sessions))
        coming = max(latest + timedelta(days=story.plan.interval_days), now + timedelta(days=3))
        schedule.plan_visit(
            db,
            row,
            number=len(story.sessions) + 1,
            starts_at=coming.replace(hour=10, minute=0, second=0, microsecond=0),
            now=now,
        )
    for log in story.logs:
        _send(db, rt, patient, log, now - timedelta(hours=min(story.sessions) - log.hours))
    _end(db, patient, story.ending, now)


def _send(db: Session, rt: Runtime, patient: Person, log: Log, at: datetime) -> None:
    body: dict[str, Any] = {
        "subject": patient.subject_key,
        "noted_at": at.isoformat(),
        "sent_at": at.isoformat(),
        "areas": {log.area: {**dict.fromkeys(SYMPTOMS, 0), **log.grades, "patch_cm": None}},
        "temperature_c": None,
        "warnings": {"none": not log.signs, "signs": list(log.signs), "not_sure": []},
        "feels": log.feels,
        "words": log.words,
    }
    entry = parse_entry(body, subject=patient.subject_key, now=at)
    key = uuid.uuid5(patient.id, str(log.hours))
    reactions.submit(db, (patient.clinic_id, patient.id), key, entry, protocol=rt.protocol, now=at)


def _end(db: Session, patient: Person, ending: str, now: datetime) -> None:
    case = cases.unresolved_case_of(db, patient.clinic_id, patient.id)
    if not ending or case is None:
        return
    nurse = people.staff(db, patient.clinic_id, "nurse")[-1]
    then = case.opened_at + timedelta(minutes=12)
    escalation.note_seen(db, case, person_id=nurse.id, now=then)
    escalation.acknowledge(db, case, person=nurse, now=then)
    escalation.contact(db, case, person_id=nurse.id, how="called", now=then + timedelta(minutes=6))
    if ending == "resolved":
        note = "Seen at the clinic. Settling."
        done = min(then + timedelta(hours=3), now)
        escalation.resolve(db, case, person_id=nurse.id, outcome="seen_in_clinic", note=note, now=done)
