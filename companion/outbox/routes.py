"""Receipts of devices, and the test that shows a person that their device works."""

from datetime import timedelta

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from companion.errors import NotFound
from companion.outbox import actions, rules
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, current_actor, roles

blueprint = Blueprint("outbox", __name__)
_TEST_SECONDS = 5


@blueprint.post("/receipts/<token>")
@roles(ANYONE)
def receipt(token: str) -> Response:
    """A device shows a message. Its token is the permission, since a sign-in may have ended on that phone."""
    rt = current_runtime()
    now = rt.clock()
    ids = rules.read_receipt_token(rt.secrets.mac_key, token)
    if ids is None:
        raise NotFound
    clinic_id, message_id, device_id = ids
    with rt.db.transaction(clinic_id) as db:
        if not actions.mark_shown(db, clinic_id=clinic_id, message_id=message_id, device_id=device_id, now=now):
            raise NotFound
    return jsonify({"state": "shown"})


@blueprint.post("/push/test")
@roles(*EVERY_ROLE)
def test() -> tuple[Response, int]:
    """Send a message to oneself, to see that notifications come; pressed again and again, one in a few seconds."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.enqueue(
            db,
            (actor.clinic_id, actor.id),
            kind="test",
            about=("person", actor.id),
            url="/",
            dedupe_key=f"test:{actor.id}:{int(now.timestamp()) // _TEST_SECONDS}",
            now=now,
            expires_at=now + timedelta(minutes=10),
            is_urgent=True,
        )
    return jsonify({"state": "sent"}), 202
