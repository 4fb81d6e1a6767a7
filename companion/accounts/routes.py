"""Signing in and out: a password for staff, a one-use invitation for anybody; Flask-Login as a thin adapter.

Our own rows are the sign-ins: Flask-Login is only asked who makes this request. It keeps no session, no
remember cookie and no protection of its own, since those leave a stolen cookie valid after sign-out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import Blueprint, Flask, Request, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import LoginManager
from werkzeug.wrappers import Response as AnyResponse

from companion.accounts import actions, forms, queries, rules
from companion.accounts.actions import NewSignIn
from companion.accounts.models import SignIn
from companion.db import EVERY_CLINIC
from companion.errors import Invalid, Malformed, TooMany
from companion.ids import digest
from companion.runtime import Runtime, current_runtime
from companion.web.guards import ANYONE, EVERY_ROLE, Actor, actor_or_none, current_actor, roles
from companion.web.pages import LANGUAGE_COOKIE
from companion.web.requests import form_fields

blueprint = Blueprint("accounts", __name__)


def install(app: Flask) -> None:
    """Register the pages and tell Flask-Login how a request shows who makes it."""
    app.register_blueprint(blueprint)
    # A cookie by Flask-Login's own name would switch our loader off: give it a name that nobody sets.
    app.config["REMEMBER_COOKIE_NAME"] = "__Host-unused-remember"
    manager = LoginManager(app)
    manager.session_protection = None  # type: ignore[assignment] # its stub leaves out what it documents
    manager.request_loader(_load_actor)


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host over https; plain http on loopback cannot have it."""
    return "__Host-sign-in" if current_runtime().config.is_secure else "sign-in"


@blueprint.get("/sign-in")
@roles(ANYONE)
def sign_in() -> AnyResponse | str:
    """The page where staff sign in and patients find the way to their code."""
    if actor := actor_or_none():
        return redirect(_home_of(actor.roles))
    return render_template("accounts/sign_in.html", errors={}, email="")


@blueprint.post("/sign-in")
@roles(ANYONE)
def start() -> AnyResponse | str:
    """Sign in by e-mail and password; the answer is the same whichever of the two is wrong."""
    rt, fields = current_runtime(), form_fields()
    now = rt.clock()
    try:
        form = forms.parse_sign_in(fields)
        made = _by_password(rt, form, now)
    except Invalid as error:
        page = render_template("accounts/sign_in.html", errors=error.fields, email=fields.get("email", [""])[0])
        return make_response(page, 422)
    return _signed_in(made)


@blueprint.get("/join")
@roles(ANYONE)
def join() -> str:
    """Where an invitation's link leads. Its token is in the fragment, which no log sees; opening changes nothing."""
    return render_template("accounts/join.html", errors={})


@blueprint.post("/join")
@roles(ANYONE)
def redeem() -> AnyResponse | str:
    """Redeem an invitation, once."""
    rt = current_runtime()
    now = rt.clock()
    try:
        made = _by_invitation(rt, forms.parse_invitation(form_fields()), now)
    except Invalid as error:
        return make_response(render_template("accounts/join.html", errors=error.fields), 422)
    return _signed_in(made)


