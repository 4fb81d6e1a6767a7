"""Duty and opening hours through the real application."""

import pytest
from flask import Flask
from sqlalchemy import select

from companion.clinic import queries
from companion.outbox.models import Message
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser


@pytest.fixture
def max_(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.max))


@pytest.fixture
def iris(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.iris))


def swap(cast: Cast, **changes: str) -> dict[str, str]:
    start = {"from-date": "2026-11-23", "from-time": "18:00"}
    end = {"until-date": "2026-11-24", "until-time": "08:00"}
    return {"away": str(cast.iris), "instead": str(cast.noor), **start, **end, **changes}


def test_a_manager_starts_at_coverage_and_sees_no_clinical_page(max_: Browser, cast: Cast) -> None:
    assert max_.get("/").location == "/console/coverage"
    page = max_.get("/console/rota").data.decode()
    assert "/console/patients" not in page
    assert "Ada" not in page


def test_weekly_duty_is_added_and_removed(rt: Runtime, max_: Browser, clock: Clock, cast: Cast) -> None:
    data = {"person": str(cast.noor), "weekday": ["0", "1"], "starts": "20:00", "ends": "08:00"}
    assert max_.post("/console/rota/shifts", data=data).status_code == 303
    page = max_.get("/console/rota").data.decode()
    assert "Monday 20:00–08:00 (next day)" in page
    with rt.db.reading(cast.north) as db:
        shifts = queries.shifts(db, cast.north)
    assert [shift.weekday for shift in shifts] == [0, 1]
    assert max_.post(f"/console/rota/shifts/{shifts[0].id}/removal").status_code == 303
    assert "Monday 20:00" not in max_.get("/console/rota").data.decode()


def test_a_nurse_swaps_but_does_not_plan(rt: Runtime, iris: Browser, cast: Cast) -> None:
    assert iris.post("/console/rota/shifts", data={}).status_code == 404
    assert iris.post("/console/rota/changes", data=swap(cast)).status_code == 303
    with rt.db.reading(cast.north) as db:
        changes = queries.changes(db, cast.north, NOW)
        told = db.scalars(select(Message.recipient_id).where(Message.kind == "duty_changed")).all()
    assert {(change.person_id, change.is_on) for change in changes} == {(cast.iris, False), (cast.noor, True)}
    assert told == [cast.noor]  # who is put on duty by somebody else must know
    for change in changes:
        assert iris.post(f"/console/rota/changes/{change.id}/removal").status_code == 303


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"away": "", "instead": ""}, "Choose who is away"),
        ({"away": "x"}, "Choose who"),
        ({"until-date": "2026-11-22"}, "Choose an end after the start"),
        ({"until-date": "2027-11-24"}, "within three months"),
        ({"from-date": "2027-03-28", "from-time": "02:30", "until-date": "2027-03-29"}, "this time does not exist"),
        ({"from-time": "soon"}, "Enter a date and a time"),
    ],
)
def test_a_wrong_swap_comes_back_with_a_sentence(
    iris: Browser, cast: Cast, changes: dict[str, str], sentence: str
) -> None:
    answer = iris.post("/console/rota/changes", data=swap(cast, **changes))
    assert answer.status_code == 422
    assert sentence in answer.data.decode()


def test_a_gap_of_the_week_ahead_stands_out(max_: Browser, cast: Cast) -> None:
    data = {"person": str(cast.noor), "weekday": ["0", "1", "2", "3", "4", "5"], "starts": "08:00", "ends": "08:00"}
    max_.post("/console/rota/shifts", data=data)
    page = max_.get("/console/rota").data.decode()
    assert page.count('class="is-gap"') == 1
    assert "Sun 29 Nov, 08:00 – Mon 30 Nov, 08:00" in page


def test_hours_and_closed_days_are_kept(rt: Runtime, max_: Browser, cast: Cast) -> None:
    fields = {"day-0-opens": "10:00", "day-0-closes": "16:00", "date": ["2026-12-24", "2026-12-25", "2026-01-01"]}
    fields |= {"special-0-opens": "10:00", "special-0-closes": "12:00"}
    assert max_.post("/console/hours", data=fields).status_code == 303
    with rt.db.reading(cast.north) as db:
        opening = queries.clinic(db, cast.north).opening
    assert opening == {"0": ["10:00", "16:00"], "2026-12-24": ["10:00", "12:00"], "2026-12-25": []}
    page = max_.get("/console/hours").data.decode()
    assert 'value="2026-12-25"' in page
    fields = {"date": ["2026-12-24"], "special-0-remove": "1", "day-1-opens": "10:00", "day-1-closes": "09:00"}
    refused = max_.post("/console/hours", data=fields)
    assert refused.status_code == 422
    assert "the later one second" in refused.data.decode()
