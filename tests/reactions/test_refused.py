"""An entry that the server cannot take is never a quiet one: somebody at the clinic is told to ask."""

from datetime import timedelta
from io import RawIOBase
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from gunicorn.http.errors import InvalidChunkSize, NoMoreData  # type: ignore[import-untyped] # it has no types
from sqlalchemy import select

from companion.accounts.models import Person
from companion.db import EVERY_CLINIC
from companion.escalation import actions
from companion.escalation import queries as escalation
from companion.escalation.models import Escalation
from companion.outbox.models import Message
from companion.reactions.models import Reaction
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.reactions.test_entries import FORM, count, entry, put
from tests.reactions.test_promises import SAME_DAY
from tests.signed_in import Browser, browser

EMERGENCY: dict[str, Any] = {"none": False, "signs": ["breathing_difficulty"], "not_sure": []}


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"feels": "maybe"}, 422),
        ({"noted_at": (NOW - timedelta(days=400)).isoformat()}, 422),
        ({"words": "x" * 70_000}, 413),
        ({"temperature_c": float("nan")}, 422),
    ],
)
def test_a_refused_entry_opens_a_case_that_says_to_call(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, changes: dict[str, Any], status: int
) -> None:
    entry_id = uuid4()
    for _ in range(2):
        assert put(ada, entry(**changes), entry_id).status_code == status
    with rt.db.reading(EVERY_CLINIC) as db:
        case = db.scalars(select(Escalation)).one()
        told = set(db.scalars(select(Message.recipient_id)))
    assert (case.level, case.patient_id) == ("clinic_urgent_1h", cast.ada)
    assert told == {cast.iris}
    iris = browser(app, rt, (cast.north, cast.iris))
    for path in ("/console/", f"/console/cases/{case.id}"):
        assert "could not be read: call the patient" in iris.get(path).data.decode()


def test_another_entry_under_the_same_id_is_kept_and_read_by_a_person(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser
) -> None:
    entry_id = uuid4()
    put(ada, entry(), entry_id)
    assert count(rt, Escalation) == 0
    for _ in range(2):
        assert put(ada, entry(words="Another one"), entry_id).status_code == 409
    assert (count(rt, Reaction), count(rt, Escalation), count(rt, Message)) == (2, 1, 1)
    iris = browser(app, rt, (cast.north, cast.iris))
    page = iris.get(f"/console/cases/{only_case(rt).id}").data.decode()
    assert "Two different check-ins came under one number" in page
    assert "Another one" in page


@pytest.mark.parametrize("becomes", ["open", "acknowledged", "resolved"])
def test_an_emergency_under_the_id_of_an_earlier_case_reaches_a_person_once(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser, becomes: str
) -> None:
    entry_id = uuid4()
    assert put(ada, entry(warnings=SAME_DAY), entry_id).json["disposition"] == "clinic_same_day"
    with rt.db.transaction(cast.north) as db:
        case = escalation.unresolved_case_of(db, cast.north, cast.ada)
        assert case is not None
        if becomes == "acknowledged":
            actions.acknowledge(db, case, person=db.get_one(Person, (cast.north, cast.iris)), now=clock.now)
        if becomes == "resolved":
            actions.resolve(db, case, person_id=cast.iris, outcome="reassured", note="Well.", now=clock.now)
    clock.now += timedelta(minutes=5)
    before = count(rt, Message)
    for _ in range(2):
        assert put(ada, entry(warnings=EMERGENCY, feels="now"), entry_id).status_code == 409
    with rt.db.reading(cast.north) as db:
        case = escalation.unresolved_case_of(db, cast.north, cast.ada)
    assert case is not None
    assert (case.level, case.state, case.opened_at == clock.now) == ("emergency", "open", becomes == "resolved")
    assert count(rt, Message) == before + 1  # the nurse on duty, once
    assert put(ada, entry(warnings=EMERGENCY, feels="today"), entry_id).status_code == 409
    assert count(rt, Reaction) == 3  # each that says something else is kept


@pytest.mark.parametrize("is_closed", [True, False])
def test_an_unreadable_entry_alarms_although_one_with_its_id_has_a_case(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser, *, is_closed: bool
) -> None:
    entry_id = uuid4()
    put(ada, entry(warnings=SAME_DAY), entry_id)
    if is_closed:
        with rt.db.transaction(cast.north) as db:
            case = escalation.unresolved_case_of(db, cast.north, cast.ada)
            assert case is not None
            actions.resolve(db, case, person_id=cast.iris, outcome="reassured", note="Well.", now=clock.now)
    for _ in range(2):
        assert put(ada, entry(feels="maybe"), entry_id).status_code == 422
        assert ada.put(f"/reactions/{entry_id}", data="{", content_type="application/json").status_code == 400
    with rt.db.reading(cast.north) as db:
        case = escalation.unresolved_case_of(db, cast.north, cast.ada)
    assert case is not None
    assert case.level == "clinic_urgent_1h"
    assert count(rt, Escalation) == (2 if is_closed else 1)


