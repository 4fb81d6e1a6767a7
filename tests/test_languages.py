"""Languages: the catalogues are whole, pages and pushes follow the person, and no text escapes translation."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from flask import Flask
from flask.testing import FlaskClient

from companion.app import create_app
from companion.languages import Languages
from companion.paths import TRANSLATIONS
from companion.runtime import Runtime
from tests import catalogues
from tests.people import Cast
from tests.signed_in import browser

CATALOGUES = sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))
NAMES = re.compile("Aftercare Companion|Ada|Iris|Noor|Carla|North Clinic|English|Français|AREA|LABEL")
SPOKEN = ("aria-label", "alt", "title", "placeholder")
PLACE = re.compile(r"%\(\w+\)s|\{\w+\}|%(?!\()")


def _messages(path: Path) -> Iterator[Message]:
    return (message for message in catalogues.read(path) if message.id)


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_holds_the_texts_of_the_code_and_is_compiled(path: Path) -> None:
    catalogue = catalogues.updated(path)
    assert path.read_bytes() == catalogues.as_po(catalogue), "run `make words`"
    assert path.with_suffix(".mo").read_bytes() == catalogues.as_mo(catalogue), "run `make words`"
    assert [message.id for message in _messages(path) if not catalogues.is_translated(message) or message.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_translation_keeps_the_places_of_its_text(path: Path) -> None:
    for message in _messages(path):
        for form in _forms(message.string):
            assert sorted(PLACE.findall(form)) == sorted(PLACE.findall(_forms(message.id)[-1])), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_safety_sentence_is_a_proposal_until_somebody_has_signed_it(path: Path) -> None:
    safety = [message for message in _messages(path) if catalogues.is_safety(message)]
    assert {"Call now", "It is hard to breathe", "Somebody needs an answer. Open the app."} <= {m.id for m in safety}
    for message in safety:
        (comment,) = message.user_comments
        assert comment == catalogues.MARK or re.fullmatch(r"signed by .+ on \d{4}-\d{2}-\d{2}", comment), message.id


def test_french_never_says_normal_or_do_not_worry() -> None:
    for message in _messages(CATALOGUES[0]):
        for form in _forms(message.string):
            assert not re.search(r"normal|ne vous inquiétez pas|pas de panique", form, re.IGNORECASE), form


def test_an_unknown_language_gets_the_texts_as_they_are_written() -> None:
    languages = Languages(TRANSLATIONS)
    assert languages.codes == ("en", "fr")
    assert languages.translate("xx", "Call now") == "Call now"
    assert languages.translate("fr", "Call now") == "Appelez maintenant"


def test_pages_follow_the_person_and_then_the_browser(rt: Runtime, cast: Cast, client: FlaskClient) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"}).data.decode()
    assert '<html lang="fr" dir="ltr">' in page
    assert "Se connecter" in page
    assert '<html lang="en" dir="ltr">' in client.get("/sign-in", headers={"Accept-Language": "pt"}).data.decode()
    ada = browser(create_app(rt), rt, (cast.north, cast.ada))
    assert "Hello Ada" in ada.get("/", headers={"Accept-Language": "fr"}).data.decode()
    answer = ada.post("/language", data={"language": "fr", "back": "/sessions"})
    assert (answer.status_code, answer.location) == (303, "/sessions")
    assert "Bonjour Ada" in ada.get("/", headers={"Accept-Language": "en"}).data.decode()


@pytest.mark.parametrize("back", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "x", "", "/\n"])
def test_choosing_a_language_leads_nowhere_else(client: FlaskClient, cast: Cast, back: str) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = client.post("/language", data={"language": "fr", "back": back}, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.post("/language", data={"language": "xx"}, headers=headers).status_code == 400


class _Texts(HTMLParser):
    """What a page shows or reads out: text nodes, and the attributes that hold words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._skipped = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in ("script", "style", "code")
        self.found += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in ("script", "style", "code")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.found.append(data)


@pytest.fixture
def strange(rt: Runtime, tmp_path: Path) -> Flask:
    """The application with a language that nobody speaks, from right to left."""
    folder = catalogues.write_with_pseudo(tmp_path / "translations")
    config = rt.config.model_copy(update={"translations": folder})
    return create_app(Runtime(config, rt.secrets, rt.db, rt.clock))


@pytest.mark.parametrize("role", ["nobody", "patient", "nurse"])
def test_no_text_escapes_translation(strange: Flask, rt: Runtime, cast: Cast, role: str) -> None:
    pages = {
        "nobody": ["/sign-in", "/join", "/nothing-here", f"/shell/{catalogues.PSEUDO}"],
        "patient": ["/", "/reactions/new", "/reactions", "/sessions", "/call"],
        "nurse": ["/console/", "/console/patients", "/console/patients/new", f"/console/patients/{cast.ada}"],
    }[role]
    who = {"nobody": None, "patient": (cast.north, cast.ada), "nurse": (cast.north, cast.iris)}[role]
    reader = browser(strange, rt, who) if who else browser(strange, rt)
    reader.post("/language", data={"language": catalogues.PSEUDO})
    for address in pages:
        page = reader.get(address).data.decode()
        assert f'<html lang="{catalogues.PSEUDO}" dir="rtl">' in page
        for text in _Texts(page).found:
            left = re.sub(r"⟦[^⟦⟧]*(⟦[^⟧]*⟧[^⟦⟧]*)*⟧", "", text)
            left = NAMES.sub("", left)
            assert not re.search(r"[A-Za-z]{3,}", left), f"{address}: {text.strip()}"
