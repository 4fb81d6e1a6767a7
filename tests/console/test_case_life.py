"""A case through its pages: handing over, putting off, closing as noise, opening again, whom else to call."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation import jobs
from companion.escalation.models import Escalation
from companion.operations.actions import beat
from companion.outbox.models import Message
from companion.push import actions as push
from companion.push.forms import SubscriptionForm
from companion.runtime import Runtime
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser


@pytest.fixture
def iris(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.iris))


def open_case(rt: Runtime, cast: Cast, level: str = "clinic_same_day") -> UUID:
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level=level,
            summary="White patch",
            now=NOW,
        )
        return case.id


def case_of(rt: Runtime, case_id: UUID) -> Escalation:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(Escalation).where(Escalation.id == case_id)).one()


def test_a_case_is_handed_to_a_colleague_by_name(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    for stranger in ("", "x", str(cast.iris), str(cast.mallory), str(cast.max), str(cast.ada)):
        assert iris.post(f"{url}/colleague", data={"colleague": stranger}).status_code == 422
    assert iris.post(f"{url}/colleague", data={"colleague": str(cast.noor)}).status_code == 303
    page = iris.get(url).data.decode()
    assert "Taken by Noor" in page
    assert "Handed over by Iris to Noor" in " ".join(page.split())
    with rt.db.reading(cast.north) as db:
        told = db.scalars(select(Message.recipient_id).where(Message.kind == "case_handed")).all()
    assert told == [cast.noor]


def test_who_has_no_device_is_said_before_a_case_is_handed_over(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    page = iris.get(url).data.decode()
    assert "Noor (no device for alerts)</option>" in page
    assert "Without a device nothing tells them: call them." in page
    with rt.db.transaction(cast.north) as db:
        for number, person in enumerate((cast.noor, cast.carla)):
            keys = {"p256dh": "p", "auth": "a"}
            form = SubscriptionForm.model_validate({"endpoint": f"https://push/{number}", "keys": keys, "key": "k"})
            push.subscribe(db, clinic_id=cast.north, person_id=person, form=form, now=NOW)
    page = iris.get(url).data.decode()
    assert "Noor</option>" in page
    assert "An alert goes to their device at once." in page
    assert "Without a device" not in page


def test_the_next_step_of_a_case_stands_before_its_entries(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    page = iris.get(url).data.decode()
    assert page.index("I take it") < page.index("Answer promised by") < page.index("Reach the patient")
    iris.post(f"{url}/acknowledgement")
    page = iris.get(url).data.decode()
    assert "I take it" not in page
    assert page.index("Reach the patient") < page.index("Answer promised by") < page.index("What did you do?")
    assert page.count("Reach the patient") == 1


def test_a_case_is_put_off_with_a_reason_and_says_until_when(rt: Runtime, iris: Browser, cast: Cast) -> None:
    case_id = open_case(rt, cast)
    url = f"/console/cases/{case_id}/rest"
    for data in ({}, {"minutes": "60"}, {"minutes": "5", "reason": "planned_call"}, {"reason": "planned_call"}):
        assert iris.post(url, data=data).status_code == 422
    assert iris.post(url, data={"minutes": "60", "reason": "planned_call"}).status_code == 303
    assert "Put off until Monday 23 November, 12:00" in iris.get("/console/queue").data.decode()
    assert "A call is planned" in iris.get(f"/console/cases/{case_id}").data.decode()


def test_an_urgent_case_offers_no_rest(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/cases/{open_case(rt, cast, 'clinic_urgent_1h')}"
    assert "/rest" not in iris.get(url).data.decode()
    assert iris.post(f"{url}/rest", data={"minutes": "60", "reason": "planned_call"}).status_code == 422


def test_what_was_no_use_says_why(rt: Runtime, iris: Browser, cast: Cast) -> None:
    case_id = open_case(rt, cast)
    read = iris.read(f"/console/cases/{case_id}")
    data = {**read, "outcome": "not_actionable", "note": "Expected at this time."}
    refused = iris.post(f"/console/cases/{case_id}/resolution", data=data)
    assert refused.status_code == 422
    assert "Choose why the alert was not useful" in refused.data.decode()
    data["noise_reason"] = "expected_course"
    assert iris.post(f"/console/cases/{case_id}/resolution", data=data).status_code == 303
    assert case_of(rt, case_id).noise_reason == "expected_course"


@pytest.mark.parametrize("came", ["another entry", "a higher level"])
@pytest.mark.parametrize(
    ("act", "fields"),
    [("resolution", {"outcome": "reassured", "note": "Called, all is well."}), ("contacts", {"how": "called"})],
)
def test_what_came_after_the_nurse_looked_is_not_done_with_the_rest(
    rt: Runtime, iris: Browser, cast: Cast, act: str, fields: dict[str, str], came: str
) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    read = iris.read(url)
    open_case(rt, cast, "clinic_same_day" if came == "another entry" else "emergency")
    for stale in (read, {}):
        refused = iris.post(f"{url}/{act}", data={**stale, **fields})
        assert refused.status_code == 409
        assert "Something new came meanwhile" in refused.text
    assert case_of(rt, UUID(url[-36:])).state == "open"
    assert iris.post(f"{url}/{act}", data={**iris.read(url), **fields}).status_code == 303


def test_a_closed_case_is_opened_again_with_a_reason(rt: Runtime, iris: Browser, cast: Cast) -> None:
    case_id = open_case(rt, cast)
    url = f"/console/cases/{case_id}"
    read = iris.read(url)
    iris.post(f"{url}/resolution", data={**read, "outcome": "reassured", "note": "Fine."})
    assert "closed already" in iris.post(f"{url}/contacts", data={**read, "how": "called"}).text
    assert iris.post(f"{url}/reopening", data={"why": ""}).status_code == 422
    assert iris.post(f"{url}/reopening", data={"why": "The lab called back"}).status_code == 303
    assert case_of(rt, case_id).taken_by == cast.iris
    assert "Opened again by Iris: The lab called back" in " ".join(iris.get(url).data.decode().split())
    assert iris.post(f"{url}/reopening", data={"why": "Again"}).status_code == 409


def test_after_two_calls_without_an_answer_the_emergency_contact_appears(
    rt: Runtime, iris: Browser, cast: Cast
) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    numbers = {"phone": "+44 1632 960 011", "other_name": "Bea", "other_phone": "+44 1632 960 012"}
    assert iris.post(f"/console/patients/{cast.ada}/numbers", data=numbers).status_code == 303
    for _ in range(2):
        page = iris.get(url).data.decode()
        assert 'href="tel:+441632960011"' in page
        assert "+44 1632 960 012" not in page
        iris.post(f"{url}/contacts", data={"how": "no_answer"})
    assert 'href="tel:+441632960012"' in iris.get(url).data.decode()


def test_without_an_emergency_contact_the_page_says_so(rt: Runtime, iris: Browser, cast: Cast) -> None:
    url = f"/console/cases/{open_case(rt, cast)}"
    for _ in range(2):
        iris.post(f"{url}/contacts", data={"how": "no_answer"})
    assert "no emergency contact is noted" in iris.get(url).data.decode()


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ({"phone": "call me"}, "phone"),
        ({"other_phone": "12"}, "other_phone"),
        ({"other_name": "Bea"}, "other_phone"),
        ({"other_name": "x" * 101, "other_phone": "+44 1632 960 012"}, "other_name"),
    ],
)
def test_a_wrong_number_comes_back_with_a_sentence(
    iris: Browser, cast: Cast, numbers: dict[str, str], field: str
) -> None:
    empty = {"phone": "", "other_name": "", "other_phone": ""}
    answer = iris.post(f"/console/patients/{cast.ada}/numbers", data=empty | numbers)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.data.decode()


def test_the_board_is_red_while_everybody_was_told_and_nobody_came(rt: Runtime, iris: Browser, cast: Cast) -> None:
    case_id = open_case(rt, cast, "emergency")
    with rt.db.transaction(EVERY_CLINIC) as db:
        beat(db, "dispatcher", now=NOW)
    told = "has told everybody, and nobody has taken it"
    assert told not in iris.get("/console/alerting").data.decode()
    for later in (10, 20):
        jobs.step_due(rt, NOW + timedelta(minutes=later))
    for path in ("/console/alerting", "/console/", "/console/rota"):
        page = iris.get(path).data.decode()
        assert told in page
        assert 'data-state="bad"' in page
    iris.post(f"/console/cases/{case_id}/acknowledgement")
    assert told not in iris.get("/console/alerting").data.decode()
