"""Every route, for every role and nobody: what is not stated is refused, and no other clinic's thing exists."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from companion.accounts import actions as people
from companion.accounts import queries as accounts
from companion.clinic import actions as duty
from companion.clinic import queries as clinic
from companion.clinic.rules import Shift
from companion.escalation import actions as escalation
from companion.ids import digest
from companion.reactions import actions as reactions
from companion.reactions.rules import LevelForm
from companion.runtime import Runtime
from companion.web.guards import ANYONE, allowed_roles
from tests.people import NOW, Cast
from tests.signed_in import browser


def _own_things(rt: Runtime, cast: Cast) -> dict[str, UUID]:
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level="clinic_urgent_1h",
            summary="x",
            now=NOW,
        )
        duty.add_shift(
            db, clinic_id=cast.north, shift=Shift(cast.iris, 0, "09:00", "17:00"), actor_id=cast.max, now=NOW
        )
        span = (NOW, NOW + timedelta(hours=1))
        duty.change_duty(db, clinic_id=cast.north, away=None, instead=cast.noor, span=span, actor_id=cast.max, now=NOW)
        form = LevelForm("face", "swelling", 2, timedelta(days=2), "Known to swell.")
        ada = accounts.person(db, cast.north, cast.ada)
        level = reactions.expect_level(db, ada, form, by=cast.iris, now=NOW)
        phone = accounts.living_sign_in(db, digest(people.start_sign_in(db, ada, now=NOW).token), NOW)
        assert phone is not None
        things = {
            "phone_id": phone[0].id,
            "level_id": level.id,
            "shift_id": clinic.shifts(db, cast.north)[0].id,
            "change_id": clinic.changes(db, cast.north, NOW)[0].id,
        }
    things |= {"patient_id": cast.ada, "course_id": cast.ada_course, "reaction_id": uuid4()}
    return things | {"case_id": case.id}


def _requests(app: Flask, things: dict[str, UUID]) -> list[tuple[Rule, str, str]]:
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {name: things.get(name, uuid4() if name.endswith("_id") else "x") for name in rule.arguments}
            url = app.url_map.bind("localhost").build(rule.endpoint, values)
            found += [(rule, method, url) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_every_endpoint_states_its_roles(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert allowed_roles(app, rule.endpoint), rule.endpoint


@pytest.mark.parametrize("name", ["nobody", "ada", "iris", "carla", "max"])
def test_a_role_that_is_not_stated_is_refused(app: Flask, rt: Runtime, cast: Cast, name: str) -> None:
    roles = {"ada": "patient", "iris": "nurse", "carla": "clinician", "max": "manager"}
    who = None if name == "nobody" else (cast.north, getattr(cast, name))
    for rule, method, url in _requests(app, _own_things(rt, cast)):
        stated = allowed_roles(app, rule.endpoint) or frozenset()
        if ANYONE in stated or roles.get(name) in stated:
            continue
        answer = browser(app, rt, who).open(url, method=method)
        assert answer.status_code == (401 if who is None else 404), (method, url)


def test_nobody_of_another_clinic_finds_anything(app: Flask, rt: Runtime, cast: Cast) -> None:
    things = _own_things(rt, cast)
    good = {"outcome": "reassured", "note": "Fine.", "how": "called", "date": "2026-12-01", "time": "10:00"}
    good |= {"area": "face", "symptom": "swelling", "grade": "2", "days": "3", "reason": "Known."}
    checked = 0
    for rule, method, url in _requests(app, things):
        if not rule.arguments & set(things) or method == "PUT":
            continue
        role = next(iter(sorted((allowed_roles(app, rule.endpoint) or frozenset()) - {ANYONE})), None)
        if role is None:
            continue
        who = (cast.south, cast.ben if role == "patient" else cast.mallory)
        answer = browser(app, rt, who).open(url, method=method, data=good if method == "POST" else None)
        if rule.endpoint == "reactions.call":
            assert b"+33 1 99" in answer.data  # whom to call tells nothing about the entry
            continue
        assert answer.status_code in (404, 422), (method, url)
        checked += 1
    assert checked >= 10


@pytest.mark.parametrize("path", ["/nothing", "/console/cases/not-a-uuid", "/static/dist/../config.py"])
def test_an_unknown_page_says_what_to_do(app: Flask, rt: Runtime, path: str) -> None:
    answer = browser(app, rt).get(path)
    assert answer.status_code == 404
    assert b"Page not found" in answer.data


def test_every_answer_carries_the_security_headers(app: Flask, rt: Runtime) -> None:
    for path in ("/sign-in", "/nothing", "/healthz", "/sw.js"):
        headers = browser(app, rt).get(path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
