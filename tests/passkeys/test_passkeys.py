"""Passkeys through the real application: every check of a signature has a case that it refuses."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from companion.app import create_app
from companion.config import Config
from companion.db import EVERY_CLINIC
from companion.passkeys import actions
from companion.passkeys.models import Challenge, Passkey
from companion.runtime import Runtime
from tests.authenticator import PRESENT, VERIFIED, Authenticator
from tests.conftest import Clock
from tests.people import Cast
from tests.push_messages import base64url
from tests.signed_in import Browser, browser

HOST = "aftercare.example"
ORIGIN = f"https://{HOST}"


@pytest.fixture
def site(rt: Runtime, cast: Cast) -> Runtime:
    config = Config(data_dir=rt.config.data_dir, database_url=rt.config.database_url, base_url=ORIGIN)
    return replace(rt, config=config)


@pytest.fixture
def app(site: Runtime) -> Flask:
    return create_app(site)


def signed_in(app: Flask, site: Runtime, who: tuple[Any, Any]) -> Browser:
    client = browser(app, site, who)
    cookie = client.get_cookie("sign-in")
    assert cookie is not None
    client.set_cookie("__Host-sign-in", cookie.value, secure=True)
    return client


@pytest.fixture
def ada(app: Flask, site: Runtime, cast: Cast) -> Browser:
    return signed_in(app, site, (cast.north, cast.ada))


def new(client: Browser, phone: Authenticator) -> int:
    options = client.post("/passkeys/options", json={}).get_json()
    return int(client.post("/passkeys", json=phone.create(options)).status_code)


def use(app: Flask, site: Runtime, phone: Authenticator) -> int:
    client = browser(app, site)
    options = client.post("/passkeys/sign-in/options", json={}).get_json()
    return int(client.post("/passkeys/sign-in", json=phone.get(options)).status_code)


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator(origin=ORIGIN, host=HOST)


def test_a_passkey_is_made_and_signs_in(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator, clock: Clock
) -> None:
    assert new(ada, phone) == 201
    clock.now += timedelta(days=1)
    phone.count = 1
    fresh = browser(app, site)
    options = fresh.post("/passkeys/sign-in/options", json={}).get_json()
    assert options["userVerification"] == "required"
    assert options["rpId"] == HOST
    assert options.get("allowCredentials", []) == []
    answer = fresh.post("/passkeys/sign-in", json=phone.get(options))
    assert answer.get_json() == {"to": "/"}
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sign-in=")
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    page = ada.get("/phones").data.decode()
    assert "Last used Tuesday 24 November" in page


def test_staff_may_use_one_too(app: Flask, site: Runtime, cast: Cast, phone: Authenticator) -> None:
    iris = signed_in(app, site, (cast.north, cast.iris))
    assert new(iris, phone) == 201
    client = browser(app, site)
    options = client.post("/passkeys/sign-in/options", json={}).get_json()
    assert client.post("/passkeys/sign-in", json=phone.get(options)).get_json() == {"to": "/console/"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
    ],
)
def test_what_was_made_elsewhere_or_without_the_phones_lock_is_refused(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator, wrong: dict[str, Any]
) -> None:
    assert new(ada, replace(phone, **wrong)) == 403
    assert new(ada, phone) == 201
    assert use(app, site, replace(phone, **wrong)) == 403
    assert use(app, site, phone) == 200


@pytest.mark.parametrize("wrong", [{"user_handle": b"subject-of-ben"}, {"credential_id": b"x" * 32}])
def test_a_passkey_that_names_somebody_else_is_refused(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator, wrong: dict[str, Any]
) -> None:
    assert new(ada, phone) == 201
    assert use(app, site, replace(phone, **wrong)) == 403


def test_another_key_under_the_same_name_is_refused(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator
) -> None:
    assert new(ada, phone) == 201
    copy = Authenticator(origin=ORIGIN, host=HOST, credential_id=phone.credential_id, user_handle=phone.user_handle)
    assert use(app, site, copy) == 403


def test_a_challenge_is_good_once(app: Flask, site: Runtime, ada: Browser, phone: Authenticator) -> None:
    assert new(ada, phone) == 201
    client = browser(app, site)
    options = client.post("/passkeys/sign-in/options", json={}).get_json()
    wrong = replace(phone, origin="https://evil.example")
    assert client.post("/passkeys/sign-in", json=wrong.get(options)).status_code == 403
    assert client.post("/passkeys/sign-in", json=phone.get(options)).status_code == 403


def test_a_challenge_is_good_for_five_minutes(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator, clock: Clock
) -> None:
    options = ada.post("/passkeys/options", json={}).get_json()
    clock.now += timedelta(minutes=5)
    assert ada.post("/passkeys", json=phone.create(options)).status_code == 403


def test_a_challenge_is_one_persons_and_for_one_purpose(
    app: Flask, site: Runtime, cast: Cast, ada: Browser, phone: Authenticator
) -> None:
    iris = signed_in(app, site, (cast.north, cast.iris))
    options = iris.post("/passkeys/options", json={}).get_json()
    assert ada.post("/passkeys", json=phone.create(options)).status_code == 403
    assert new(ada, phone) == 201
    options = ada.post("/passkeys/options", json={}).get_json()
    assert browser(app, site).post("/passkeys/sign-in", json=phone.get(options)).status_code == 403


def test_a_count_that_does_not_grow_is_a_copy(app: Flask, site: Runtime, ada: Browser, phone: Authenticator) -> None:
    phone.count = 4
    assert new(ada, phone) == 201
    for count, status in ((4, 403), (5, 200), (5, 403), (3, 403), (6, 200)):
        phone.count = count
        assert use(app, site, phone) == status


def test_the_same_passkey_is_nobody_elses(
    app: Flask, site: Runtime, cast: Cast, ada: Browser, phone: Authenticator
) -> None:
    assert new(ada, phone) == 201
    assert new(ada, phone) == 409
    assert new(signed_in(app, site, (cast.south, cast.ben)), phone) == 409


def test_ten_passkeys_are_enough(ada: Browser) -> None:
    made = [new(ada, Authenticator(origin=ORIGIN, host=HOST)) for _ in range(11)]
    assert made == [201] * 10 + [409]


def test_a_removed_passkey_signs_nobody_in(
    app: Flask, site: Runtime, cast: Cast, ada: Browser, phone: Authenticator
) -> None:
    assert new(ada, phone) == 201
    with site.db.reading(EVERY_CLINIC) as db:
        passkey_id = db.scalars(select(Passkey.id)).one()
    ben = signed_in(app, site, (cast.south, cast.ben))
    assert ben.post(f"/passkeys/{passkey_id}/removal").status_code == 404
    assert ada.post(f"/passkeys/{passkey_id}/removal").status_code == 303
    assert use(app, site, phone) == 403


def test_a_lost_phones_passkey_signs_nobody_in(
    app: Flask, site: Runtime, cast: Cast, ada: Browser, phone: Authenticator
) -> None:
    assert new(ada, phone) == 201
    iris = signed_in(app, site, (cast.north, cast.iris))
    assert iris.post(f"/console/patients/{cast.ada}/lost-phone").status_code == 200
    assert use(app, site, phone) == 403


def test_open_challenges_are_limited_and_old_ones_go(app: Flask, site: Runtime, clock: Clock) -> None:
    with site.db.transaction(EVERY_CLINIC) as db:
        db.add_all(
            Challenge(
                challenge_hash=str(number),
                purpose="sign_in",
                person_id=None,
                expires_at=clock.now + timedelta(minutes=1),
            )
            for number in range(actions.OPEN_CHALLENGES)
        )
    assert browser(app, site).post("/passkeys/sign-in/options", json={}).status_code == 429
    clock.now += timedelta(minutes=1)
    assert browser(app, site).post("/passkeys/sign-in/options", json={}).status_code == 200
    with site.db.reading(EVERY_CLINIC) as db:
        assert len(list(db.scalars(select(Challenge.challenge_hash)))) == 1


HOSTILE_PARTS: list[Any] = [
    None,
    7,
    [],
    {},
    "",
    "!",
    "é",
    "A" * 9000,
    base64url(b"{}"),
    base64url(b"[1]"),
    base64url(b"\xff\x00"),
]


@pytest.mark.parametrize("part", ["id", "rawId", "type", "response"])
def test_a_hostile_answer_is_refused_and_breaks_nothing(
    app: Flask, site: Runtime, ada: Browser, phone: Authenticator, part: str
) -> None:
    made = phone.create(ada.post("/passkeys/options", json={}).get_json())
    used = phone.get(browser(app, site).post("/passkeys/sign-in/options", json={}).get_json())
    for value in HOSTILE_PARTS:
        for url, good in (("/passkeys", made), ("/passkeys/sign-in", used)):
            broken = [good | {part: value}]
            if part == "response":
                broken += [good | {part: good[part] | {name: value}} for name in good[part]]
            assert {ada.post(url, json=one).status_code for one in broken} <= {400, 403}, (url, value)


def test_passkeys_are_offered_only_where_browsers_have_them() -> None:
    found = {url: Config(base_url=url).passkey_host for url in (ORIGIN, f"{ORIGIN}:8443", "http://localhost:8000")}
    assert list(found.values()) == [HOST, HOST, "localhost"]
    for url in ("http://127.0.0.1:8000", "https://192.0.2.7", "https://[::1]", f"http://{HOST}"):
        assert Config(base_url=url).passkey_host is None


def test_without_passkeys_their_addresses_are_unknown(rt: Runtime, cast: Cast) -> None:
    app = create_app(rt)
    ada = browser(app, rt, (cast.north, cast.ada))
    assert ada.post("/passkeys/options", json={}).status_code == 404
    assert ada.get("/passkeys").location == "/"
    assert b"passkey" not in ada.get("/phones").data.split(b"<template data-words>")[0]
