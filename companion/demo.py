"""The demonstration: clinics and invented people out of `demo.toml`, and a large simulated clinic out of the same."""

import random
import tomllib
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.models import Person
from companion.clinic import actions as clinic
from companion.clinic import queries as clinics
from companion.clinic.models import Clinic
from companion.clinic.rules import Shift
from companion.config import Config
from companion.course import actions as course
from companion.course.forms import CourseForm
from companion.db import EVERY_CLINIC
from companion.errors import Misconfigured
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.escalation.rules import Numbers
from companion.languages import SOURCE
from companion.reactions import actions as reactions
from companion.reactions import queries as reaction_queries
from companion.reactions.forms import parse_entry
from companion.runtime import Runtime
from companion.schedule import actions as schedule
from companion.triage.observation import SYMPTOMS, Disposition

_FILE = Path(__file__).with_name("demo.toml")
_OPENING = {str(day): ["09:00", "18:00"] for day in range(6)}
_FIRST = ("Alma", "Bo", "Cleo", "Dov", "Edda", "Finn", "Gwen", "Hugo", "Ines", "Jory", "Kira", "Leif", "Mona", "Noa")
_LAST = ("Ash", "Birch", "Cove", "Dune", "Elm", "Fell", "Glen", "Heath", "Isle", "Juniper", "Knoll", "Lake", "Moor")
_BATCH = 25
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Log:
    """One entry: hours after the latest session, grades by area, and what else a patient gives."""

    hours: float
    areas: dict[str, dict[str, float]]
    signs: tuple[str, ...] = ()
    words: str = ""
    feels: str = "can_wait"
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A patient: the clinic's number, the case that is followed, plan, sessions as hours before now, entries."""

    clinic: int
    name: str
    case: str
    plan: CourseForm
    sessions: tuple[float, ...]
    logs: tuple[Log, ...]
    locale: str
    ending: str

    @property
    def kind(self) -> str:
        """The case's letter: E as expected, R routine, D same day, U urgent."""
        return self.case[0]


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
    """Two clinics, their staff, 25 patients in all stages; refuses any but a loopback address."""
    require_loopback(rt.config)
    with rt.db.transaction(EVERY_CLINIC) as db:
        own = [_add_clinic(db, one, now) for one in _content()["clinic"]]
        for number, story in enumerate(stories(), 1):
            patient = _tell(db, own[story.clinic], story, now)
            phone = _content()["clinic"][story.clinic]["patients_phone"] % number
            escalation.set_numbers(db, (patient.clinic_id, patient.id), Numbers(phone), now=now)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a simulation: the incidence of unusual reactions that was assumed, entries, and those that push."""

    incidence: float
    entries: int
    pushes: int


def simulate(
    rt: Runtime, now: datetime, *, patients: int, seed: int, advance: Callable[[], None] = lambda: None
) -> Simulated:
    """Fill the first clinic with `patients` simulated ones, the same for the same seed; says what came of it.

    Each follows one of the stories, a little faster or slower; the incidence and how serious it is stand in the file.
    """
    require_loopback(rt.config)
    with rt.db.transaction(EVERY_CLINIC) as db:
        own = _add_clinic(db, _content()["clinic"][0], now)
    told = simulated(patients, seed)
    for start in range(0, patients, _BATCH):
        with rt.db.transaction(EVERY_CLINIC) as db:
            for story in told[start : start + _BATCH]:
                _tell(db, own, story, now)
                advance()
    with rt.db.reading(EVERY_CLINIC) as db:
        levels = reaction_queries.count_by_level(db, own.id)
    pushes = sum(count for level, count in levels.items() if Disposition.of(level) >= Disposition.CLINIC_SAME_DAY)
    return Simulated(float(_content()["simulation"]["incidence"]), sum(levels.values()), pushes)


def simulated(patients: int, seed: int) -> list[Story]:
    """So many stories, drawn by the incidence in the file; the same for the same seed."""
    chance, chosen = _content()["simulation"], random.Random(seed)  # noqa: S311 - a simulation, no secret
    return list(_drawn(patients, chance, chosen))


def _drawn(patients: int, chance: dict[str, Any], chosen: random.Random) -> Iterator[Story]:
    by_kind: dict[str, list[Story]] = {}
    for story in stories():
        if story.logs:
            by_kind.setdefault(story.kind, []).append(story)
    for number in range(patients):
        is_unusual = chosen.random() < chance["incidence"]
        kind = chosen.choices(list(chance["shares"]), chance["shares"].values())[0] if is_unusual else "E"
        story = chosen.choice(by_kind[kind])
        # What is expected may only settle sooner, what is not may only last longer: so each keeps its meaning.
        pace = chosen.uniform(1.0, 1.08) if is_unusual else chosen.uniform(0.9, 1.0)
        logs = tuple(replace(log, hours=log.hours * pace) for log in story.logs)
        latest = logs[-1].hours + chosen.uniform(1, 240)
        shift = latest - min(story.sessions)
        name = f"{chosen.choice(_FIRST)} {chosen.choice(_LAST)} {number + 1}"
        sessions = tuple(hours + shift for hours in story.sessions)
        yield replace(story, clinic=0, name=name, locale=SOURCE, sessions=sessions, logs=logs, ending="")


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


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def stories() -> tuple[Story, ...]:
    """The patients of the demonstration, as the file tells them."""
    return tuple(_story(row, _content()["clinic"]) for row in _content()["patient"])


def _story(row: dict[str, Any], own: Sequence[dict[str, Any]]) -> Story:
    plan, number = row["plan"], row.get("clinic", 0)
    return Story(
        clinic=number,
        name=row["name"],
        case=row["case"],
        plan=CourseForm(
            plan["indication"],
            tuple(plan["areas"]),
            tuple(plan["agents"]),
            plan.get("technique", "manual_needle"),
            plan["visits"],
            plan["days"],
        ),
        sessions=tuple(row.get("sessions", ())),
        logs=tuple(_log(dict(log)) for log in row.get("logs", ())),
        locale=row.get("locale", own[number].get("locale", SOURCE)),
        ending=row.get("ending", ""),
    )


def _log(row: dict[str, Any]) -> Log:
    known = {"signs": (), "words": "", "feels": "can_wait", "temperature": None}
    at, given = row.pop("at"), {name: row.pop(name, default) for name, default in known.items()}
    return Log(at, row, **{**given, "signs": tuple(given["signs"])})


def _shown(db: Session) -> list[tuple[Person, str]]:
    own = [one for one in clinics.clinics(db) if one.is_demonstration and one.name == _content()["clinic"][0]["name"]]
    shown = []
    for one in own:
        shown += [(person, "patient") for person in people.patients(db, one.id)[:1]]
        for role in ("nurse", "clinician"):
            shown += [(person, role) for person in people.staff(db, one.id, role)[:1]]
    return shown


def _invite(db: Session, person: Person, now: datetime) -> str:
    return accounts.invite(db, person, now=now, lasts=timedelta(hours=12)).token


def _add_clinic(db: Session, about: dict[str, Any], now: datetime) -> Clinic:
    row = clinic.add_clinic(
        db,
        name=about["name"],
        zone=about["zone"],
        phone=about["phone"],
        out_of_hours_phone=about["night"],
        emergency_number=about["emergency"],
        opening=_OPENING,
        is_demonstration=True,
        now=now,
    )
    for index, (name, role) in enumerate(about["staff"]):
        locale = about.get("locale", SOURCE)
        email = f"{name.lower().replace(' ', '.')}@example.org"
        person = accounts.add_person(db, clinic_id=row.id, name=name, roles=[role], email=email, locale=locale, now=now)
        if index == 0:
            clinic.set_duty(db, clinic_id=row.id, person_id=person.id, is_on=True, now=now)
        _plan_duty(db, person, about["rota"], now)
    return row


def _plan_duty(db: Session, person: Person, rota: Sequence[Sequence[Any]], now: datetime) -> None:
    for name, days, starts, ends in rota:
        for day in days if name == person.name else ():
            shift = Shift(person.id, day, starts, ends)
            clinic.add_shift(db, clinic_id=person.clinic_id, shift=shift, actor_id=person.id, now=now)


def _tell(db: Session, own: Clinic, story: Story, now: datetime) -> Person:
    began = now - timedelta(hours=max(story.sessions, default=0) + 24)
    patient = accounts.add_person(
        db, clinic_id=own.id, name=story.name, roles=["patient"], locale=story.locale, now=began
    )
    row = course.create_course(db, clinic_id=own.id, patient_id=patient.id, form=story.plan, now=began)
    for number, hours in enumerate(story.sessions, 1):
        at = now - timedelta(hours=hours)
        schedule.plan_visit(db, row, number=number, starts_at=at, now=now, state="done")
    if len(story.sessions) < story.plan.planned_visits:
        latest = now - timedelta(hours=min(story.sessions, default=0))
        coming = max(latest + timedelta(days=story.plan.interval_days), now + timedelta(days=3))
        coming += timedelta(days=coming.weekday() == _SUNDAY)
        at = coming.replace(hour=10, minute=0, second=0, microsecond=0)
        schedule.plan_visit(db, row, number=len(story.sessions) + 1, starts_at=at, now=now)
    for log in story.logs:
        _send(db, patient, log, now - timedelta(hours=min(story.sessions) - log.hours))
    _end(db, patient, story.ending, now)
    return patient


def _send(db: Session, patient: Person, log: Log, at: datetime) -> None:
    body: dict[str, Any] = {
        "subject": patient.subject_key,
        "noted_at": at.isoformat(),
        "sent_at": at.isoformat(),
        "areas": {area: _report(dict(grades)) for area, grades in log.areas.items()},
        "temperature_c": log.temperature,
        "warnings": {"none": not log.signs, "signs": list(log.signs), "not_sure": []},
        "feels": log.feels,
        "words": log.words,
    }
    entry = parse_entry(body, subject=patient.subject_key, now=at)
    key = uuid.uuid5(patient.id, str(log.hours))
    reactions.submit(db, (patient.clinic_id, patient.id), key, entry, now=at)


def _report(grades: dict[str, float]) -> dict[str, Any]:
    measured = {"patch_cm": grades.pop("patch", None), "past_line": grades.pop("past_line", None)}
    return {**dict.fromkeys(SYMPTOMS, 0), **grades, **measured}


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
