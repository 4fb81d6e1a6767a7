"""What a patient without notifications finds in the app, and what the clinic knows of how a patient is reached."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from companion.accounts import queries as accounts
from companion.ids import new_id
from companion.inbox import queries
from companion.inbox.rules import Reach
from companion.outbox import actions, jobs
from companion.outbox.rules import receipt_token
from companion.outbox.words import BODIES
from companion.push.transport import Transport
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def tell(
    rt: Runtime, cast: Cast, kind: str = "case_taken", *, due_at: datetime | None = None, key: str = "", url: str = "/"
) -> UUID:
    now = rt.clock()
    with rt.db.transaction(cast.north) as db:
        message_id = actions.enqueue(
            db,
            (cast.north, cast.ada),
            kind=kind,
            about=("escalation", new_id()),
            url=url,
            dedupe_key=key or str(new_id()),
            now=now,
            due_at=due_at,
            expires_at=now + timedelta(hours=4),
        )
    assert message_id is not None
    return message_id


def unread(rt: Runtime, cast: Cast) -> int:
    with rt.db.reading(cast.north) as db:
        return queries.unread(db, cast.north, cast.ada, rt.clock())


def test_every_message_stands_in_the_inbox_though_no_device_is_there(
    rt: Runtime, cast: Cast, ada: Browser, transport: Transport
) -> None:
    told = tell(rt, cast, url="/sessions")
    jobs.deliver(rt, transport, rt.clock())
    assert "1 new message" in ada.get("/").data.decode()
    assert "Your message has been read." in ada.get("/inbox").data.decode()
    answer = ada.get(f"/inbox/{told}")
    assert (answer.status_code, answer.location) == (303, "/sessions")
    assert "new message" not in ada.get("/").data.decode()
    assert "Your message has been read." in ada.get("/inbox").data.decode()


def test_tests_copies_by_e_mail_and_what_waits_for_its_time_are_not_listed(
    rt: Runtime, cast: Cast, ada: Browser, clock: Clock, now: datetime
) -> None:
    tell(rt, cast, "test")
    tell(rt, cast, key=f"fallback:{new_id()}")
    tell(rt, cast, due_at=now + timedelta(hours=1))
    assert unread(rt, cast) == 0
    ada.post("/inbox/read")
    clock.now += timedelta(hours=1)
    assert unread(rt, cast) == 1


def test_a_reminder_that_is_over_is_no_news(rt: Runtime, cast: Cast, ada: Browser, clock: Clock) -> None:
    tell(rt, cast, "check_in_due")
    tell(rt, cast, "case_taken")
    assert unread(rt, cast) == 2
    clock.now += timedelta(hours=5)
    assert unread(rt, cast) == 1
    assert ada.get("/inbox").data.decode().count('<strong class="new">') == 1


def test_all_are_read_at_once(rt: Runtime, cast: Cast, ada: Browser) -> None:
    for _ in range(3):
        tell(rt, cast)
    assert ada.post("/inbox/read").status_code == 303
    assert unread(rt, cast) == 0


def test_a_tap_on_a_notification_marks_its_message_and_no_other(rt: Runtime, cast: Cast, app: Flask) -> None:
    tapped, other = tell(rt, cast), tell(rt, cast)
    token = receipt_token(rt.secrets.mac_key, cast.north, tapped, new_id())
    phone = browser(app, rt)
    assert phone.post(f"/receipts/{token}/opening", json={}).status_code == 200
    assert phone.post(f"/receipts/{token[:-4]}AAAA/opening", json={}).status_code == 404
    assert unread(rt, cast) == 1
    with rt.db.reading(cast.north) as db:
        assert queries.message(db, cast.north, cast.ada, other).read_at is None


def test_nobody_reads_anothers_messages(rt: Runtime, cast: Cast, app: Flask) -> None:
    told = tell(rt, cast)
    for who in ((cast.north, cast.iris), (cast.south, cast.ben)):
        client = browser(app, rt, who)
        assert client.get(f"/inbox/{told}").status_code == 404
        assert "No messages." in client.get("/inbox").data.decode()
    assert unread(rt, cast) == 1


def test_every_kind_of_message_can_be_listed(rt: Runtime, cast: Cast, ada: Browser) -> None:
    for kind in BODIES:
        tell(rt, cast, kind)
    page = ada.get("/inbox").data.decode()
    assert page.count('<a href="/inbox/') == len(set(BODIES) - {"test"})


@pytest.mark.parametrize(
    ("reach", "way"),
    [
        (Reach(1, NOW - timedelta(days=30), True, NOW), "push"),
        (Reach(1, NOW - timedelta(days=31), True, NOW), "push_unproven"),
        (Reach(1, None, False, None), "push_unproven"),
        (Reach(0, None, True, None), "email"),
        (Reach(0, None, False, NOW), "app_only"),
        (Reach(0, None, False, None), "nothing"),
    ],
)
def test_the_surest_way_to_a_person_is_named(reach: Reach, way: str) -> None:
    assert reach.best_way(NOW) == way


def test_the_clinic_sees_how_a_patient_is_reached_and_changes_the_address(rt: Runtime, cast: Cast, app: Flask) -> None:
    iris, url = browser(app, rt, (cast.north, cast.iris)), f"/console/patients/{cast.ada}"
    assert "Not at all: no phone is connected." in iris.get(url).data.decode()
    browser(app, rt, (cast.north, cast.ada))
    assert "Only when the patient opens the app." in iris.get(url).data.decode()
    wrong = iris.post(f"{url}/contact", data={"contact_email": "ada@home.example"})
    assert wrong.status_code == 422
    assert "Ask the patient, then tick this" in wrong.data.decode()
    agreed = {"contact_email": "ada@home.example", "contact_agreed": "yes"}
    assert iris.post(f"{url}/contact", data=agreed).status_code == 303
    assert "By e-mail only." in iris.get(url).data.decode()
    assert iris.post(f"{url}/contact", data={"contact_email": ""}).status_code == 303
    with rt.db.reading(cast.north) as db:
        assert accounts.person(db, cast.north, cast.ada).mailbox is None
