"""What all pages share: the template surroundings, times as people read them, and one page per kind of error."""

import traceback
from datetime import datetime
from typing import Any

from babel import Locale
from flask import Flask, Response, current_app, jsonify, make_response, redirect, render_template, request
from flask_babel import Babel, format_datetime, format_decimal, format_time, get_locale, gettext
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, PackageLoader
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as AnyResponse

from companion.clock import to_local
from companion.errors import CompanionError, Invalid
from companion.languages import SOURCE
from companion.paths import TEMPLATES
from companion.runtime import Runtime, current_runtime
from companion.web.guards import actor_or_none

LANGUAGE_COOKIE = "language"


def install(app: Flask, current: Runtime) -> None:
    """Set up templates, languages, filters and error pages."""
    # Flask escapes *.html only; the component library's macros have another ending.
    app.jinja_env.autoescape = True
    app.jinja_env.undefined = ChainableUndefined  # the component library's macros read options that are not given
    app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), PackageLoader("nhsuk_frontend_jinja")])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Babel(app, locale_selector=_locale, default_translation_directories=str(current.config.translations))
    app.jinja_env.tests["told_in_words"] = lambda rule: str(rule).startswith("words_")
    app.add_template_filter(lambda rule: str(rule).removeprefix("sign_").removeprefix("words_"), "protocol_entry")
    app.add_template_filter(local_time)
    app.add_template_filter(local_datetime)
    app.add_template_filter(local_day)
    app.add_template_filter(local_iso_date)
    app.add_template_filter(duration)
    app.add_template_filter(format_decimal, "number")
    app.add_template_filter(language_name)
    app.add_template_global(language_of_page)
    app.add_template_global(layout)
    app.context_processor(_surroundings)
    app.register_error_handler(CompanionError, error_page)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def local_time(at: datetime, zone: str) -> str:
    """14:05"""
    return str(format_time(to_local(at, zone), "HH:mm", rebase=False))


def local_datetime(at: datetime, zone: str) -> str:
    """Monday 23 November, 14:05"""
    return str(format_datetime(to_local(at, zone), "EEEE d MMMM, HH:mm", rebase=False))


def local_day(at: datetime, zone: str) -> str:
    """Mon 23 Nov"""
    return str(format_datetime(to_local(at, zone), "EEE d MMM", rebase=False))


def duration(minutes: int) -> str:
    """Some minutes as people say them: 45 min, 1 h 17 min, 2 d 4 h."""
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        days, hours = divmod(hours, 24)
        whole, part = gettext("%(days)s d", days=days), gettext("%(hours)s h", hours=hours) if hours else ""
    elif hours:
        whole, part = gettext("%(hours)s h", hours=hours), gettext("%(minutes)s min", minutes=rest) if rest else ""
    else:
        whole, part = gettext("%(minutes)s min", minutes=rest), ""
    return f"{whole} {part}".rstrip().replace(" ", "\N{NO-BREAK SPACE}")


def local_iso_date(at: datetime, zone: str) -> str:
    """2026-11-23, as a date field wants it."""
    return f"{to_local(at, zone):%Y-%m-%d}"


def language_name(code: str) -> str:
    """A language's own name: français."""
    return str(Locale.parse(code).display_name)


def language_of_page() -> Locale:
    """The language this page is written in, with its direction."""
    return get_locale() or Locale.parse(SOURCE)


def layout() -> str:
    """The frame of a page that patients, staff and strangers share."""
    actor = actor_or_none()
    if actor is None:
        return "base.html"
    return "patient.html" if actor.roles == {"patient"} else "console.html"


def wants_json() -> bool:
    """Whether the other side reads JSON rather than a page."""
    return request.is_json or request.accept_mimetypes.best == "application/json"


