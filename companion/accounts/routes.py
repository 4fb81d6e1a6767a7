"""Signing in: a password for staff, a one-use invitation for anybody; Flask-Login as a thin adapter.

Our own rows are the sign-ins: Flask-Login is only asked who makes this request. It keeps no session, no
remember cookie and no protection of its own, since those leave a stolen cookie valid after sign-out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import Blueprint, Flask, Request, Response, make_response, redirect, render_template, request
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
from companion.web.guards import ANYONE, CARERS, MANAGER, Actor, actor_or_none, current_actor, roles
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
        return redirect(home_of(actor.roles))
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
    return signed_in(made)


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
    return signed_in(made)


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
        made = actions.start_sign_in(db, person, now=now, device=device_of_request())
    return signed_in(made)


def _by_password(rt: Runtime, form: forms.PasswordSignIn, now: datetime) -> NewSignIn:
    key = digest(f"password:{form.email}")
    with rt.db.transaction(EVERY_CLINIC) as db:
        refuse_too_many(actions.take_try(db, key, now=now), allowed=rules.TRIES_ALLOWED)
        found = queries.person_by_email(db, form.email)
    # The hash takes long: no transaction is open meanwhile.
    fits = actions.is_password(found.password_hash if found else None, form.password)
    if not (found and fits):
        raise Invalid({"password": gettext("The e-mail address or the password is not right")})
    with rt.db.transaction(EVERY_CLINIC) as db:
        actions.forget_tries(db, key)
        person = queries.person(db, found.clinic_id, found.id)
        return actions.start_sign_in(db, person, now=now, device=device_of_request())


def _by_invitation(rt: Runtime, given: str, now: datetime) -> NewSignIn:
    # Codes are short, so all tries count together; a link's token cannot be guessed and is never held up by them.
    with rt.db.transaction(EVERY_CLINIC) as db:
        if len(given) < 40:
            refuse_too_many(actions.take_try(db, digest("code"), now=now), allowed=rules.CODE_TRIES_ALLOWED)
        made = actions.redeem(db, given, now=now, device=device_of_request())
    if made is None:
        raise Invalid({"code": gettext("This code or link no longer works. Ask your clinic for a new one")})
    return made


def refuse_too_many(tries: int, *, allowed: int) -> None:
    """TooMany if this try is one more than a window allows; it is not counted then."""
    if tries > allowed:
        raise TooMany(retry_after_seconds=int(rules.TRIES_WINDOW.total_seconds()))


def device_of_request() -> str:
    """What kind of device this request comes from, as it says itself."""
    return rules.device_of(request.headers.get("User-Agent", ""))


def signed_in(made: NewSignIn, *, to: str = "") -> Response:
    """The answer that signs this browser in and leads to the person's start page, or to `to`."""
    return set_cookie(make_response(redirect(to or home_of(made.person.roles), code=303)), made)


def set_cookie(response: Response, made: NewSignIn) -> Response:
    """The same answer with the cookie of a new sign-in."""
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


def signed_out(to: str) -> AnyResponse:
    """The answer that takes the cookie away and leads to `to`."""
    response = redirect(to, code=303)
    secure = current_runtime().config.is_secure
    response.delete_cookie(cookie_name(), path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def home_of(held: Iterable[str]) -> str:
    """The start page of somebody with these roles."""
    own = set(held)
    if not own.isdisjoint(CARERS):
        return "/console/"
    return "/console/coverage" if MANAGER in own else "/"


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
