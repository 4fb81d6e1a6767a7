"""The nurse's pages through the real application."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from companion.accounts.models import AuditEntry, Person
from companion.clinic import queries as clinic
from companion.course.models import Course
from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation.models import Escalation
from companion.operations.actions import beat
from companion.runtime import Runtime
from companion.schedule.models import PlanItem, Visit
from companion.triage.reader import load_shipped_protocol
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser

COURSE = {
    "indication": "hair",
    "areas": ["scalp"],
    "agents": ["vitamins"],
    "technique": "manual_needle",
    "planned_visits": "4",
    "interval_days": "21",
}


@pytest.fixture
def iris(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.iris))


@pytest.fixture
def noor(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.noor))


@pytest.fixture
def case_id(rt: Runtime, cast: Cast) -> UUID:
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level="clinic_urgent_1h",
            summary="White patch: possible blocked vessel",
            now=NOW,
        )
        return case.id


def state_of(rt: Runtime, case_id: UUID) -> str:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(Escalation.state).where(Escalation.id == case_id)).one()


def test_the_queue_shows_the_reason_and_the_time_left(iris: Browser, case_id: UUID, clock: Clock) -> None:
    clock.now += timedelta(minutes=20)
    for path in ("/console/", "/console/queue"):
        page = iris.get(path).data.decode().replace("\xa0", " ")
        assert "White patch: possible blocked vessel" in page
        assert "Waiting 20 min" in page
        assert "Answer due in 40 min" in page
    clock.now += timedelta(minutes=60)
    page = iris.get("/console/").data.decode().replace("\xa0", " ")
    assert "Waiting 1 h 20 min" in page
    assert "Answer is 20 min late" in page


def test_the_status_line_is_red_until_worker_and_device_are_there(rt: Runtime, iris: Browser, cast: Cast) -> None:
    assert "Alerts are not being sent" in iris.get("/console/").data.decode()
    with rt.db.transaction(EVERY_CLINIC) as db:
        beat(db, "dispatcher", now=NOW)
    assert "Nobody on duty has a device" in iris.get("/console/alerting").data.decode()


def test_what_nobody_took_leads_to_the_case_for_those_who_may_take_it(
    app: Flask, rt: Runtime, iris: Browser, cast: Cast, case_id: UUID
) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        beat(db, "dispatcher", now=NOW)
        case = db.scalars(select(Escalation).where(Escalation.id == case_id)).one()
        case.step = len(case.policy["steps"])
    page = iris.get("/console/alerting").data.decode()
    assert f'<a href="/console/cases/{case_id}">1 case has told everybody, and nobody has taken it. Take it' in page
    page = browser(app, rt, (cast.north, cast.max)).get("/console/alerting").data.decode()
    assert "Ask a nurse or clinician to take it now." in page
    assert "/console/cases" not in page


def test_opening_a_case_is_seen_and_taking_it_names_the_taker(
    rt: Runtime, iris: Browser, noor: Browser, case_id: UUID
) -> None:
    iris.see_case(case_id)
    assert iris.post(f"/console/cases/{case_id}/acknowledgement").status_code == 303
    second = noor.post(f"/console/cases/{case_id}/acknowledgement")
    assert second.status_code == 409
    assert "Iris has taken this case already." in second.data.decode()
    page = noor.get(f"/console/cases/{case_id}").data.decode()
    assert "Opened by Iris" in page
    assert "Taken by Iris" in page


UNSEEN = {"outcome": "reassured", "note": "\u200b\u200d\u2060\ufeff"}


def test_a_case_is_closed_with_outcome_and_note_only(rt: Runtime, iris: Browser, case_id: UUID) -> None:
    url, read = f"/console/cases/{case_id}/resolution", iris.read(f"/console/cases/{case_id}")
    for data in ({}, {"outcome": "reassured"}, {"outcome": "magic", "note": "Fine."}, {"note": "Fine."}, UNSEEN):
        answer = iris.post(url, data=data)
        assert answer.status_code == 422
        assert state_of(rt, case_id) == "open"
    assert iris.post(url, data={**read, "outcome": "reassured", "note": "Called. Fine."}).status_code == 303
    assert state_of(rt, case_id) == "resolved"
    assert iris.post(url, data={**read, "outcome": "reassured", "note": "Again."}).status_code == 409


def test_a_contact_is_recorded(iris: Browser, case_id: UUID) -> None:
    url, read = f"/console/cases/{case_id}/contacts", iris.read(f"/console/cases/{case_id}")
    assert iris.post(url, data={"how": "telepathy"}).status_code == 422
    assert iris.post(url, data={**read, "how": ["called", "no_answer"]}).status_code == 422
    assert iris.post(url, data={**read, "how": "called"}).status_code == 303
    assert "Contact by Iris" in iris.get(f"/console/cases/{case_id}").data.decode()


def test_duty_is_a_switch(rt: Runtime, noor: Browser, cast: Cast) -> None:
    for on, names in (("1", ["Iris", "Noor"]), ("0", ["Iris"]), ("0", ["Iris"])):
        assert noor.post("/console/duty", data={"on": on}).status_code == 303
        with rt.db.reading(cast.north) as db:
            assert [person.name for person in clinic.on_duty(db, cast.north, NOW)] == names


def enrolment(**changes: object) -> dict[str, object]:
    return {"id": str(uuid4()), "name": "  Zoe   Lark ", "locale": "en", **COURSE, **changes}


def test_a_nurse_enrols_a_patient_on_one_page_and_the_code_signs_the_phone_in(
    app: Flask, rt: Runtime, iris: Browser
) -> None:
    form = enrolment(date="2026-12-01", time="10:00")
    answer = iris.post("/console/patients", data=form)
    assert answer.status_code == 201
    page = answer.data.decode()
    assert "Zoe Lark" in page
    with rt.db.reading(EVERY_CLINIC) as db:
        patient = db.scalars(select(Person).where(Person.name == "Zoe Lark")).one()
        visit = db.scalars(select(Visit).where(Visit.patient_id == patient.id)).one()
        assert (str(patient.id), patient.locale) == (form["id"], "en")
        assert visit.starts_at.isoformat() == "2026-12-01T09:00:00+00:00"
        assert len(list(db.scalars(select(PlanItem.id).where(PlanItem.visit_id == visit.id)))) == 13
    phone = browser(app, rt)
    joined = phone.post("/join", data={"code": page.split('<p class="code">')[1].split("<")[0].lower()})
    assert (joined.status_code, joined.location) == (303, "/")
    assert "Hello Zoe Lark" in phone.get("/").data.decode()


def test_a_second_press_enrols_nobody_twice(rt: Runtime, iris: Browser) -> None:
    form = enrolment()
    assert iris.post("/console/patients", data=form).status_code == 201
    again = iris.post("/console/patients", data=form)
    assert (again.status_code, again.location) == (303, f"/console/patients/{form['id']}")
    with rt.db.reading(EVERY_CLINIC) as db:
        assert len(list(db.scalars(select(Person.id).where(Person.name == "Zoe Lark")))) == 1


def test_a_wrong_enrolment_names_every_fault_and_keeps_what_was_given(iris: Browser) -> None:
    answer = iris.post("/console/patients", data={"id": str(uuid4()), "name": "", "areas": ["scalp"], "locale": "xx"})
    page = answer.data.decode()
    assert answer.status_code == 422
    for anchor in ("name", "indication", "agents", "locale"):
        assert f'href="#{anchor}"' in page
    assert 'value="scalp" checked' in page


def test_a_course_and_a_session_are_added_later(rt: Runtime, iris: Browser, cast: Cast) -> None:
    patient_url = f"/console/patients/{cast.ada}"
    assert iris.post(f"{patient_url}/courses", data=COURSE).status_code == 303
    with rt.db.reading(EVERY_CLINIC) as db:
        course_id = db.scalars(select(Course.id).where(Course.indication == "hair")).one()
    added = iris.post(f"{patient_url}/courses/{course_id}/visits", data={"date": "2026-12-01", "time": "10:00"})
    assert added.status_code == 303
    assert "The session is added." in iris.get(added.location).data.decode()
    assert "Works once, until" in iris.post(f"{patient_url}/invitation").data.decode()


def test_a_course_that_is_sent_twice_is_one_until_its_first_session(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url, mine = f"/console/patients/{cast.ada}/courses", select(Course.id).where(Course.indication == "hair")
    for _press in range(2):
        assert iris.post(url, data=COURSE).status_code == 303
    with rt.db.reading(cast.north) as db:
        course_id = db.scalars(mine).one()
    iris.post(f"{url}/{course_id}/visits", data={"date": "2026-12-14", "time": "10:00"})
    for data in (COURSE, {**COURSE, "planned_visits": "5"}):
        assert iris.post(url, data=data).status_code == 303
    with rt.db.reading(cast.north) as db:
        assert len(db.scalars(mine).all()) == 3


def test_a_session_that_is_added_twice_at_one_time_is_one(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/patients/{cast.ada}/courses/{cast.ada_course}/visits"
    for hour in ("10:00", "10:00", "11:00"):
        assert iris.post(url, data={"date": "2026-12-14", "time": hour}).status_code == 303
    with rt.db.reading(cast.north) as db:
        planned = select(Visit.number).where(Visit.course_id == cast.ada_course, Visit.state == "planned")
        assert list(db.scalars(planned.order_by(Visit.starts_at))) == [2, 3]


def test_patients_are_found_by_a_part_of_the_name(iris: Browser, cast: Cast) -> None:
    for named, is_there in (("ad", True), ("%", False), ("nobody", False), ("", True)):
        page = iris.post("/console/patients/found", data={"named": named}).data.decode()
        assert (f"/console/patients/{cast.ada}" in page) is is_there, named
    assert "No patient has this name" in iris.post("/console/patients/found", data={"named": "%"}).data.decode()


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("/console/patients", {"name": ""}, "Enter the patient&#39;s name"),
        ("/console/patients", {"name": "x" * 101}, "Enter the patient&#39;s name"),
        ("/console/patients", {"name": "a\u202eb"}, "Enter the patient&#39;s name"),
        ("courses", {}, "Choose one"),
        ("visits", {"date": "soon", "time": ""}, "Enter a date and a time"),
        ("visits", {"date": "2027-03-28", "time": "02:30"}, "this time does not exist"),
        ("visits", {"date": "2026-10-25", "time": "02:30"}, "choose the first or the second time"),
    ],
)
def test_a_wrong_form_comes_back_with_a_sentence(
    iris: Browser, cast: Cast, path: str, data: dict[str, str], sentence: str
) -> None:
    url = {
        "courses": f"/console/patients/{cast.ada}/courses",
        "visits": f"/console/patients/{cast.ada}/courses/{cast.ada_course}/visits",
    }.get(path, path)
    answer = iris.post(url, data=data)
    assert answer.status_code == 422
    assert sentence in answer.data.decode()


def test_what_nurses_do_is_in_the_audit_trail(rt: Runtime, iris: Browser, cast: Cast, case_id: UUID) -> None:
    iris.post(f"/console/cases/{case_id}/acknowledgement")
    with rt.db.reading(cast.north) as db:
        rows = db.execute(select(AuditEntry.verb, AuditEntry.actor_id)).all()
    assert ("case.taken", cast.iris) in [(row.verb, row.actor_id) for row in rows]


def test_every_entry_of_the_protocol_can_be_read_up_with_its_source(iris: Browser) -> None:
    page = iris.get("/console/protocol").data.decode()
    protocol = load_shipped_protocol()
    assert "Example values, not approved." in page
    for entry in protocol.entries.values():
        assert f'id="{entry.id}"' in page
    for group in protocol.windows:
        assert f'id="window_{group}_swelling"' in page
    for key in protocol.sources:
        assert f'id="source-{key}"' in page