def error_page(error: CompanionError) -> Response:
    """The one place that turns an error into an answer: JSON for programs, a page that says what to do for people."""
    if wants_json():
        body: dict[str, Any] = {"error": error.code, "message": sentence_of(error)}
        if isinstance(error, Invalid):
            body["fields"] = error.fields
        response = jsonify(body)
    else:
        response = make_response(render_template("web/error.html", error=error, **_words_of(error)))
    response.status_code = error.status
    if (wait := getattr(error, "retry_after_seconds", None)) is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def sentence_of(error: CompanionError) -> str:
    """What the error says, in the reader's language; empty where its kind says it all."""
    return gettext(error.text, **error.params) if error.text else ""


def _words_of(error: CompanionError) -> dict[str, str]:
    """Heading and what to do, per kind of error."""
    words = {
        "sign_in": (
            gettext("Please sign in"),
            gettext("Your sign-in has ended. What you saved on this phone is kept."),
        ),
        "not_allowed": (gettext("This did not work"), gettext("Go back, load the page again and try once more.")),
        "not_found": (gettext("Page not found"), gettext("Check the address, or go back to the start page.")),
        "conflict": (gettext("Somebody was first"), gettext("Load the page again to see what has changed.")),
        "too_many": (gettext("Too many tries"), gettext("Wait a few minutes and try again.")),
        "busy": (gettext("We could not save this"), gettext("Nothing was changed. Wait a moment and try again.")),
        "malformed": (gettext("We could not read this"), gettext("Go back, load the page again and try once more.")),
        "too_large": (gettext("This is too large"), gettext("Make it shorter and try again.")),
        "invalid": (gettext("There is a problem"), gettext("Go back and check your answers.")),
    }
    heading, advice = words.get(error.code, (gettext("This did not work"), gettext("Try again in a moment.")))
    return {"heading": heading, "advice": sentence_of(error) or advice}


def _http_error(error: HTTPException) -> Response | HTTPException | AnyResponse:
    # A request for another host has no addresses of ours, so that there is no page to show.
    if error.code is None or error.code < 400 or isinstance(error, SecurityError):
        return error
    if error.code == 405 and request.method == "GET" and request.accept_mimetypes.accept_html:
        return redirect(_page_above(request.path))
    plain = CompanionError()
    plain.status = error.code
    codes = {404: "not_found", 405: "not_found", 413: "too_large", 400: "malformed", 429: "too_many"}
    plain.code = codes.get(error.code, "error")
    response = error_page(plain)
    if isinstance(valid := getattr(error, "valid_methods", None), list | tuple | set):
        response.headers["Allow"] = ", ".join(sorted(valid))
    return response


def _page_above(path: str) -> str:
    """The nearest page above an address that only takes forms, for a browser that opens such an address once more."""
    adapter = current_app.create_url_adapter(request)
    above = path.rstrip("/").rpartition("/")[0]
    try:
        adapter.match(above or "/", method="GET")  # type: ignore[union-attr] # None only without a request
    except RequestRedirect:
        return above  # the page itself has a slash at its end
    except HTTPException:
        return _page_above(above)
    return above or "/"


def _unexpected(error: Exception) -> Response:
    # The frames name code; the exception's own text could hold what somebody wrote, so it stays out.
    frames = "".join(traceback.format_tb(error.__traceback__))
    current_app.logger.error("%s at %s\n%s", type(error).__name__, request.endpoint, frames)
    return error_page(CompanionError())


def _locale() -> str:
    codes, actor = current_runtime().languages.codes, actor_or_none()
    if actor and actor.locale in codes:
        return actor.locale
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in codes else request.accept_languages.best_match(codes) or SOURCE


def _surroundings() -> dict[str, Any]:
    runtime = current_runtime()
    actor = actor_or_none()
    return {
        "actor": actor,
        "subject": actor.subject_key if actor else "",
        "push_key": runtime.secrets.vapid_public_key,
        "is_demonstration": runtime.config.is_loopback,
        "languages": runtime.languages.codes,
        "has_passkeys": runtime.config.passkey_host is not None,
    }
