"""Ladders through their pages: changed, refused, and tried out."""

import pytest
from flask import Flask
from sqlalchemy import select

from companion.clinic import actions as clinic_actions
from companion.clinic.rules import Shift
from companion.policies.models import LevelPolicy
from companion.runtime import Runtime
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser

URL = "/console/policies/clinic_urgent_1h"


@pytest.fixture
def carla(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.carla))


def ladder(**changes: object) -> dict[str, object]:
    first = {"minutes-0": "0", "audience-0": "on_duty", "channel-0": ["push", "email"]}
    second = {"minutes-1": "5", "audience-1": "nurses", "channel-1": ["push"]}
    return {"version": "0", "repeat": "15", **first, **second, **changes}


def test_a_clinician_changes_a_ladder_and_the_page_shows_it(rt: Runtime, carla: Browser, cast: Cast) -> None:
    data = ladder(**{"minutes-2": "20", "audience-2": str(cast.noor), "channel-2": ["webhook"]})
    assert carla.post(URL, data=data).status_code == 303
    page = " ".join(carla.get("/console/policies").data.decode().split())
    assert "After 20 min: Noor" in page
    assert "Then everybody again, every 15 min" in page
    with rt.db.reading(cast.north) as db:
        own = db.scalars(select(LevelPolicy)).one()
    assert (own.version, own.changed_by, own.steps[2]["channels"]) == (1, cast.carla, ["webhook"])
    assert 'name="version" value="1"' in carla.get(URL).data.decode()
    stale = carla.post(URL, data=data)
    assert stale.status_code == 409
    assert "Somebody has changed this" in stale.data.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"audience-0": "", "audience-1": ""}, "at least one audience"),
        ({"audience-1": ""}, "at least two audiences"),
        ({"minutes-0": "1"}, "must be at 0 minutes"),
        ({"minutes-1": "0"}, "later than the one before"),
        ({"minutes-1": "61"}, "within 60 minutes"),
        ({"minutes-1": "soon"}, "whole minutes"),
        ({"channel-1": []}, "at least one way"),
        ({"audience-1": "patients"}, "Choose who"),
        ({"repeat": "1000"}, "from 5 to 60"),
    ],
)
def test_a_ladder_that_could_end_in_silence_comes_back_with_a_sentence(
    carla: Browser, changes: dict[str, object], sentence: str
) -> None:
    answer = carla.post(URL, data=ladder(**changes))
    assert answer.status_code == 422
    assert sentence in answer.data.decode()


def test_a_nurse_reads_the_ladders_and_does_not_change_them(app: Flask, rt: Runtime, cast: Cast) -> None:
    iris = browser(app, rt, (cast.north, cast.iris))
    assert iris.get("/console/policies").status_code == 200
    assert iris.get(URL).status_code == 404
    assert iris.post(URL, data=ladder()).status_code == 404


@pytest.mark.parametrize("level", ["clinic_routine", "self_care", "x"])
def test_a_level_without_a_ladder_has_no_page(carla: Browser, level: str) -> None:
    assert carla.get(f"/console/policies/{level}").status_code == 404


def test_the_page_says_whom_a_case_on_sunday_at_three_would_tell(rt: Runtime, carla: Browser, cast: Cast) -> None:
    page = carla.get("/console/policies").data.decode()
    assert "Sunday 29 November, 03:00, and nobody answers" in page
    first = page.split("nobody answers</h3>")[1].split("</li>")[0]
    assert "Noor" in first  # nobody is on the rota: everybody is told at once
    with rt.db.transaction(cast.north) as db:
        shift = Shift(cast.noor, 5, "18:00", "08:00")
        clinic_actions.add_shift(db, clinic_id=cast.north, shift=shift, actor_id=cast.max, now=NOW)
    page = carla.get("/console/policies").data.decode()
    first = page.split("nobody answers</h3>")[1].split("</li>")[0]
    assert "Noor" in first
    assert "Iris" not in first
    assert "no device" in first
    assert "text message (not set up)" in page


def test_a_same_day_case_at_night_waits_for_the_morning(carla: Browser) -> None:
    page = carla.get("/console/policies?level=clinic_same_day&date=2026-11-24&time=23:00").data.decode()
    assert "Wed 25 Nov, 09:00" in page.split("nobody answers</h3>")[1].split("</li>")[0]
    assert "this time does not exist" in carla.get("/console/policies?date=2027-03-28&time=02:30").data.decode()
