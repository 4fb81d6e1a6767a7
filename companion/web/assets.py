"""Built style sheets and scripts: hashed names from the build's manifest, sent with a long life."""

import hashlib
import json
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, send_from_directory, url_for

from companion.paths import STATIC
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, roles

blueprint = Blueprint("assets", __name__)


@cache
def manifest() -> dict[str, Any]:
    """What the build made: {"files": {"app.css": "app-HASH.css"}, "sri": {"app.css": "sha384-…"}}."""
    return dict(json.loads((STATIC / "manifest.json").read_text()))


def asset(name: str) -> str:
    """The address of a built file by its plain name."""
    return url_for("assets.built", name=manifest()["files"][name])


def sri(name: str) -> str:
    """The integrity value of a built file."""
    return str(manifest()["sri"][name])


@blueprint.get("/sw.js")
@roles(ANYONE)
def worker() -> Response:
    """The service worker, at the root so that it serves every page; it learns here what to keep for offline."""
    shells = [f"/shell/{code}" for code in current_runtime().languages.codes]
    names = [asset(name) for name in manifest()["precache"]]
    version = hashlib.sha256(json.dumps(manifest(), sort_keys=True).encode()).hexdigest()[:12]
    head = f"self.__VERSION={json.dumps(version)};self.__PRECACHE={json.dumps([*shells, *names])};\n"
    return _fresh(head + _content("sw.js"), "text/javascript")


@blueprint.get("/manifest.webmanifest")
@roles(ANYONE)
def web_manifest() -> Response:
    """What makes the product installable."""
    return _fresh(_content("manifest.webmanifest"), "application/manifest+json")


@blueprint.get("/static/dist/<path:name>")
@roles(ANYONE)
def built(name: str) -> Response:
    """One built file; its name changes with its content, so it may be kept for a year."""
    response = send_from_directory(STATIC, name, max_age=31_536_000)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _content(name: str) -> str:
    return str((STATIC / manifest()["files"][name]).read_text(encoding="utf-8"))


def _fresh(body: str, mimetype: str) -> Response:
    response = Response(body, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-cache"
    return response


def install(app: Flask) -> None:
    """Serve the files and give templates `asset` and `sri`."""
    app.register_blueprint(blueprint)
    app.add_template_global(asset)
    app.add_template_global(sri)