@blueprint.post("/sign-out")
@roles(*EVERY_ROLE)
def sign_out() -> AnyResponse:
    """End this sign-in; what the phone has not sent yet stays on the phone."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.end_sign_in(db, clinic_id=actor.clinic_id, sign_in_id=actor.sign_in_id, actor_id=actor.id, now=now)
    response = redirect(url_for("accounts.sign_in"), code=303)
    response.delete_cookie(cookie_name(), path="/", secure=rt.config.is_secure, httponly=True, samesite="Lax")
    return response


@blueprint.post("/language")
@roles(ANYONE)
def set_language() -> AnyResponse:
    """Choose the language: kept with the person, and on this device for the pages before signing in."""
    rt, fields = current_runtime(), form_fields()
    code, actor = fields.get("language", [""])[0], actor_or_none()
    if code not in rt.languages.codes:
        raise Malformed
    if actor:
        with rt.db.transaction(actor.clinic_id) as db:
            actions.set_locale(db, clinic_id=actor.clinic_id, person_id=actor.id, locale=code)
    response = redirect(forms.parse_way_back(fields), code=303)
    response.set_cookie(
        LANGUAGE_COOKIE, code, max_age=timedelta(days=365), secure=rt.config.is_secure, httponly=True, samesite="Lax"
    )
    return response


@blueprint.get("/password")
@roles("nurse", "clinician", "manager")
def password() -> str:
    """The page where staff choose a password, for instance after an invitation."""
    return render_template("accounts/password.html", errors={})


@blueprint.post("/password")
@roles("nurse", "clinician", "manager")
def set_password() -> AnyResponse | str:
    """Keep a new password; every other sign-in of this person ends."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    try:
        chosen = forms.parse_new_password(form_fields(), about=actor.name.split())
    except Invalid as error:
        return make_response(render_template("accounts/password.html", errors=error.fields), 422)
    hashed = actions.hash_password(chosen)
    with rt.db.transaction(actor.clinic_id) as db:
        person = queries.person(db, actor.clinic_id, actor.id)
        actions.set_password(db, person, hashed, now=now)
        made = actions.start_sign_in(db, person, now=now)
    return _signed_in(made)


def _by_password(rt: Runtime, form: forms.PasswordSignIn, now: datetime) -> NewSignIn:
    key = digest(f"password:{form.email}")
    with rt.db.reading(EVERY_CLINIC) as db:
        _refuse_too_many(queries.tries(db, key), now)
        found = queries.person_by_email(db, form.email)
    # The hash takes long: no transaction is open meanwhile.
    fits = actions.is_password(found.password_hash if found else None, form.password)
    with rt.db.transaction(EVERY_CLINIC) as db:
        if found and fits:
            return actions.start_sign_in(db, queries.person(db, found.clinic_id, found.id), now=now)
        actions.note_failure(db, key, now=now)
    raise Invalid({"password": gettext("The e-mail address or the password is not right")})


def _by_invitation(rt: Runtime, given: str, now: datetime) -> NewSignIn:
    # Codes are short, so all failures count together; a link's token cannot be guessed and is never held up by them.
    is_code, key = len(given) < 40, digest("code")
    with rt.db.transaction(EVERY_CLINIC) as db:
        if is_code:
            _refuse_too_many(queries.tries(db, key), now, allowed=30)
        made = actions.redeem(db, given, now=now)
        if made is None and is_code:
            actions.note_failure(db, key, now=now)
    if made is None:
        raise Invalid({"code": gettext("This code or link no longer works. Ask your clinic for a new one")})
    return made


def _refuse_too_many(tries: rules.Tries | None, now: datetime, *, allowed: int = rules.TRIES_ALLOWED) -> None:
    if tries and tries.count >= allowed and now < tries.started_at + rules.TRIES_WINDOW:
        raise TooMany(retry_after_seconds=int(rules.TRIES_WINDOW.total_seconds()))


def _signed_in(made: NewSignIn) -> Response:
    response = make_response(redirect(_home_of(made.person.roles), code=303))
    response.set_cookie(
        cookie_name(),
        made.token,
        max_age=made.lasts,
        path="/",
        secure=current_runtime().config.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _home_of(held: Iterable[str]) -> str:
    return "/" if set(held) == {"patient"} else "/console/"


def _load_actor(given: Request) -> Actor | None:
    token = given.cookies.get(cookie_name(), "")
    if not 40 <= len(token) <= 64:
        return None
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(EVERY_CLINIC) as db:
        found = queries.living_sign_in(db, digest(token), now)
    if found is None:
        return None
    sign_in, person = found
    if now - sign_in.seen_at > rules.SEEN_STEP and request.method == "GET":
        _note_seen(rt, sign_in, now)
    return Actor(
        id=person.id,
        clinic_id=person.clinic_id,
        name=person.name,
        roles=frozenset(person.roles),
        subject_key=person.subject_key,
        locale=person.locale,
        sign_in_id=sign_in.id,
    )


def _note_seen(rt: Runtime, sign_in: SignIn, now: datetime) -> None:
    with rt.db.transaction(sign_in.clinic_id) as db:
        actions.note_seen(db, sign_in, now=now)
