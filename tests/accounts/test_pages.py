"""Signing in and out through the real application."""

from datetime import timedelta

import pytest
from flask import Flask

from companion.accounts import actions, queries
from companion.accounts.rules import PasswordFault, fault_of_password
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import Cast
from tests.signed_in import browser

PASSWORD = "green river seven lamps"


@pytest.fixture(scope="module")
def hashed() -> str:
    return actions.hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def a_password(rt: Runtime, cast: Cast, hashed: str) -> None:
    with rt.db.transaction(cast.north) as db:
        actions.set_password(db, queries.person(db, cast.north, cast.iris), hashed, now=rt.clock())


def sign_in(app: Flask, rt: Runtime, email: str, password: str) -> int:
    answer = browser(app, rt).post("/sign-in", data={"email": email, "password": password})
    return int(answer.status_code)


def test_staff_sign_in_by_password_and_leave_for_good(app: Flask, rt: Runtime) -> None:
    client = browser(app, rt)
    answer = client.post("/sign-in", data={"email": " Iris@Clinic.example ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/console/")
    cookie = client.get_cookie("sign-in")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert client.get("/console/").status_code == 200
    assert client.post("/sign-out").status_code == 303
    thief = browser(app, rt)
    thief.set_cookie("sign-in", cookie.value)
    assert thief.get("/console/").status_code == 401


@pytest.mark.parametrize("name", ["ada", "iris", "carla", "max"])
def test_everybody_who_signs_in_lands_on_a_page_of_their_own(app: Flask, rt: Runtime, cast: Cast, name: str) -> None:
    with rt.db.transaction(cast.north) as db:
        person = queries.person(db, cast.north, getattr(cast, name))
        made = actions.invite(db, person, now=rt.clock())
    client = browser(app, rt)
    answer = client.post("/join", data={"code": made.token})
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert (b'href="/password"' in page.data) == (name != "ada")


def test_what_is_wrong_is_not_told(app: Flask, rt: Runtime) -> None:
    pages = [
        browser(app, rt).post("/sign-in", data={"email": email, "password": "wrong password here"})
        for email in ("iris@clinic.example", "nobody@clinic.example")
    ]
    texts = {page.data.replace(b"iris@", b"x@").replace(b"nobody@", b"x@") for page in pages}
    assert [page.status_code for page in pages] == [422, 422]
    assert len(texts) == 1


def test_after_ten_failures_even_the_right_password_waits(app: Flask, rt: Runtime, clock: Clock) -> None:
    for _ in range(10):
        assert sign_in(app, rt, "iris@clinic.example", "wrong password here") == 422
    assert sign_in(app, rt, "iris@clinic.example", PASSWORD) == 429
    assert sign_in(app, rt, "noor@clinic.example", "wrong password here") == 422
    clock.now += timedelta(minutes=15)
    assert sign_in(app, rt, "iris@clinic.example", PASSWORD) == 303


def test_a_new_password_ends_every_other_sign_in(app: Flask, rt: Runtime, cast: Cast) -> None:
    here, elsewhere = (browser(app, rt, (cast.north, cast.iris)) for _ in range(2))
    assert here.post("/password", data={"password": "too short"}).status_code == 422
    assert here.post("/password", data={"password": "five quiet stones here"}).status_code == 303
    assert here.get("/console/").status_code == 200
    assert elsewhere.get("/console/").status_code == 401


def test_staff_are_signed_out_after_twelve_hours_and_patients_stay(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock
) -> None:
    iris, ada = browser(app, rt, (cast.north, cast.iris)), browser(app, rt, (cast.north, cast.ada))
    for _ in range(20):
        clock.now += timedelta(days=10)
        assert ada.get("/").status_code == 200
    assert iris.get("/console/").status_code == 401
    clock.now += timedelta(days=91)
    assert ada.get("/").status_code == 302


def test_opening_an_invitation_changes_nothing(app: Flask, rt: Runtime, cast: Cast) -> None:
    with rt.db.transaction(cast.north) as db:
        made = actions.invite(db, queries.person(db, cast.north, cast.ada), now=rt.clock())
    phone = browser(app, rt)
    for _ in range(3):
        assert phone.get("/join").status_code == 200
        assert phone.head("/join").status_code == 200
    answer = phone.post("/join", data={"token": made.token})
    assert (answer.status_code, answer.location) == (303, "/")
    again = browser(app, rt).post("/join", data={"token": made.token})
    assert again.status_code == 422
    assert b"no longer works" in again.data


def test_codes_cannot_be_guessed_at_leisure(app: Flask, rt: Runtime) -> None:
    codes = [browser(app, rt).post("/join", data={"code": f"AAAA-{number:04}"}).status_code for number in range(32)]
    assert codes == [422] * 30 + [429] * 2


@pytest.mark.parametrize("path", ["/sign-in", "/join"])
@pytest.mark.parametrize(
    "data",
    [
        {}, {"email": "x" * 10_000}, {"password": "\0"}, {"code": "'; drop table people; --"}, {"token": "x" * 5000},
        {"email": "a@b", "password": "p" * 1000}, {"email": ["a@b", "c@d"]}, {"code": "😀" * 9},
    ],
)  # fmt: skip
def test_hostile_fields_never_break_a_form(app: Flask, rt: Runtime, path: str, data: dict[str, str]) -> None:
    assert browser(app, rt).post(path, data=data).status_code in (400, 422)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("eleven char", PasswordFault.TOO_SHORT),
        ("x" * 129, PasswordFault.TOO_LONG),
        ("aaaaaaaaaaaaaa", PasswordFault.TOO_COMMON),
        ("password123456", PasswordFault.TOO_COMMON),
        ("Iris20262026!!", PasswordFault.TOO_COMMON),
        (PASSWORD, None),
        ("ñandú vuela sin alas", None),
    ],
)
def test_length_counts_and_guesses_do_not(password: str, fault: PasswordFault | None) -> None:
    assert fault_of_password(password, about=["Iris"]) is fault
