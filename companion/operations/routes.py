"""Is it alive, is it ready, do alerts get through: for the machine that watches this one. Nothing about anybody."""

from flask import Blueprint, jsonify
from sqlalchemy import text
from werkzeug.wrappers import Response

from companion.config import load_secrets
from companion.db import EVERY_CLINIC
from companion.operations import queries
from companion.runtime import Runtime, current_runtime
from companion.schema import require_newest
from companion.web.guards import ANYONE, roles

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@roles(ANYONE)
def healthz() -> Response:
    """200 while this process answers."""
    return jsonify({"web": "ok"})


@blueprint.get("/readyz")
@roles(ANYONE)
def readyz() -> tuple[Response, int]:
    """200 when this process can do its work: the database answers, has the newest schema, and the secrets are there."""
    rt = current_runtime()
    body = {name: _outcome(rt, name) for name in ("database", "schema", "secrets")}
    return jsonify(body), 200 if set(body.values()) == {"ok"} else 503


@blueprint.get("/health/alerting")
@roles(ANYONE)
def alerting() -> tuple[Response, int]:
    """200 when alerts get through, else 503; ages and counts only."""
    rt = current_runtime()
    with rt.db.reading(EVERY_CLINIC) as db:
        signs = queries.health(db, rt, rt.clock())
    is_ok = all(sign.is_ok for sign in signs)
    body = {"ok": is_ok, "signs": {sign.name: {"ok": sign.is_ok, "value": sign.value} for sign in signs}}
    return jsonify(body), 200 if is_ok else 503


def _outcome(rt: Runtime, name: str) -> str:
    try:
        if name == "database":
            with rt.db.reading(EVERY_CLINIC) as db:
                db.execute(text("select 1"))
        elif name == "schema":
            require_newest(rt.db)
        else:
            load_secrets(rt.config.data_dir / "secrets")
    except Exception as error:  # noqa: BLE001 - whatever it is, this process is not ready; its name tells the operator
        return type(error).__name__
    return "ok"
