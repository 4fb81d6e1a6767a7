"""Passkeys are made and used here; the browser's half is in passkeys.js."""

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, redirect, render_template
from webauthn import generate_authentication_options, generate_registration_options, options_to_json
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from werkzeug.wrappers import Response

from companion.accounts import queries as people
from companion.accounts.routes import device_of_request, home_of, set_cookie
from companion.db import EVERY_CLINIC
from companion.errors import NotAllowed, NotFound
from companion.languages import N_
from companion.passkeys import actions, forms, queries
from companion.runtime import Runtime, current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, current_actor, roles
from companion.web.requests import read_json

blueprint = Blueprint("passkeys", __name__)
_LIMIT_BYTES = 32_768
_SITE = "Aftercare Companion"


@blueprint.get("/passkeys")
@roles(*EVERY_ROLE)
def offer() -> Response | str:
    """After a code: whether the phone's own lock should do next time."""
    actor = current_actor()
    home = home_of(actor.roles)
    if not current_runtime().config.passkey_host:
        return redirect(home)
    return render_template("passkeys/offer.html", home=home)


@blueprint.post("/passkeys/options")
@roles(*EVERY_ROLE)
def options() -> dict[str, Any]:
    """What the browser needs to make a passkey for this person, on this site only, behind the phone's own lock."""
    rt, actor = current_runtime(), current_actor()
    now, host = rt.clock(), _host(rt)
    with rt.db.transaction(actor.clinic_id) as db:
        known = queries.passkeys(db, actor.clinic_id, actor.id)
        challenge = actions.make_challenge(db, purpose="new", person_id=actor.id, now=now)
    made = generate_registration_options(
        rp_id=host,
        rp_name=_SITE,
        user_id=actor.subject_key.encode(),
        user_name=actor.name,
        challenge=challenge,
        timeout=int(actions.CHALLENGE_LASTS.total_seconds() * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(row.credential_id)) for row in known],
    )
    return dict(json.loads(options_to_json(made)))


@blueprint.post("/passkeys")
@roles(*EVERY_ROLE)
def add() -> tuple[Response, int]:
    """Keep the passkey that the browser made."""
    rt, actor = current_runtime(), current_actor()
    now, host = rt.clock(), _host(rt)
    form = forms.parse_new(read_json(_LIMIT_BYTES))
    with rt.db.transaction(EVERY_CLINIC) as db:
        is_open = actions.take_challenge(db, form.challenge, purpose="new", person_id=actor.id, now=now)
        person, device = people.person(db, actor.clinic_id, actor.id), device_of_request()
        is_kept = is_open and actions.add(db, person, form, host=host, origin=rt.config.origin, device=device, now=now)
    if not is_kept:
        raise NotAllowed(N_("This passkey could not be saved. Try once more."))
    return jsonify({"state": "kept"}), 201


@blueprint.post("/passkeys/<uuid:passkey_id>/removal")
@roles(*EVERY_ROLE)
def remove(passkey_id: UUID) -> Response:
    """Forget one of one's own passkeys."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.remove(db, clinic_id=actor.clinic_id, person_id=actor.id, passkey_id=passkey_id, now=now)
    return redirect("/phones?done=passkey-out", code=303)


@blueprint.post("/passkeys/sign-in/options")
@roles(ANYONE)
def sign_in_options() -> dict[str, Any]:
    """What the browser needs to look for a passkey; it names nobody."""
    rt = current_runtime()
    now, host = rt.clock(), _host(rt)
    with rt.db.transaction(EVERY_CLINIC) as db:
        challenge = actions.make_challenge(db, purpose="sign_in", now=now)
    made = generate_authentication_options(
        rp_id=host,
        challenge=challenge,
        timeout=int(actions.CHALLENGE_LASTS.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(options_to_json(made)))


@blueprint.post("/passkeys/sign-in")
@roles(ANYONE)
def sign_in() -> Response:
    """Sign in by a passkey; what exactly was wrong is not told."""
    rt = current_runtime()
    now, host = rt.clock(), _host(rt)
    form = forms.parse_sign_in(read_json(_LIMIT_BYTES))
    with rt.db.transaction(EVERY_CLINIC) as db:
        # Taken in the same transaction, which commits also when the answer is no.
        is_open = actions.take_challenge(db, form.challenge, purpose="sign_in", now=now)
        device = device_of_request()
        made = (
            actions.sign_in(db, form, host=host, origin=rt.config.origin, device=device, now=now) if is_open else None
        )
    if made is None:
        raise NotAllowed(N_("This passkey does not work here. Sign in another way."))
    return set_cookie(jsonify({"to": home_of(made.person.roles)}), made)


def _host(rt: Runtime) -> str:
    if rt.config.passkey_host is None:
        raise NotFound
    return rt.config.passkey_host
