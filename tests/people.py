"""The cast: Ada and Ben, patients of two clinics; Iris and Noor, nurses; Carla, clinician; Max, manager; Mallory."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from sqlalchemy.orm import Session

from companion.accounts.models import Person
from companion.clinic.models import Clinic, Duty
from companion.course.models import Course
from companion.db import EVERY_CLINIC, Database
from companion.schedule.models import Visit

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday, 11:00 in Paris
_NAMES = UUID("6f1d3f0a-6f0e-4a39-9f0e-0c9a4c7b2d11")


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids of everybody. North is Ada's clinic, South is Ben's and Mallory's."""

    north: UUID
    south: UUID
    ada: UUID
    ben: UUID
    iris: UUID
    noor: UUID
    carla: UUID
    max: UUID
    mallory: UUID
    ada_course: UUID
    ada_visit: UUID


def id_of(name: str) -> UUID:
    """The same id for the same name, so that failures are readable."""
    return uuid5(_NAMES, name)


def add_cast(db: Database, *, now: datetime = NOW) -> Cast:
    """Two clinics, everybody in them, Iris on duty, and Ada's first face session the day before `now`."""
    names = ("north", "south", "ada", "ben", "iris", "noor", "carla", "max", "mallory", "ada_course", "ada_visit")
    cast = Cast(**{name: id_of(name) for name in names})
    with db.transaction(EVERY_CLINIC) as session:
        session.add_all([_clinic(cast.north, "North Clinic", now), _clinic(cast.south, "South Clinic", now)])
        session.flush()
        _add_people(session, cast, now)
        session.flush()
        session.add(Duty(clinic_id=cast.north, person_id=cast.iris, since_at=now))
        add_course(session, (cast.north, cast.ada), now=now - timedelta(days=1), ids=(cast.ada_course, cast.ada_visit))
    return cast


def _clinic(clinic_id: UUID, name: str, now: datetime) -> Clinic:
    weekdays = {str(day): ["09:00", "18:00"] for day in range(5)}
    return Clinic(
        id=clinic_id,
        name=name,
        zone="Europe/Paris",
        phone="+33 1 99 00 00 01",
        out_of_hours_phone="+33 1 99 00 00 02",
        emergency_number="112",
        opening=weekdays,
        is_demonstration=True,
        created_at=now,
    )


def _add_people(session: Session, cast: Cast, now: datetime) -> None:
    for clinic_id, person_id, name, roles in (
        (cast.north, cast.ada, "Ada", ["patient"]),
        (cast.south, cast.ben, "Ben", ["patient"]),
        (cast.north, cast.iris, "Iris", ["nurse"]),
        (cast.north, cast.noor, "Noor", ["nurse"]),
        (cast.north, cast.carla, "Carla", ["clinician"]),
        (cast.north, cast.max, "Max", ["manager"]),
        (cast.south, cast.mallory, "Mallory", ["nurse"]),
    ):
        is_staff = "patient" not in roles
        session.add(
            Person(
                clinic_id=clinic_id,
                id=person_id,
                name=name,
                roles=roles,
                email=f"{name.lower()}@clinic.example" if is_staff else None,
                password_hash=None,
                subject_key=f"subject-of-{name.lower()}",
                locale="en",
                created_at=now,
                deactivated_at=None,
            )
        )


def add_course(db: Session, patient: tuple[UUID, UUID], *, now: datetime, ids: tuple[UUID, UUID] | None = None) -> None:
    """Four sessions of the face for (clinic, patient), the first at `now`; `ids` are those of course and visit."""
    clinic_id, patient_id = patient
    course_id, visit_id = ids or (uuid4(), uuid4())
    plan = {"areas": ["face"], "agents": ["vitamins", "ha_noncrosslinked"], "technique": "manual_needle"}
    db.add(
        Course(
            clinic_id=clinic_id,
            id=course_id,
            patient_id=patient_id,
            indication="rejuvenation",
            planned_visits=4,
            interval_days=21,
            created_at=now - timedelta(days=7),
            ended_at=None,
            **plan,
        )
    )
    db.flush()
    db.add(
        Visit(
            clinic_id=clinic_id,
            id=visit_id,
            course_id=course_id,
            patient_id=patient_id,
            number=1,
            starts_at=now,
            state="done",
            has_topical_anaesthetic=True,
            version=1,
            **plan,
        )
    )
