"""What the patient reads of the promise: by when, what to do while the clinic is closed, whom to call in a silence."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, select

from companion.accounts import queries as accounts
from companion.clinic.models import Clinic, Duty
from companion.db import EVERY_CLINIC
from companion.escalation import actions, jobs, queries, rules
from companion.outbox.models import Message
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.reactions.test_entries import URGENT, entry, put
from tests.signed_in import Browser, browser

CLOSED_NUMBER = "+33 1 99 00 00 02"
NOBODY = "Nobody has answered yet. Do not wait: call."
SAME_DAY = {"none": False, "signs": ["open_sore"], "not_sure": []}


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def send(ada: Browser, **changes: object) -> str:
    reaction_id = uuid4()
    assert put(ada, entry(**changes), reaction_id).status_code == 201
    return f"/reactions/{reaction_id}"


def case_id(rt: Runtime, cast: Cast) -> UUID:
    with rt.db.reading(cast.north) as db:
        case = queries.unresolved_case_of(db, cast.north, cast.ada)
        assert case is not None
        return case.id


def pages(ada: Browser, url: str) -> list[str]:
    return [ada.get(path).data.decode() for path in (url, "/")]


@pytest.mark.parametrize(
    ("happened", "is_unanswered"),
    [
        ([], False),
        (["opened", "told", "seen"], False),
        (["opened", "told", "unanswered"], True),
        (["opened", "told", "unanswered", "seen"], True),
        (["opened", "told", "unanswered", "taken"], False),
        (["opened", "told", "taken", "late"], True),
        (["opened", "told", "taken", "late", "contacted"], False),
        (["opened", "told", "unanswered", "taken", "lapsed"], False),
        (["opened", "told", "unanswered", "resolved"], False),
    ],
)
def test_a_patient_must_call_from_silence_until_somebody_takes_it(happened: list[str], is_unanswered: bool) -> None:
    assert rules.is_unanswered(happened) is is_unanswered


def test_nobody_answers_and_the_patient_reads_whom_to_call(rt: Runtime, cast: Cast, ada: Browser, clock: Clock) -> None:
    url = send(ada, warnings=URGENT)
    assert all(NOBODY not in page for page in pages(ada, url))
    for _ in range(2):
        clock.now += timedelta(minutes=10)
        jobs.step_due(rt, clock.now)
    for page in pages(ada, url):
        assert NOBODY in page
        assert "We have tried to tell everybody there." in page
        assert "The nurses on duty have been told" not in page
        assert 'href="tel:+33199000001"' in page
        assert CLOSED_NUMBER in page
        assert "call 112" in page
    with rt.db.transaction(cast.north) as db:
        iris, case = accounts.person(db, cast.north, cast.iris), queries.case(db, cast.north, case_id(rt, cast))
        actions.acknowledge(db, case, person=iris, now=clock.now)
    for page in pages(ada, url):
        assert NOBODY not in page
        assert "Iris looks after it" in page


def test_with_nobody_to_tell_the_patient_is_told_at_once(rt: Runtime, cast: Cast, ada: Browser) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        for person in accounts.staff(db, cast.north, "nurse", "clinician"):
            person.deactivated_at = NOW
    url = send(ada, warnings=URGENT)
    assert all(NOBODY in page for page in pages(ada, url))
    assert "The nurses on duty have been told" not in ada.get(url).data.decode()
    with rt.db.reading(cast.north) as db:
        (told,) = db.scalars(select(Message)).all()
    assert (told.recipient_id, told.kind, told.url) == (cast.ada, "case_unanswered", "/")


def test_nurses_are_said_to_be_told_only_once_an_alert_has_left(rt: Runtime, cast: Cast, ada: Browser) -> None:
    told, url = "The nurses on duty have been told", send(ada, warnings=URGENT)
    for state, is_told in (("pending", False), ("unreachable", False), ("sent", True), ("shown", True)):
        with rt.db.transaction(cast.north) as db:
            for message in db.scalars(select(Message).where(Message.kind == "case_alert")):
                message.state = state
        assert [told in page for page in pages(ada, url)] == [is_told, is_told]


def test_a_promise_says_its_hour_and_is_not_sold_as_kept_once_it_is_over(
    rt: Runtime, cast: Cast, ada: Browser, clock: Clock
) -> None:
    url = send(ada, feels="today", warnings=SAME_DAY)
    page = ada.get(url).data.decode()
    assert "Your clinic answers by" in page
    assert "Monday 23 November, 15:00" in page
    clock.now += timedelta(minutes=200)
    assert jobs.warn_late(rt, clock.now) == 1
    assert all(NOBODY in page for page in pages(ada, url))
    clock.now += timedelta(minutes=41)
    assert "Your clinic wanted to answer by" in ada.get(url).data.decode()


def test_same_day_at_night_names_the_true_hour_and_the_number_for_the_night(
    rt: Runtime, cast: Cast, ada: Browser, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # Tuesday 21:00 in Paris
    at = clock.now.isoformat()
    url = send(ada, warnings=SAME_DAY, noted_at=at, sent_at=at)
    for page in pages(ada, url):
        assert "Wednesday 25 November, 13:00" in page  # four hours after it opens
        assert "It opens Wednesday 25 November, 09:00." in page
        assert CLOSED_NUMBER in page
        assert "The nurses on duty have been told" not in page
        assert "same day" not in page.lower()


def test_same_day_on_friday_night_is_not_left_to_monday(rt: Runtime, cast: Cast, ada: Browser, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)  # Friday 21:00 in Paris
    at = clock.now.isoformat()
    url = send(ada, warnings=SAME_DAY, noted_at=at, sent_at=at)
    with rt.db.reading(cast.north) as db:
        assert list(db.scalars(select(Message.recipient_id))) == [cast.iris]
    for page in pages(ada, url):
        assert "Saturday 28 November, 01:00" in page
        assert "It opens Monday 30 November, 09:00." in page
        assert CLOSED_NUMBER in page


def test_a_holiday_is_no_opening(rt: Runtime, cast: Cast, ada: Browser, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    with rt.db.transaction(EVERY_CLINIC) as db:
        own = db.get_one(Clinic, cast.north)
        own.opening = {**own.opening, "2026-11-25": []}
        db.execute(delete(Duty))
    at = clock.now.isoformat()
    url = send(ada, warnings=SAME_DAY, noted_at=at, sent_at=at)
    assert "It opens Thursday 26 November, 09:00." in ada.get(url).data.decode()


def test_a_call_is_shown_as_a_kept_promise(rt: Runtime, cast: Cast, ada: Browser, clock: Clock) -> None:
    url = send(ada, warnings=URGENT)
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id(rt, cast))
        actions.contact(db, case, person_id=cast.iris, how="called", now=clock.now)
    page = ada.get(url).data.decode()
    assert "Your clinic has been in touch" in page
    assert "Your clinic answers by" not in page


@pytest.mark.parametrize(
    ("how", "said"), [("called", "spoken with you"), ("wrote", "written to you"), ("seen", "seen you")]
)
def test_once_a_nurse_has_acted_the_start_page_says_so_instead_of_call(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser, how: str, said: str
) -> None:
    send(ada, warnings=URGENT)
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id(rt, cast))
        actions.contact(db, case, person_id=cast.iris, how="no_answer", now=NOW)
    assert "Call your clinic now" in ada.get("/").data.decode()
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id(rt, cast))
        actions.contact(db, case, person_id=cast.iris, how=how, now=NOW)
    page = ada.get("/").data.decode()
    assert f"Iris has {said}" in page
    assert "Call your clinic now" not in page
    clock.now += timedelta(minutes=5)
    send(ada, warnings=URGENT)
    assert "Call your clinic now" in ada.get("/").data.decode()
