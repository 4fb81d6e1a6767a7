"""Is it alive: for the machine that watches this one."""

from flask import Blueprint, jsonify
from sqlalchemy import text
from werkzeug.wrappers import Response

from companion.db import EVERY_CLINIC
from companion.operations import queries, rules
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, roles

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@roles(ANYONE)
def healthz() -> tuple[Response, int]:
    """200 when web, database and worker live, else 503; ages only, no health data."""
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(EVERY_CLINIC) as db:
        db.execute(text("select 1"))
        beat_at = queries.last_beat(db)
    is_alive = rules.is_alive(beat_at, now)
    body = {
        "web": "ok",
        "database": "ok",
        "worker": "ok" if is_alive else "silent",
        "worker_beat_age_seconds": rules.age_seconds(beat_at, now),
    }
    return jsonify(body), 200 if is_alive else 503
