"""What the phone is told of the entries it has sent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import Cast
from tests.reactions.test_entries import URGENT, entry, put
from tests.signed_in import Browser, browser


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def states(client: Browser) -> dict[UUID, dict[str, Any]]:
    answer = client.get("/reactions/states")
    assert answer.headers["Cache-Control"] == "no-store"
    return {UUID(one["id"]): one for one in answer.get_json()["entries"]}


def test_the_phone_learns_who_has_seen_what_it_sent(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock, ada: Browser
) -> None:
    urgent, mild = UUID(put(ada, entry(warnings=URGENT)).json["id"]), UUID(put(ada, entry(words="later")).json["id"])
    assert states(ada)[urgent]["seen_by"] is None
    clock.now += timedelta(minutes=3)
    with rt.db.reading(EVERY_CLINIC) as db:
        case_id = db.scalars(select(Escalation.id)).one()
    browser(app, rt, (cast.north, cast.iris)).get(f"/console/cases/{case_id}")
    assert states(ada)[urgent] == {"id": str(urgent), "seen_by": "Iris", "seen_at": clock.now.isoformat()}
    assert set(states(ada)) == {urgent, mild}


def test_the_phone_learns_nothing_of_others_and_nothing_old(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock, ada: Browser
) -> None:
    put(ada, entry())
    assert states(browser(app, rt, (cast.south, cast.ben))) == {}
    assert ada.get("/reactions/states").get_json()["subject"] == "subject-of-ada"
    clock.now += timedelta(days=61)
    assert states(ada) == {}
