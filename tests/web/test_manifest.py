"""The web manifest has what browsers want of an app that can be installed; what it names is there."""

import json
import struct
from typing import Any

import pytest
from flask import Flask

from companion.runtime import Runtime
from companion.web.assets import manifest as built
from tests.people import Cast
from tests.signed_in import browser


@pytest.fixture
def manifest(app: Flask, rt: Runtime) -> dict[str, Any]:
    answer = browser(app, rt).get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    return dict(json.loads(answer.data))


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_app_keeps_its_identity_and_opens_alone(manifest: dict[str, Any]) -> None:
    named = {name: manifest[name] for name in ("id", "scope", "start_url", "display")}
    assert named == {"id": "/", "scope": "/", "start_url": "/", "display": "standalone"}
    assert len(manifest["short_name"]) <= 12


def test_every_picture_is_there_and_as_large_as_it_says(app: Flask, rt: Runtime, manifest: dict[str, Any]) -> None:
    shortcuts = [icon for shortcut in manifest["shortcuts"] for icon in shortcut["icons"]]
    for picture in (*manifest["icons"], *manifest["screenshots"], *shortcuts):
        with browser(app, rt).get(picture["src"]) as answer:
            assert answer.mimetype == picture["type"] == "image/png"
            assert "{}x{}".format(*size_of(answer.data)) == picture["sizes"]


def test_there_are_icons_for_every_shape(manifest: dict[str, Any]) -> None:
    found = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= found


def test_screenshots_fit_phones_and_desks(manifest: dict[str, Any]) -> None:
    forms = [one["form_factor"] for one in manifest["screenshots"]]
    assert {"narrow", "wide"} == set(forms)
    assert len(forms) <= 8
    for one in manifest["screenshots"]:
        width, height = map(int, one["sizes"].split("x"))
        assert 320 <= min(width, height) <= max(width, height) <= 3840
        assert max(width, height) / min(width, height) <= 2.3
        assert (width < height) == (one["form_factor"] == "narrow")
        assert one["label"]


def test_every_shortcut_leads_to_a_page_of_a_patient(
    app: Flask, rt: Runtime, cast: Cast, manifest: dict[str, Any]
) -> None:
    ada = browser(app, rt, (cast.north, cast.ada))
    for shortcut in manifest["shortcuts"]:
        assert ada.get(shortcut["url"]).status_code == 200


def test_the_worker_does_not_carry_the_screenshots_around() -> None:
    assert not [name for name in built()["precache"] if name.startswith("screen-")]
