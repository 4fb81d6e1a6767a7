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
    browser(app, rt, (cast.north, cast.iris)).see_case(the_case(rt))
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


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
    ids=["nobody looks", "prefetch", "prerender", "image", "other site"],
)
def test_a_page_that_was_only_asked_for_has_been_seen_by_nobody(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, method: str, headers: dict[str, str]
) -> None:
    urgent = UUID(put(ada, entry(warnings=URGENT)).json["id"])
    page = f"/console/cases/{the_case(rt)}"
    iris = browser(app, rt, (cast.north, cast.iris))
    assert iris.open(page, method=method, headers=headers).status_code == 200
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert iris.post(f"{page}/opening", data=iris.read(page), headers=from_elsewhere).status_code == 403
    assert states(ada)[urgent]["seen_by"] is None


def test_an_entry_that_the_open_page_does_not_show_is_not_seen(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock, ada: Browser
) -> None:
    put(ada, entry(warnings=URGENT))
    iris, page = browser(app, rt, (cast.north, cast.iris)), f"/console/cases/{the_case(rt)}"
    read = iris.read(page)
    clock.now += timedelta(minutes=3)
    later = UUID(put(ada, entry(warnings=URGENT, words="worse")).json["id"])
    assert iris.post(f"{page}/opening", data=read).status_code == 409
    assert states(ada)[later]["seen_by"] is None
    iris.see_case(the_case(rt))
    assert states(ada)[later]["seen_by"] == "Iris"


@pytest.mark.parametrize("mark", ["", "all", "-1", "clinic_urgent_1h:\u0661"])
def test_a_page_that_does_not_say_what_it_shows_is_refused(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, mark: str
) -> None:
    put(ada, entry(warnings=URGENT))
    iris = browser(app, rt, (cast.north, cast.iris))
    assert iris.post(f"/console/cases/{the_case(rt)}/opening", data={"mark": mark}).status_code == 409


def the_case(rt: Runtime) -> UUID:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.scalars(select(Escalation.id)).one()
