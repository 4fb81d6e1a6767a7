"""What a phone keeps of its person for the time without a network."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from companion.clinic.models import Clinic
from companion.db import EVERY_CLINIC
from companion.runtime import Runtime
from companion.schedule import queries as schedule
from companion.schedule.rules import Advice, advice_in_force
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser

DAY = timedelta(days=1)
EVERY = (
    Advice("sun", "Out of the sun", 14 * DAY, frozenset(), "leaflets"),
    Advice("hair", "No hair wash", DAY, frozenset({"scalp"}), "leaflets"),
    Advice("alcohol", "No alcohol", DAY, frozenset(), "leaflets"),
)


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def in_force(now: datetime, *areas: str) -> list[str]:
    return [one.id for one, _end in advice_in_force(EVERY, session_at=NOW, areas=areas, now=now)]


def test_advice_holds_for_its_time_and_its_areas_the_first_to_end_first() -> None:
    assert in_force(NOW, "face") == ["alcohol", "sun"]
    assert in_force(NOW, "face", "scalp") == ["hair", "alcohol", "sun"]
    assert in_force(NOW + DAY, "scalp") == ["sun"]
    assert in_force(NOW + 14 * DAY, "face") == in_force(NOW - DAY, "face") == []


def test_every_shipped_advice_has_words_an_end_and_a_source() -> None:
    shipped = schedule.aftercare()
    assert len({one.id for one in shipped}) == len(shipped) >= 10
    assert all(one.line and one.source and timedelta(0) < one.until <= 14 * DAY for one in shipped)


def test_the_phone_is_given_what_it_needs_offline_and_no_cache_may_keep_it(ada: Browser, clock: Clock) -> None:
    answer = ada.get("/phone")
    kept = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert (kept["subject"], kept["language"], kept["emergency"]) == ("subject-of-ada", "en", "112")
    assert kept["phone_href"] == "tel:+33199000001"
    assert kept["areas"] == ["face"]
    assert any(sign["is_emergency"] for group in kept["groups"] for sign in group["signs"])
    assert kept["sessions"] == [{"line": "Session 1: Sunday 22 November, 11:00", "state": "Done"}]
    assert "until Tuesday 24 November, 11:00" in {one["until"] for one in kept["aftercare"]}
    ada.post("/language", data={"language": "fr"})
    assert ada.get("/phone").get_json()["sessions"][0]["state"] == "Faite"


def test_the_aftercare_page_says_until_when_and_that_nobody_approved_it(ada: Browser, clock: Clock) -> None:
    page = ada.get("/aftercare").data.decode()
    assert "No hard exercise. A walk is fine" in page
    assert "until Tuesday 24 November, 11:00" in page
    assert "No clinician has approved them" in page
    assert "Do not wash your hair" not in page  # the face was treated
    clock.now += 30 * DAY
    assert "Nothing special any more" in ada.get("/aftercare").data.decode()


def test_before_a_first_session_there_is_no_aftercare(app: Flask, rt: Runtime, cast: Cast) -> None:
    ben = browser(app, rt, (cast.south, cast.ben))
    assert "After your first session" in ben.get("/aftercare").data.decode()
    assert ben.get("/phone").get_json()["aftercare"] == []


@pytest.mark.parametrize("path", ["/sign-in", "/join", "/sessions"])
def test_who_is_not_signed_in_reads_whom_to_call_and_no_clinic_among_several(
    app: Flask, rt: Runtime, cast: Cast, path: str
) -> None:
    nobody = browser(app, rt)
    page = nobody.get(path).data.decode()
    assert 'href="tel:112"' in page
    assert "In an emergency, call this number:" in page
    assert "+33" not in page
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Clinic).where(Clinic.id == cast.north).values(is_demonstration=False, emergency_number="999"))
    page = nobody.get(path).data.decode()
    for number in ("+33199000001", "+33199000002", "999"):
        assert f'href="tel:{number}"' in page
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Clinic).where(Clinic.id == cast.south).values(is_demonstration=False))
    page = nobody.get(path).data.decode()
    assert 'href="tel:112"' in page
    assert "+33" not in page
