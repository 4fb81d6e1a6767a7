"""One id, two patients of one clinic: phones mint ids, and ids lie open on a shared phone. Nothing may mix."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, select

from companion.accounts import actions as accounts
from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation, EscalationEntry
from companion.figures import queries as figures
from companion.operations import queries as operations
from companion.reactions import queries
from companion.runtime import Runtime
from companion.triage.observation import SYMPTOMS
from tests.conftest import Clock
from tests.people import Cast, add_course
from tests.reactions.test_entries import URGENT, entry, put
from tests.reactions.test_states import states
from tests.signed_in import Browser, browser

SORE = {"face": {**dict.fromkeys(SYMPTOMS, 0), "pain": 4, "patch_cm": None}}


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


@pytest.fixture
def eve_id(rt: Runtime, cast: Cast, clock: Clock) -> UUID:
    """Another patient of Ada's clinic."""
    with rt.db.transaction(cast.north) as db:
        eve = accounts.add_person(db, clinic_id=cast.north, name="Eve", roles=["patient"], now=clock.now)
        db.flush()
        eve.subject_key = "subject-of-eve"
        add_course(db, (cast.north, eve.id), now=clock.now - timedelta(days=1))
        return eve.id


@pytest.fixture
def eve(app: Flask, rt: Runtime, cast: Cast, eve_id: UUID) -> Browser:
    return browser(app, rt, (cast.north, eve_id))


def case_of(rt: Runtime, patient_id: UUID) -> Escalation:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(Escalation).where(Escalation.patient_id == patient_id)).one()


def test_a_case_opened_for_one_patient_is_not_seen_for_the_other(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, eve: Browser, eve_id: UUID
) -> None:
    shared = uuid4()
    put(ada, entry(warnings=URGENT), shared)
    put(eve, entry(subject="subject-of-eve", areas=SORE), shared)
    iris = browser(app, rt, (cast.north, cast.iris))
    iris.see_case(case_of(rt, eve_id).id)
    assert states(ada)[shared]["seen_by"] is None
    assert states(eve)[shared]["seen_by"] == "Iris"
    assert "Iris" not in ada.get(f"/reactions/{shared}").data.decode()
    assert "Iris" in eve.get(f"/reactions/{shared}").data.decode()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_mild_entry_has_no_case_whatever_another_patient_sent_under_its_id(
    rt: Runtime, cast: Cast, ada: Browser, eve: Browser, eve_id: UUID, *, is_first: bool
) -> None:
    shared = uuid4()
    sends = [
        lambda: put(ada, entry(warnings=URGENT), shared),
        lambda: put(eve, entry(subject="subject-of-eve"), shared),
    ]
    for send in sends if is_first else reversed(sends):
        assert send().status_code == 201
    with rt.db.reading(cast.north) as db:
        mine, hers = (queries.graded(db, cast.north, who, shared).reaction for who in (cast.ada, eve_id))
        assert queries.care_of(db, mine).is_open
        assert queries.care_of(db, hers).case is None


def test_an_unreadable_entry_alarms_although_another_patients_case_has_its_id(
    rt: Runtime, ada: Browser, eve: Browser, eve_id: UUID
) -> None:
    shared = uuid4()
    put(ada, entry(warnings=URGENT), shared)
    assert put(eve, entry(subject="subject-of-eve", feels="maybe"), shared).status_code == 422
    assert case_of(rt, eve_id).level == "clinic_urgent_1h"


def test_places_figures_and_last_entries_are_each_patients_own(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser, eve: Browser, eve_id: UUID
) -> None:
    shared = uuid4()
    put(eve, entry(subject="subject-of-eve", areas=SORE), shared)
    put(ada, entry(warnings=URGENT), shared)
    clock.now += timedelta(hours=1)
    put(eve, entry(subject="subject-of-eve", noted_at=clock.now.isoformat(), sent_at=clock.now.isoformat()))
    adas, eves = case_of(rt, cast.ada), case_of(rt, eve_id)
    with rt.db.reading(cast.north) as db:
        rules = {
            case_id: reasons[0]["rule"] for case_id, reasons in queries.reasons_of_cases(db, cast.north, [adas.id])
        }
        assert rules == {adas.id: "sign_skin_white_patch"}
        assert set(queries.places_of(db, cast.north, [adas, eves])) == {eves.id}
        last = queries.latest(db, cast.north, [cast.ada, eve_id])
        made = figures.figures_since(db, [cast.north], clock.now - timedelta(days=1), clock.now)
    assert last[cast.ada].reaction.patient_id == cast.ada
    assert (last[eve_id].reaction.patient_id, last[eve_id].reaction.id == shared) == (eve_id, False)
    assert made.entries == 3


def test_an_entry_without_its_case_is_missed_although_another_patients_has_its_id(
    rt: Runtime, clock: Clock, ada: Browser, eve: Browser, eve_id: UUID
) -> None:
    shared = uuid4()
    put(ada, entry(warnings=URGENT), shared)
    put(eve, entry(subject="subject-of-eve", areas=SORE), shared)
    with rt.db.transaction(EVERY_CLINIC) as db:
        assert operations.mismatches(db, clock.now)["unusual_without_case"] == 0
        db.execute(delete(EscalationEntry).where(EscalationEntry.escalation_id == case_of(rt, eve_id).id))
        assert operations.mismatches(db, clock.now)["unusual_without_case"] == 1
