"""Who may call what: the role of every endpoint, refusal of cross-site requests, security headers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast
from uuid import UUID

from flask import Flask, Response, current_app, request
from flask_login import current_user

from companion.config import Config
from companion.errors import NotAllowed, NotFound, SignInNeeded

ANYONE = "anyone"
PATIENT = "patient"
NURSE = "nurse"
CLINICIAN = "clinician"
MANAGER = "manager"
# A clinician may do all that a nurse may; a manager sees no clinical content.
CARERS = (NURSE, CLINICIAN)
EVERY_ROLE = (PATIENT, NURSE, CLINICIAN, MANAGER)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_View = TypeVar("_View", bound=Callable[..., object])

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person: who, of which clinic, with which roles."""

    id: UUID
    clinic_id: UUID
    name: str
    roles: frozenset[str]
    subject_key: str
    locale: str
    sign_in_id: UUID
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login calls the user's id."""
        return str(self.id)

    def may(self, *roles: str) -> bool:
        """Whether the person has one of these roles."""
        return not self.roles.isdisjoint(roles)


def roles(*allowed: str) -> Callable[[_View], _View]:
    """State who may call a view; an endpoint without it stops the application from starting."""

    def mark(view: _View) -> _View:
        view.allowed_roles = frozenset(allowed)  # type: ignore[attr-defined] # read by `allowed_roles`
        return view

    return mark


def allowed_roles(app: Flask, endpoint: str) -> frozenset[str] | None:
    """The roles an endpoint states, None where it states none."""
    return cast("frozenset[str] | None", getattr(app.view_functions[endpoint], "allowed_roles", None))


def current_actor() -> Actor:
    """The person who makes this request; SignInNeeded where nobody is signed in."""
    actor = actor_or_none()
    if actor is None:
        raise SignInNeeded
    return actor


def actor_or_none() -> Actor | None:
    """The person who makes this request, None where nobody is signed in."""
    # Flask-Login hands out a proxy, and somebody anonymous where nobody is signed in.
    actor = current_user._get_current_object()
    return actor if isinstance(actor, Actor) else None


def install(app: Flask, config: Config) -> None:
    """Guard every request of `app`. Call it after all blueprints are registered."""
    silent = [rule.endpoint for rule in app.url_map.iter_rules() if allowed_roles(app, rule.endpoint) is None]
    if silent:
        raise RuntimeError(f"these endpoints do not say who may call them: {sorted(set(silent))}")

    @app.before_request
    def _guard() -> None:
        refuse_cross_site(config.origin)
        _require_role()

    app.after_request(_add_headers)


def refuse_cross_site(origin: str) -> None:
    """NotAllowed for a request that may change something and does not come from our own pages.

    Browsers say where a request comes from: Sec-Fetch-Site, or Origin in older ones. One of them must be there.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    is_ours = site == "same-origin" if site is not None else request.headers.get("Origin") == origin
    if not is_ours:
        raise NotAllowed


def _require_role() -> None:
    if request.endpoint is None:
        return
    allowed = allowed_roles(current_app, request.endpoint) or frozenset()
    if ANYONE in allowed:
        return
    if not current_actor().may(*allowed):
        # That the page exists is not told to those who may not see it.
        raise NotFound


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers["Aftercare-Companion"] = "1"  # the service worker tells our own error pages from a gateway's by it
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
