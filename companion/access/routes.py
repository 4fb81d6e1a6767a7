"""Putting the app on a phone, the code that signs it in, one's own phones, and signing out."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from companion.access import actions, forms, queries, rules
from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.actions import NewSignIn
from companion.accounts.routes import device_of_request, home_of, refuse_too_many, signed_in, signed_out
from companion.clinic import queries as clinic
from companion.db import EVERY_CLINIC
from companion.errors import Invalid
from companion.ids import digest
from companion.passkeys import queries as passkeys
from companion.runtime import Runtime, current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, PATIENT, actor_or_none, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("access", __name__)


@blueprint.get("/install")
@roles(ANYONE)
def install() -> str:
    """How to put the app on a phone or computer, and what to do where notifications are blocked."""
    return render_template("access/install.html")


@blueprint.post("/app/code")
@roles(PATIENT)
def make_code() -> str:
    """Show a code that signs the app in on this phone: the app knows nothing of the browser's sign-in."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(EVERY_CLINIC) as db:
        made_before = accounts.take_try(db, digest(f"app-code-of:{actor.id}"), now=now)
        refuse_too_many(made_before, allowed=rules.CODES_OF_PERSON)
        person = people.person(db, actor.clinic_id, actor.id)
        made = actions.make_code(db, person, mac_key=rt.secrets.mac_key, now=now)
        zone = clinic.clinic(db, actor.clinic_id).zone
    return render_template("access/code.html", made=made, zone=zone)


@blueprint.get("/app")
@roles(ANYONE)
def enter_code() -> Response | str:
    """Where the installed app is signed in by the code."""
    if actor := actor_or_none():
        return redirect(home_of(actor.roles))
    return render_template("access/enter.html", errors={})


@blueprint.post("/app")
@roles(ANYONE)
def redeem_code() -> Response:
    """Sign the app in; wrong codes are counted for each address and over all."""
    rt = current_runtime()
    now = rt.clock()
    try:
        made = _by_code(rt, forms.parse_code(form_fields()), now)
    except Invalid as error:
        return make_response(render_template("access/enter.html", errors=error.fields), 422)
    return signed_in(made, to=url_for("passkeys.offer"))


@blueprint.get("/phones")
@roles(*EVERY_ROLE)
def phones() -> str:
    """One's own phones: where one is signed in, and which get notifications."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        return render_template(
            "access/phones.html",
            phones=queries.phones(db, actor.clinic_id, actor.id, now),
            passkeys=passkeys.passkeys(db, actor.clinic_id, actor.id),
            zone=clinic.clinic(db, actor.clinic_id).zone,
        )


@blueprint.post("/phones/<uuid:phone_id>/removal")
@roles(*EVERY_ROLE)
def remove_phone(phone_id: UUID) -> Response:
    """Sign one of one's own phones out."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.remove_phone(db, clinic_id=actor.clinic_id, person_id=actor.id, phone_id=phone_id, now=now)
    return redirect(url_for("access.phones", done="phone-out"), code=303)


@blueprint.post("/phones/others/removal")
@roles(*EVERY_ROLE)
def remove_others() -> Response:
    """Sign all of one's own phones out but this one."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        person = people.person(db, actor.clinic_id, actor.id)
        actions.sign_out_everywhere(db, person, now=now, actor_id=actor.id, spare=actor.sign_in_id)
    return redirect(url_for("access.phones", done="phones-out"), code=303)


@blueprint.post("/sign-out")
@roles(*EVERY_ROLE)
def sign_out() -> Response:
    """End this sign-in and tell this phone nothing more; what it has not sent yet stays on it."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.remove_phone(db, clinic_id=actor.clinic_id, person_id=actor.id, phone_id=actor.sign_in_id, now=now)
    return signed_out(url_for("accounts.sign_in"))


def _by_code(rt: Runtime, digits: str, now: datetime) -> NewSignIn:
    address = digest(f"app-code-from:{request.remote_addr}")
    with rt.db.transaction(EVERY_CLINIC) as db:
        # Counted before they are looked at, and committed with what came of them: no two tries are counted as one.
        refuse_too_many(accounts.take_try(db, address, now=now), allowed=rules.TRIES_OF_ADDRESS)
        refuse_too_many(accounts.take_try(db, digest("app-code"), now=now), allowed=rules.TRIES_OF_ALL)
        made = actions.redeem_code(db, digits, mac_key=rt.secrets.mac_key, device=device_of_request(), now=now)
    if made is None:
        raise Invalid({"code": gettext("This code does not work any more. Let your browser show a new one")})
    return made
