"""Devices are subscribed and unsubscribed here."""

from uuid import UUID

from flask import Blueprint, jsonify
from flask_babel import gettext
from werkzeug.wrappers import Response

from companion.db import EVERY_CLINIC
from companion.errors import Invalid
from companion.push import actions, forms, queries
from companion.push.models import Subscription
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, current_actor, roles
from companion.web.requests import read_json

blueprint = Blueprint("push", __name__)


@blueprint.post("/push/subscriptions")
@roles(*EVERY_ROLE)
def subscribe() -> tuple[Response, int]:
    """Keep this browser's subscription; sent again on every opening of the app."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    form = forms.parse_subscription(read_json(8_192), rt.config, rt.secrets.vapid_public_key)
    with rt.db.transaction(EVERY_CLINIC) as db:
        row = actions.subscribe(
            db, clinic_id=actor.clinic_id, person_id=actor.id, form=form, now=now, sign_in_id=actor.sign_in_id
        )
        return jsonify(_told(row)), 201


@blueprint.get("/push/subscriptions/<uuid:device_id>")
@roles(*EVERY_ROLE)
def show(device_id: UUID) -> Response:
    """When one's own device last showed that notifications come; the page asks while it waits for a test."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        return jsonify(_told(queries.device(db, actor.clinic_id, actor.id, device_id)))


@blueprint.get("/push/key")
@roles(ANYONE)
def key() -> Response:
    """Our present public key, for a worker whose subscription has ended while no page is open."""
    return jsonify({"key": current_runtime().secrets.vapid_public_key})


@blueprint.delete("/push/subscriptions")
@roles(*EVERY_ROLE)
def unsubscribe() -> tuple[Response, int]:
    """Forget this browser's subscription, as at sign-out."""
    rt, actor = current_runtime(), current_actor()
    endpoint = read_json(8_192).get("endpoint")
    if not isinstance(endpoint, str):
        raise Invalid({"endpoint": gettext("Please answer this")})
    with rt.db.transaction(actor.clinic_id) as db:
        actions.unsubscribe(db, clinic_id=actor.clinic_id, person_id=actor.id, endpoint=endpoint)
    return jsonify({"state": "unsubscribed"}), 200


def _told(row: Subscription) -> dict[str, str | None]:
    return {"id": str(row.id), "proven_at": row.proven_at.isoformat() if row.proven_at else None}
