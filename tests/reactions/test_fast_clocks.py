"""A phone's clock that was ahead when an entry was noted, and was set right before it was sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.reactions.actions import silence_of
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from companion.triage.observation import SYMPTOMS
from tests.conftest import Clock
from tests.people import Cast
from tests.reactions.test_entries import entry, put
from tests.signed_in import Browser, browser

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast, clock: Clock) -> Browser:
    clock.now += DAY
    return browser(app, rt, (cast.north, cast.ada))


def send(ada: Browser, clock: Clock, noted_at: datetime, **grades: int) -> Any:
    report = {**dict.fromkeys(SYMPTOMS, 0), **grades, "patch_cm": None}
    body = entry(areas={"face": report}, noted_at=noted_at.isoformat(), sent_at=clock.now.isoformat())
    return put(ada, body).json["disposition"]


@pytest.mark.parametrize("ahead", [timedelta(0), 13 * HOUR, DAY, 300 * DAY], ids=str)
def test_what_comes_after_it_is_compared_with_it(rt: Runtime, clock: Clock, ada: Browser, ahead: timedelta) -> None:
    send(ada, clock, clock.now + ahead, redness=1, pain=1)
    clock.now += 12 * HOUR
    assert send(ada, clock, clock.now, redness=2, pain=2) == "clinic_same_day"
    with rt.db.reading(EVERY_CLINIC) as db:
        latest = db.scalars(select(Assessment).order_by(Assessment.assessed_at.desc())).first()
    assert latest is not None
    assert "rise_after_peak" in {reason["rule"] for reason in latest.reasons}


@pytest.mark.parametrize("ahead", [timedelta(0), 3 * DAY, 300 * DAY], ids=str)
def test_a_silence_after_it_is_noticed_as_soon(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser, ahead: timedelta
) -> None:
    patient = (cast.north, cast.ada)
    send(ada, clock, clock.now + ahead, pain=3)
    with rt.db.transaction(cast.north) as db:
        if case := cases.unresolved_case_of(db, *patient):  # as if nobody had looked since
            escalation.resolve(db, case, person_id=cast.iris, outcome="other", note="-", now=clock.now - DAY)
    with rt.db.reading(cast.north) as db:
        assert silence_of(db, patient, now=clock.now + 71 * HOUR) is None
        assert silence_of(db, patient, now=clock.now + 72 * HOUR) is not None


@pytest.mark.parametrize(("ahead", "doubts"), [(timedelta(minutes=4), []), (13 * HOUR, ["time_in_doubt"])], ids=str)
def test_it_counts_from_when_it_came_in_and_says_that_its_time_is_in_doubt(
    rt: Runtime, clock: Clock, ada: Browser, ahead: timedelta, doubts: list[str]
) -> None:
    send(ada, clock, clock.now + ahead)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Reaction)).one().noted_at == clock.now
        assert db.scalars(select(Assessment)).one().unjudged == doubts


def test_the_later_time_is_judged_as_well_and_the_higher_stands(clock: Clock, ada: Browser) -> None:
    assert send(ada, clock, clock.now, redness=1) == "self_care"
    assert send(ada, clock, clock.now + 30 * DAY, redness=1) != "self_care"
