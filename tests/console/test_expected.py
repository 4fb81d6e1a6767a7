"""A nurse expects more of one patient for some days: windows keep still, everything else alarms as before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from companion.course.models import Course
from companion.runtime import Runtime
from companion.schedule import actions as schedule
from companion.triage.observation import SYMPTOMS
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.reactions.test_entries import entry, put
from tests.signed_in import Browser, browser

FORM = {"area": "face", "symptom": "redness", "grade": "2", "days": "7", "reason": "Rosacea: settles slowly."}


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


Expect = Callable[..., Any]
Iris = Callable[[], Browser]


@pytest.fixture
def iris(app: Flask, rt: Runtime, cast: Cast) -> Iris:
    return lambda: browser(app, rt, (cast.north, cast.iris))  # signs in anew: hours may have passed


@pytest.fixture
def expect(iris: Iris, cast: Cast) -> Expect:
    def post(**changes: str) -> Any:
        return iris().post(f"/console/patients/{cast.ada}/expected-levels", data={**FORM, **changes})

    return post


def send(ada: Browser, clock: Clock, **grades: int) -> Any:
    at, report = clock.now.isoformat(), {**dict.fromkeys(SYMPTOMS, 0), **grades, "patch_cm": None}
    answer = put(ada, entry(areas={"face": report}, noted_at=at, sent_at=at))
    assert answer.status_code == 201
    return answer.json


def test_an_expected_level_quiets_its_window_until_it_ends(clock: Clock, ada: Browser, expect: Expect) -> None:
    clock.now += timedelta(days=2)  # 72 hours after the session: moderate redness is outside its window
    assert expect().status_code == 303
    assert send(ada, clock, redness=2)["disposition"] == "self_care"
    clock.now += timedelta(days=7)
    assert send(ada, clock, redness=2)["disposition"] != "self_care"


def test_each_fault_says_what_is_missing(expect: Expect) -> None:
    page = expect(area="", symptom="", grade="").data.decode()
    for sentence in ("Choose where", "Choose a symptom", "Choose up to which level"):
        assert sentence in page


def test_it_bears_on_its_symptom_and_grade_only(clock: Clock, ada: Browser, expect: Expect) -> None:
    clock.now += timedelta(days=2)
    assert expect().status_code == 303
    assert send(ada, clock, redness=3)["disposition"] == "clinic_same_day"


def test_the_nurse_reads_which_symptom_of_which_area_got_worse(
    clock: Clock, ada: Browser, expect: Expect, iris: Iris
) -> None:
    assert expect(symptom="pain", grade="3", days="9").status_code == 303
    clock.now += timedelta(days=2)
    send(ada, clock, pain=1)
    clock.now += timedelta(hours=20)
    assert send(ada, clock, pain=3)["disposition"] == "clinic_same_day"
    queue = iris().get("/console/").data.decode()
    assert "(Face: Pain or soreness)" in queue
    url = queue.split('<h2><a href="')[1].split('"')[0]
    page = iris().get(url).data.decode()
    assert "Worse by two grades or more since the last entry (Face: Pain or soreness)" in page


def test_what_was_noted_before_it_was_set_is_judged_without_it(clock: Clock, ada: Browser, expect: Expect) -> None:
    noted = NOW + timedelta(days=2)
    clock.now = noted + timedelta(hours=1)
    assert expect().status_code == 303
    report = {**dict.fromkeys(SYMPTOMS, 0), "redness": 2, "patch_cm": None}
    body = entry(areas={"face": report}, noted_at=noted.isoformat(), sent_at=clock.now.isoformat())
    assert put(ada, body).json["disposition"] == "clinic_routine"


def test_a_new_session_of_the_area_ends_it(rt: Runtime, cast: Cast, clock: Clock, ada: Browser, expect: Expect) -> None:
    assert expect(days="14").status_code == 303
    with rt.db.transaction(cast.north) as db:
        course = db.get_one(Course, (cast.north, cast.ada_course))
        schedule.plan_visit(db, course, number=2, starts_at=NOW + timedelta(days=1), now=NOW, state="done")
    clock.now += timedelta(days=1, hours=60)
    assert send(ada, clock, redness=2)["disposition"] == "clinic_routine"


def test_everybody_reads_it_patient_included_and_a_nurse_can_end_it(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock, ada: Browser, expect: Expect
) -> None:
    clock.now += timedelta(days=2)
    assert expect().status_code == 303
    result = send(ada, clock, redness=3)["url"]
    iris = browser(app, rt, (cast.north, cast.iris))
    case = iris.get("/console/").data.decode().split('href="/console/cases/')[1].split('"')[0]
    pages = [f"/console/patients/{cast.ada}", f"/console/patients/{cast.ada}/expected-levels", f"/console/cases/{case}"]
    for page in pages:
        assert "Rosacea: settles slowly." in iris.get(page).data.decode()
    assert "for you, until" in ada.get(result).data.decode()
    page = iris.get(pages[1]).data.decode()
    end = page.split(f'action="/console/patients/{cast.ada}/expected-levels/')[1].split('"')[0]
    assert iris.post(f"/console/patients/{cast.ada}/expected-levels/{end}").status_code == 303
    assert "Only the protocol counts" in iris.get(pages[1]).data.decode()
    assert iris.post(f"/console/patients/{cast.ada}/expected-levels/{end}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("days", "15"),
        ("days", "0"),
        ("days", "1e1"),
        ("grade", "4"),
        ("area", "moon"),
        ("symptom", ""),
        ("reason", "x"),
    ],
)
def test_what_cannot_be_expected_is_refused_with_a_sentence(expect: Expect, field: str, value: str) -> None:
    answer = expect(**{field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.data.decode()
