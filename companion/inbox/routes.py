"""The inbox: what was told, for whoever got no notification."""

from uuid import UUID

from flask import Blueprint, jsonify, make_response, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from companion.accounts import actions as accounts_actions
from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.errors import Invalid, NotFound
from companion.inbox import actions, forms, queries
from companion.outbox.rules import read_receipt_token
from companion.outbox.words import wording
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, PATIENT, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("inbox", __name__)


@blueprint.get("/inbox")
@roles(*EVERY_ROLE)
def index() -> str:
    """One's own messages, newest first."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        lines = queries.lines(db, actor.clinic_id, actor.id, now)
        return render_template(
            "inbox/index.html",
            lines=[(line, gettext(wording(line.message.kind).body)) for line in lines],
            unread=queries.unread(db, actor.clinic_id, actor.id, now),
            clinic=clinic.contact(clinic.clinic(db, actor.clinic_id)),
            zone=clinic.clinic(db, actor.clinic_id).zone,
        )


@blueprint.get("/inbox/<uuid:message_id>")
@roles(*EVERY_ROLE)
def show(message_id: UUID) -> Response:
    """Lead to what a message is about; it is read from then on."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        url = queries.message(db, actor.clinic_id, actor.id, message_id).url
        actions.mark_read(db, clinic_id=actor.clinic_id, message_id=message_id, now=now)
    return redirect(url, code=303)


@blueprint.post("/receipts/<token>/opening")
@roles(ANYONE)
def opened(token: str) -> Response:
    """A notification was tapped. Its token is the permission, as for the receipt that it was shown."""
    rt = current_runtime()
    now = rt.clock()
    ids = read_receipt_token(rt.secrets.mac_key, token)
    if ids is None:
        raise NotFound
    clinic_id, message_id, _ = ids
    with rt.db.transaction(clinic_id) as db:
        actions.mark_read(db, clinic_id=clinic_id, message_id=message_id, now=now)
    return jsonify({"state": "read"})


@blueprint.get("/reminders")
@roles(PATIENT)
def reminders() -> str:
    """How the clinic reaches this person: notifications, hours without reminders, e-mail."""
    return _reminders({})


@blueprint.post("/reminders/quiet-hours")
@roles(PATIENT)
def set_quiet_hours() -> Response:
    """Hold reminders back between two times; what the clinic answers always comes at once."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    try:
        hours = forms.parse_quiet_hours(form_fields())
    except Invalid as error:
        return make_response(_reminders(error.fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        person = accounts.person(db, actor.clinic_id, actor.id)
        accounts_actions.set_quiet_hours(db, person, hours, now=now)
    return redirect(url_for("inbox.reminders", done="quiet"), code=303)


@blueprint.post("/reminders/email/removal")
@roles(PATIENT)
def withdraw_email() -> Response:
    """No e-mail any more."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        person = accounts.person(db, actor.clinic_id, actor.id)
        accounts_actions.set_contact(db, person, None, actor_id=actor.id, now=now)
    return redirect(url_for("inbox.reminders", done="no-email"), code=303)


@blueprint.post("/inbox/read")
@roles(*EVERY_ROLE)
def read_all() -> Response:
    """Everything is read."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.mark_all_read(db, clinic_id=actor.clinic_id, person_id=actor.id, now=now)
    return redirect(url_for("inbox.index"), code=303)


def _reminders(errors: dict[str, str]) -> str:
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        return render_template(
            "inbox/reminders.html",
            person=accounts.person(db, actor.clinic_id, actor.id),
            clinic=clinic.contact(own),
            errors=errors,
        )
