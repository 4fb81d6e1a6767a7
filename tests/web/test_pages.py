"""What all pages share, through the real application."""

from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask_babel import force_locale

from companion.app import create_app
from companion.runtime import Runtime
from companion.web.pages import duration
from tests.people import Cast
from tests.signed_in import browser

_HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def app(rt: Runtime, cast: Cast) -> Flask:
    return create_app(rt)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/console/cases/{id}/contacts", "/console/cases/{id}"),
        ("/console/patients/{id}/courses/{id}/visits", "/console/patients/{id}"),
        ("/console/patients/found", "/console/patients"),
        ("/console/rota/shifts", "/console/rota"),
        ("/console/duty", "/console"),
        ("/reactions/{id}/words", "/reactions/{id}"),
        ("/language", "/"),
    ],
)
def test_a_form_that_is_opened_again_by_its_address_leads_to_its_page(
    app: Flask, rt: Runtime, cast: Cast, path: str, page: str
) -> None:
    iris, id_ = browser(app, rt, (cast.north, cast.iris)), uuid4()
    answer = iris.get(path.format(id=id_), headers=_HTML)
    assert answer.status_code == 302
    assert answer.location == page.format(id=id_)


def test_every_address_of_a_form_has_a_page_above(app: Flask, rt: Runtime) -> None:
    anybody, values = browser(app, rt), {"level": "emergency", "channel": "email", "token": "x"}
    tried = 0
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) or "POST" not in (rule.methods or ()):
            continue
        path = rule.build({name: values.get(name, UUID(int=1)) for name in rule.arguments}, append_unknown=False)
        assert path is not None
        answer = anybody.get(path[1], headers=_HTML)
        tried += answer.status_code == 302  # else another rule answers to GET at this address
        assert answer.status_code in (200, 302, 303, 401, 404), rule
    assert tried >= 20


@pytest.mark.parametrize(
    ("minutes", "english", "french"),
    [
        (0, "0 min", "0 min"),
        (59, "59 min", "59 min"),
        (60, "1 h", "1 h"),
        (77, "1 h 17 min", "1 h 17 min"),
        (48 * 60 + 5, "2 d", "2 j"),
        (52 * 60, "2 d 4 h", "2 j 4 h"),
    ],
)
def test_minutes_are_told_in_hours_and_days(app: Flask, minutes: int, english: str, french: str) -> None:
    for language, said in (("en", english), ("fr", french)):
        with app.test_request_context(), force_locale(language):
            assert duration(minutes).replace("\N{NO-BREAK SPACE}", " ") == said


def test_a_program_still_hears_that_the_address_takes_no_get(app: Flask, rt: Runtime) -> None:
    answer = browser(app, rt).get("/push/test", headers={"Accept": "application/json"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_an_error_page_of_ours_says_that_it_is_ours(app: Flask, rt: Runtime) -> None:
    answer = browser(app, rt).get("/nowhere", headers=_HTML)
    assert answer.status_code == 404
    assert answer.headers["Aftercare-Companion"] == "1"
