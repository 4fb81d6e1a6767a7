"""Is it alive, is it ready, do alerts get through: for the machine that watches this one. Nothing about anybody."""

from hmac import compare_digest

from flask import Blueprint, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from werkzeug.wrappers import Response

from companion.config import load_secrets
from companion.db import EVERY_CLINIC
from companion.errors import NotFound
from companion.operations import queries, rules
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


@blueprint.get("/metrics")
@roles(ANYONE)
def metrics() -> Response:
    """Numbers over all clinics for Prometheus, to whoever shows the token; nothing about anybody."""
    rt = current_runtime()
    token = rt.config.metrics_token.get_secret_value()
    shown = request.headers.get("Authorization", "")
    if not token or not compare_digest(shown.encode(), f"Bearer {token}".encode()):
        raise NotFound
    with rt.db.reading(EVERY_CLINIC) as db:
        found = queries.measures(db, rt, rt.clock())
    return Response(_as_text(found), content_type=CONTENT_TYPE_LATEST)


def _as_text(found: list[rules.Measure]) -> bytes:
    # A registry of its own for each answer: every number is read from the database, whichever process is asked.
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for one in found:
        if one.name not in gauges:
            gauges[one.name] = Gauge(one.name, one.about, list(one.labels), registry=registry)
        gauge = gauges[one.name].labels(**one.labels) if one.labels else gauges[one.name]
        gauge.set(one.value)
    return generate_latest(registry)


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
