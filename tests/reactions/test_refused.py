"""An entry that the server cannot take is never a quiet one: somebody at the clinic is told to ask."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation
from companion.outbox.models import Message
from companion.runtime import Runtime
from tests.people import NOW, Cast
from tests.reactions.test_entries import count, entry, put
from tests.signed_in import Browser, browser


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


def test_another_entry_under_the_same_id_opens_a_case(rt: Runtime, ada: Browser) -> None:
    entry_id = uuid4()
    put(ada, entry(), entry_id)
    assert count(rt, Escalation) == 0
    assert put(ada, entry(words="Another one"), entry_id).status_code == 409
    assert count(rt, Escalation) == 1


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
