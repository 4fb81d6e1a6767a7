"""The demonstration tells true stories: what is expected alarms nobody, what is not does."""

import pytest
from sqlalchemy import func, select

from companion import demo
from companion.accounts import queries as people
from companion.accounts.models import Person
from companion.clinic.models import Clinic
from companion.db import EVERY_CLINIC
from companion.errors import Misconfigured
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from companion.schedule import queries as schedule
from companion.schedule.jobs import release_due
from tests.people import NOW

pytestmark = pytest.mark.slow


def levels(rt: Runtime) -> dict[str, list[str]]:
    """Dispositions by patient, in order of time."""
    with rt.db.reading(EVERY_CLINIC) as db:
        rows = db.execute(
            select(Person.name, Assessment.disposition)
            .join(Reaction, (Reaction.clinic_id == Person.clinic_id) & (Reaction.patient_id == Person.id))
            .join(Assessment, (Assessment.clinic_id == Person.clinic_id) & (Assessment.reaction_id == Reaction.id))
            .order_by(Reaction.noted_at)
        ).all()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row.disposition)
    return found


def test_two_clinics_and_25_patients_in_all_stages(rt: Runtime) -> None:
    demo.add_demonstration(rt, NOW)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalar(select(func.count()).select_from(Clinic)) == 2
        assert db.scalar(select(func.count()).select_from(Person).where(Person.is_patient)) == 25
        assert set(db.scalars(select(Person.locale))) == {"en", "fr"}
    found = levels(rt)
    kinds = {"R": "clinic_routine", "D": "clinic_same_day", "U": "clinic_urgent_1h"}
    for story in demo.stories():
        told = found.get(story.name, [])
        assert len(told) == len(story.logs)
        if story.kind == "E":
            assert set(told) <= {"self_care"}, story.name
        else:
            assert told[-1] == kinds[story.kind], story.name


def test_somebody_has_drawn_a_line_and_somebody_is_due_for_a_late_check(rt: Runtime) -> None:
    demo.add_demonstration(rt, NOW)
    release_due(rt, NOW)
    with rt.db.reading(EVERY_CLINIC) as db:
        quinn = db.scalars(select(Person).where(Person.name == "Quinn Alder")).one()
        due = schedule.open_check_in(db, quinn.clinic_id, quinn.id, NOW)
        assert due is not None
        assert due.slot == "week_2"
        bodies = db.scalars(select(Reaction.body)).all()
    assert any(report["past_line"] for body in bodies for report in body["areas"].values())


def test_staff_can_be_invited_by_their_addresses(rt: Runtime) -> None:
    demo.add_demonstration(rt, NOW)
    with rt.db.reading(EVERY_CLINIC) as db:
        manager = people.person_by_email(db, "max.thorn@example.org")
        assert manager is not None
        assert manager.roles == ["manager"]
        assert all(db.scalars(select(Person.email).where(~Person.is_patient, Person.name != "Canary")))


def test_a_simulated_clinic_is_the_same_for_a_seed_and_pushes_few(rt: Runtime) -> None:
    steps: list[int] = []
    simulated = demo.simulate(rt, NOW, patients=200, seed=7, advance=lambda: steps.append(1))
    assert len(steps) == 200
    found = levels(rt)
    entries = [level for told in found.values() for level in told]
    pushed = sum(level in ("clinic_same_day", "clinic_urgent_1h", "emergency") for level in entries)
    assert 0 < pushed <= 0.1 * len(entries)
    assert (simulated.incidence, simulated.entries, simulated.pushes) == (0.04, len(entries), pushed)
    expected = {story.name for story in demo.simulated(200, 7) if story.kind == "E"}
    assert {level for name in expected for level in found.get(name, [])} == {"self_care"}


def test_the_demonstration_refuses_an_address_that_others_can_reach(rt: Runtime) -> None:
    config = rt.config.model_copy(update={"base_url": "https://clinic.example.org"})
    with pytest.raises(Misconfigured):
        demo.add_demonstration(Runtime(config, rt.secrets, rt.db, rt.clock), NOW)
