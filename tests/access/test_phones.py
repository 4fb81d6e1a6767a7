"""Codes for the installed app, one's own phones, and lost ones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from companion.access import actions
from companion.access import jobs as jobs_of_access
from companion.access.models import AppCode
from companion.access.rules import digits_of
from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.models import SignIn
from companion.accounts.rules import device_of
from companion.db import EVERY_CLINIC
from companion.outbox import jobs
from companion.push.models import Subscription
from companion.push.transport import Transport
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.outbox.test_delivery import enqueue
from tests.people import Cast
from tests.push_service import Device, PushService
from tests.signed_in import Browser, browser

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def code_of(client: Browser) -> str:
    answer = client.post("/app/code")
    assert answer.status_code == 200
    return digits_of(answer.data.decode().split('<bdi dir="ltr">')[1].split("<")[0])


def enter(app: Flask, rt: Runtime, code: str, **headers: str) -> int:
    return int(browser(app, rt).post("/app", data={"code": code}, headers=headers).status_code)


def turn_on(client: Browser, rt: Runtime, service: PushService) -> Device:
    device = service.device(rt.secrets.vapid_public_key)
    body = {**device.subscription, "key": rt.secrets.vapid_public_key}
    assert client.post("/push/subscriptions", json=body).status_code == 201
    return device


def test_the_code_of_the_browser_signs_the_app_in_once(app: Flask, rt: Runtime, ada: Browser) -> None:
    code = code_of(ada)
    phone = browser(app, rt)
    answer = phone.post("/app", data={"code": f" {code[:3]} {code[3:]}"}, headers={"User-Agent": PHONE})
    assert (answer.status_code, answer.location) == (303, "/passkeys")
    assert phone.get("/passkeys").location == "/"
    assert b"Hello Ada" in phone.get("/").data
    assert b"iPhone" in ada.get("/phones").data
    assert enter(app, rt, code) == 422


def test_a_code_ends_after_ten_minutes_and_with_the_next_one(
    app: Flask, rt: Runtime, ada: Browser, clock: Clock
) -> None:
    first, second = code_of(ada), code_of(ada)
    assert first == second or enter(app, rt, first) == 422
    clock.now += timedelta(minutes=10)
    assert enter(app, rt, second) == 422


def test_digits_of_any_script_and_grouping_are_read() -> None:
    assert digits_of("12-34 56") == digits_of("١٢٣٤٥٦") == digits_of("１２３４５６") == "123456"
    assert digits_of("²³½ab") == ""


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "½½½½½½", "1" * 5000])
def test_what_is_no_code_is_asked_again(app: Flask, rt: Runtime, typed: str) -> None:
    answer = browser(app, rt).post("/app", data={"code": typed})
    assert answer.status_code == 422
    assert b"6 numbers" in answer.data


def test_one_address_tries_five_times_and_all_together_thirty(app: Flask, rt: Runtime, clock: Clock) -> None:
    def tries(address: str, times: int) -> list[int]:
        client = browser(app, rt)
        told = {"REMOTE_ADDR": address}
        return [client.post("/app", data={"code": "000000"}, environ_base=told).status_code for _ in range(times)]

    assert tries("192.0.2.1", 6) == [422] * 5 + [429]
    assert [status for number in range(2, 7) for status in tries(f"192.0.2.{number}", 5)] == [422] * 25
    assert tries("192.0.2.99", 1) == [429]
    clock.now += timedelta(minutes=15)
    assert tries("192.0.2.1", 1) == [422]


def test_a_hundred_tries_at_once_are_a_hundred(rt: Runtime, cast: Cast, now: datetime) -> None:
    def take(_: int) -> int:
        with rt.db.transaction(EVERY_CLINIC) as db:
            return accounts.take_try(db, "key", now=now)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(100))) == list(range(1, 101))


def test_a_person_makes_five_codes_in_a_quarter_of_an_hour(ada: Browser, clock: Clock) -> None:
    assert [ada.post("/app/code").status_code for _ in range(6)] == [200] * 5 + [429]
    clock.now += timedelta(minutes=15)
    assert ada.post("/app/code").status_code == 200


def test_one_code_signs_one_of_sixteen_in(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        person = people.person(db, cast.north, cast.ada)
        made = actions.make_code(db, person, mac_key=rt.secrets.mac_key, now=now)

    def redeem(_: int) -> bool:
        with rt.db.transaction(EVERY_CLINIC) as db:
            found = actions.redeem_code(db, made.digits, mac_key=rt.secrets.mac_key, device="", now=now)
            return found is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redeem, range(16))) == 1


def test_the_database_alone_does_not_tell_a_code(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        made = actions.make_code(db, people.person(db, cast.north, cast.ada), mac_key=rt.secrets.mac_key, now=now)
        other = actions.redeem_code(db, made.digits, mac_key=b"another key", device="", now=now)
        assert other is None
        assert made.digits not in db.scalars(select(AppCode.code_hash)).one()


def sign_ins(rt: Runtime, person_id: UUID) -> int:
    with rt.db.reading(EVERY_CLINIC) as db:
        rows = select(SignIn.id).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
        return len(list(db.scalars(rows)))


def devices(rt: Runtime) -> int:
    with rt.db.reading(EVERY_CLINIC) as db:
        return len(list(db.scalars(select(Subscription.id))))


def test_signing_out_tells_this_phone_nothing_more(
    app: Flask, rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, now: datetime
) -> None:
    here, there = (browser(app, rt, (cast.north, cast.iris)) for _ in range(2))
    silent, told = turn_on(here, rt, push_service), turn_on(there, rt, push_service)
    assert here.post("/sign-out").status_code == 303
    enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    assert len(told.wait_for(1)) == 1
    assert silent.received == []
    assert here.get("/console/").status_code == 401


def test_one_phone_or_all_others_are_signed_out(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, push_service: PushService
) -> None:
    others = [browser(app, rt, (cast.north, cast.ada)) for _ in range(3)]
    for one in (ada, *others):
        turn_on(one, rt, push_service)
    page = ada.get("/phones").data.decode()
    assert page.count("Sign out there") == 3
    first = page.split('action="/phones/')[1].split("/")[0]
    assert ada.post(f"/phones/{first}/removal").status_code == 303
    assert (sign_ins(rt, cast.ada), devices(rt)) == (3, 3)
    assert ada.post(f"/phones/{first}/removal").status_code == 404
    assert ada.post("/phones/others/removal").status_code == 303
    assert (sign_ins(rt, cast.ada), devices(rt)) == (1, 1)
    assert ada.get("/").status_code == 200


def test_a_device_whose_sign_in_has_ended_by_itself_is_seen_and_removed(
    app: Flask, rt: Runtime, cast: Cast, push_service: PushService, clock: Clock
) -> None:
    turn_on(browser(app, rt, (cast.north, cast.iris)), rt, push_service)
    clock.now += timedelta(hours=13)
    iris = browser(app, rt, (cast.north, cast.iris))
    page = iris.get("/phones").data.decode()
    assert "Its sign-in has ended." in page
    phone = page.split('action="/phones/')[1].split("/")[0]
    assert iris.post(f"/phones/{phone}/removal").status_code == 303
    assert devices(rt) == 0


def test_a_nurse_signs_a_lost_phone_out_and_shows_a_new_code(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, push_service: PushService
) -> None:
    turn_on(ada, rt, push_service)
    lost_code = code_of(ada)
    iris = browser(app, rt, (cast.north, cast.iris))
    answer = iris.post(f"/console/patients/{cast.ada}/lost-phone")
    assert answer.status_code == 200
    assert (sign_ins(rt, cast.ada), devices(rt)) == (0, 0)
    assert enter(app, rt, lost_code) == 422
    new = answer.data.decode().split('<p class="code">')[1].split("<")[0]
    assert browser(app, rt).post("/join", data={"code": new}).status_code == 303
    assert (
        browser(app, rt, (cast.south, cast.mallory)).post(f"/console/patients/{cast.ada}/lost-phone").status_code == 404
    )


def test_what_is_over_is_forgotten_and_what_still_counts_is_kept(
    app: Flask, rt: Runtime, ada: Browser, clock: Clock
) -> None:
    code_of(ada)
    assert enter(app, rt, "000000") in (303, 422)
    assert jobs_of_access.prune(rt, clock.now) == 0
    clock.now += timedelta(minutes=15)
    assert jobs_of_access.prune(rt, clock.now) >= 3
    with rt.db.reading(EVERY_CLINIC) as db:
        assert list(db.scalars(select(AppCode.person_id))) == []


@pytest.mark.parametrize(
    ("user_agent", "kind"), [(PHONE, "iphone"), ("Linux; Android 15; Pixel 9", "android"), ("", "computer")]
)
def test_a_phone_is_named_by_what_it_says_it_is(user_agent: str, kind: str) -> None:
    assert device_of(user_agent) == kind