def test_an_entry_that_was_refused_and_is_then_right_joins_the_alarm(rt: Runtime, ada: Browser) -> None:
    entry_id = uuid4()
    assert put(ada, entry(feels="maybe"), entry_id).status_code == 422
    assert put(ada, entry(warnings=EMERGENCY), entry_id).status_code == 201
    assert only_case(rt).level == "emergency"


def test_a_form_changed_by_going_back_is_another_entry_and_an_emergency_in_it_shows_the_call_page(
    rt: Runtime, ada: Browser
) -> None:
    form = {**FORM, "id": str(uuid4()), "noted_at": NOW.isoformat()}
    assert ada.post("/reactions", data=form).location == f"/reactions/{form['id']}"
    changed = {**form, "face.pain": "1"}
    assert ada.post("/reactions", data=changed).location.startswith("/reactions/")
    assert count(rt, Escalation) == 0
    worse = {**form, "group": ["breathing"], "sign": ["breathing_difficulty"]}
    answers = [ada.post("/reactions", data=worse) for _ in range(2)]
    assert all(answer.location.startswith("/call/") for answer in answers)
    assert ada.get(answers[0].location).status_code == 200
    assert only_case(rt).level == "emergency"
    assert (count(rt, Reaction), count(rt, Message)) == (3, 1)


def test_an_emergency_sign_in_an_unfinished_form_shows_whom_to_call_and_tells_a_person(
    rt: Runtime, ada: Browser
) -> None:
    form = {"id": str(uuid4()), "noted_at": NOW.isoformat(), "group": ["breathing"]}
    for _ in range(2):
        answer = ada.post("/reactions", data=form)  # no area and no sign: which of the group it is, is not clear
        assert answer.status_code == 422
        page = answer.data.decode()
        assert page.index('href="tel:112"') < page.index("There is a problem")
    assert only_case(rt).level == "emergency"
    assert count(rt, Message) == 1
    assert ada.post("/reactions", data={**FORM, **form}).location == f"/call/{form['id']}"
    assert count(rt, Escalation) == 1


def test_an_unfinished_form_without_an_emergency_sign_bothers_nobody(rt: Runtime, ada: Browser) -> None:
    answer = ada.post("/reactions", data={"id": str(uuid4()), "sign": ["open_sore"], "feels": "today"})
    assert answer.status_code == 422
    page = answer.data.decode()
    assert 'href="tel:112"' not in page[: page.index("There is a problem")]
    assert count(rt, Escalation) == 0


def test_a_form_that_cannot_be_read_opens_a_case(rt: Runtime, ada: Browser) -> None:
    assert ada.post("/reactions", data={**FORM, "id": str(uuid4()), "words": "\ufffd"}).status_code == 400
    assert only_case(rt).level == "clinic_urgent_1h"


def only_case(rt: Runtime) -> Escalation:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(Escalation)).one()


@pytest.mark.parametrize(
    "changes",
    [{}, {"feels": "maybe"}, {"areas": {"face": {"pain": 4}}}, {"noted_at": "2020-01-01T00:00:00Z"}, {"new": 1}],
)
def test_an_entry_of_another_person_waits_for_them_whatever_is_in_it(
    rt: Runtime, ada: Browser, changes: dict[str, Any]
) -> None:
    answer = put(ada, entry(subject="subject-of-ben", **changes))
    assert (answer.status_code, answer.json["error"]) == (403, "other_person")  # the phone keeps it for Ben
    assert count(rt, Escalation) == 0


def test_an_entry_that_does_not_say_whose_it_is_counts_as_the_signed_in_person_s(rt: Runtime, ada: Browser) -> None:
    for subject in (None, 7, ["subject-of-ben"]):
        assert put(ada, entry(subject=subject)).status_code == 422
    assert count(rt, Escalation) == 1


class Body(RawIOBase):
    """What the web server gives on of a body that cannot be read to its end."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def readable(self) -> bool:
        """As the base class."""
        return True

    def readinto(self, _buffer: object) -> int:
        """Never anything."""
        raise self.fault


@pytest.mark.parametrize(
    ("fault", "status"), [(InvalidChunkSize(b"zz"), 400), (NoMoreData(), 408), (TimeoutError(), 408)], ids=repr
)
@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PUT", "/reactions/00000000-0000-4000-8000-000000000001", "application/json"),
        ("POST", "/reactions", "application/x-www-form-urlencoded"),
        ("POST", "/reactions", "multipart/form-data; boundary=b"),
        ("POST", "/push/subscriptions", "application/json"),
        ("POST", "/sign-in", "application/x-www-form-urlencoded"),
        ("POST", "/join", "application/x-www-form-urlencoded"),
        ("POST", "/language", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_without_an_end_is_no_fault_of_ours_and_an_entry_that_nobody_sends_again_alarms(
    rt: Runtime, ada: Browser, method: str, path: str, kind: str, fault: Exception, status: int
) -> None:
    sent = {"wsgi.input_terminated": True, "wsgi.input": Body(fault)}
    answer = ada.open(path, method=method, content_type=kind, environ_overrides=sent)
    assert answer.status_code == status
    is_sent_again = method == "PUT" and status == 408  # by the phone's queue; a form is not
    assert count(rt, Escalation) == ("reactions" in path and not is_sent_again)
