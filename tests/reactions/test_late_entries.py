"""An entry that comes in after one that was noted later: the later one is judged again with it, and only rises."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from companion import schema
from companion.accounts.models import AuditEntry
from companion.db import EVERY_CLINIC, Database
from companion.escalation import actions as escalation
from companion.escalation.models import Escalation, EscalationEntry
from companion.outbox.models import Message
from companion.reactions.models import Assessment
from companion.runtime import Runtime
from companion.triage.observation import SYMPTOMS
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.protocols.test_publish import STRICTER, publish
from tests.reactions.test_entries import entry, put
from tests.signed_in import Browser, browser

SESSION = NOW - timedelta(days=1)


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast, clock: Clock) -> Browser:
    clock.now = SESSION + timedelta(hours=41)
    return browser(app, rt, (cast.north, cast.ada))


def noted(clock: Clock, hours: float, **changes: Any) -> dict[str, Any]:
    """An entry of so many hours after the session, sent now; grades are given by symptom."""
    grades = {symptom: changes.pop(symptom, 0) for symptom in SYMPTOMS}
    at = (SESSION + timedelta(hours=hours)).isoformat()
    return entry(areas={"face": {**grades, "patch_cm": None}}, noted_at=at, sent_at=clock.now.isoformat(), **changes)


def said_of(rt: Runtime, reaction_id: UUID) -> list[str]:
    with rt.db.reading(EVERY_CLINIC) as db:
        mine = select(Assessment.disposition).where(Assessment.reaction_id == reaction_id)
        return list(db.scalars(mine.order_by(Assessment.number)))


def everything(rt: Runtime, table: Any) -> Sequence[Any]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(table)).all()


def test_a_late_entry_raises_the_one_noted_after_it_and_tells_nurse_and_patient(
    app: Flask, rt: Runtime, clock: Clock, cast: Cast, ada: Browser
) -> None:
    later, late = uuid4(), uuid4()
    assert put(ada, noted(clock, 40, pain=2), later).json["disposition"] == "self_care"
    clock.now += timedelta(hours=3)
    answer = put(ada, noted(clock, 30), late)
    assert (answer.json["id"], answer.json["disposition"]) == (str(late), "clinic_same_day")
    assert answer.json["url"] == f"/reactions/{later}"
    assert (said_of(rt, late), said_of(rt, later)) == (["self_care"], ["self_care", "clinic_same_day"])
    (case,) = everything(rt, Escalation)
    assert {one.subject_id for one in everything(rt, EscalationEntry)} == {late, later}
    told = {(one.kind, one.recipient_id) for one in everything(rt, Message)}
    assert ("judged_again", cast.ada) in told
    assert case.level == "clinic_same_day"
    iris = browser(app, rt, (cast.north, cast.iris))
    page = iris.get(f"/console/cases/{case.id}").data.decode()
    assert re.search(r"Judged again [^:]* 07:00: the check-in of [^:]* 17:00 came in only then\.", page)
    assert re.search(r"Sent later: received [^:]* 07:00\.", page)
    assert "#rise_by_two" in page
    page = ada.get(f"/reactions/{later}").data.decode()
    assert "We looked at this again" in page
    assert "Your clinic will get back to you" in page
    assert "reaction.judged_again" in [one.verb for one in everything(rt, AuditEntry)]


def test_the_late_entry_sent_again_changes_nothing_and_says_the_same(rt: Runtime, clock: Clock, ada: Browser) -> None:
    later, late, body = uuid4(), uuid4(), noted(clock, 30)
    put(ada, noted(clock, 40, pain=2), later)
    first, again = put(ada, body, late), put(ada, body, late)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert len(said_of(rt, later)) == 2
    assert len(everything(rt, Message)) == len({one.dedupe_key for one in everything(rt, Message)})


@pytest.mark.parametrize(
    ("hours", "grades"),
    [
        (30, {"pain": 1}),  # one grade less: no rise by two
        (40.5, {}),  # noted after it, though received later as well
    ],
)
def test_what_a_late_entry_adds_nothing_to_stays_as_it_was_said(
    rt: Runtime, clock: Clock, ada: Browser, hours: float, grades: dict[str, int]
) -> None:
    later = uuid4()
    put(ada, noted(clock, 40, pain=2), later)
    put(ada, noted(clock, hours, **grades))
    assert said_of(rt, later) == ["self_care"]
    assert list(everything(rt, Escalation)) == []


def test_a_late_entry_never_lowers_one(rt: Runtime, clock: Clock, ada: Browser) -> None:
    first, last = uuid4(), uuid4()
    put(ada, noted(clock, 30), first)
    assert put(ada, noted(clock, 40, pain=2), last).json["disposition"] == "clinic_same_day"
    put(ada, noted(clock, 35, pain=2))  # seen with this one, the last has not risen
    assert said_of(rt, last) == ["clinic_same_day"]


def test_a_stricter_protocol_published_since_raises_nothing_that_was_judged_before(
    rt: Runtime, clock: Clock, cast: Cast, ada: Browser
) -> None:
    later = uuid4()
    put(ada, noted(clock, 40, redness=1), later)
    publish(rt, cast, STRICTER)
    put(ada, noted(clock, 30, redness=1))
    assert said_of(rt, later) == ["self_care"]


def test_a_case_that_is_open_is_raised_and_whoever_has_it_is_told(
    rt: Runtime, clock: Clock, cast: Cast, ada: Browser
) -> None:
    later = uuid4()
    put(ada, noted(clock, 40, pain=2, feels="today"), later)
    (case,) = everything(rt, Escalation)
    assert (case.level, said_of(rt, later)) == ("clinic_routine", ["clinic_routine"])
    with rt.db.transaction(cast.north) as db:
        found = db.get_one(Escalation, (cast.north, case.id))
        escalation.contact(db, found, person_id=cast.iris, how="called", now=clock.now)
    put(ada, noted(clock, 30))
    (case,) = everything(rt, Escalation)
    assert (case.level, case.state, case.round) == ("clinic_same_day", "open", 2)
    assert said_of(rt, later) == ["clinic_routine", "clinic_same_day"]
    with rt.db.reading(EVERY_CLINIC) as db:
        newest = db.scalars(select(Assessment).where(Assessment.reaction_id == later).order_by(Assessment.number)).all()
    assert {reason["rule"] for reason in newest[1].reasons} == {"feels_today", "rise_by_two"}


def test_each_of_several_late_entries_is_looked_at(rt: Runtime, clock: Clock, ada: Browser) -> None:
    middle, last = uuid4(), uuid4()
    put(ada, noted(clock, 36, pain=2), middle)
    put(ada, noted(clock, 40, pain=2), last)
    put(ada, noted(clock, 30))
    assert (said_of(rt, middle), said_of(rt, last)) == (["self_care", "clinic_same_day"], ["self_care"])
    put(ada, noted(clock, 38))
    assert said_of(rt, last) == ["self_care", "clinic_same_day"]
    assert len(everything(rt, Escalation)) == 1


def test_going_back_before_this_keeps_what_holds_and_its_triggers(
    db: Database, rt: Runtime, clock: Clock, ada: Browser
) -> None:
    if not db.is_sqlite:
        pytest.skip("the application's role owns nothing on PostgreSQL; the template is migrated by the owner")
    later = uuid4()
    put(ada, noted(clock, 40, pain=2), later)
    put(ada, noted(clock, 30))
    schema.downgrade(rt.db, "0023")
    schema.migrate(rt.db)
    assert said_of(rt, later) == ["clinic_same_day"]
    with pytest.raises(Exception, match="only ever added"), rt.db.transaction(EVERY_CLINIC) as session:
        session.execute(Assessment.__table__.delete())  # type: ignore[attr-defined]
