"""The course form: a sentence for every field that is wrong."""

import pytest
from flask import Flask
from flask_babel import Babel

from companion.course import rules, words
from companion.course.forms import parse_course
from companion.errors import Invalid
from companion.triage.observation import AREAS

GOOD = {
    "indication": ["hair"],
    "areas": ["scalp"],
    "agents": ["vitamins", "dutasteride"],
    "technique": ["manual_needle"],
    "planned_visits": ["4"],
    "interval_days": ["21"],
}


@pytest.fixture(autouse=True)
def _request() -> object:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def test_a_good_form_is_read() -> None:
    assert parse_course(GOOD).agents == ("vitamins", "dutasteride")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("indication", []), ("indication", ["wings"]), ("areas", []), ("areas", ["moon"]), ("agents", ["gold"]),
        ("technique", [""]), ("planned_visits", ["0"]), ("planned_visits", ["-1"]), ("planned_visits", ["1e9"]),
        ("planned_visits", ["٣"]), ("interval_days", ["999999999999"]), ("interval_days", [""]),
    ],
)  # fmt: skip
def test_a_wrong_field_gets_a_sentence(field: str, given: list[str]) -> None:
    fields = {**GOOD, field: given} if given else {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(Invalid) as refused:
        parse_course(fields)
    assert set(refused.value.fields) == {field}


def test_every_code_has_words() -> None:
    assert set(words.AREAS) == set(AREAS)
    assert set(words.AGENTS) == set(rules.AGENTS)
    assert set(words.INDICATIONS) == set(rules.INDICATIONS)
    assert set(words.TECHNIQUES) == set(rules.TECHNIQUES)
