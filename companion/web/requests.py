"""Reading a request strictly: what cannot be read is refused, never guessed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from flask import request
from flask_babel import gettext
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped] # it has no types
from werkzeug.exceptions import ClientDisconnected

from companion.errors import CompanionError, Invalid, Malformed
from companion.languages import N_

TOO_LONG_NUMBER = 20


class TooLarge(Malformed):
    """The body is larger than this endpoint takes."""

    status, code = 413, "too_large"


class Interrupted(CompanionError):
    """The body did not come whole in time. Nothing is known of it: whoever sent it tries again."""

    status, code = 408, "interrupted"


def read_json(limit_bytes: int) -> dict[str, Any]:
    """The JSON object in the body; Malformed for anything that is not one, TooLarge past `limit_bytes`.

    Refuses duplicate keys, NaN and infinities, numbers of absurd length, other encodings than UTF-8, lone
    surrogates and NUL, none of which Python's reader minds.
    """
    if request.mimetype != "application/json":
        raise Malformed(N_("This address takes JSON."))
    if (request.content_length or 0) > limit_bytes:
        raise TooLarge
    with _whole_body():
        raw = request.stream.read(limit_bytes + 1)
    if len(raw) > limit_bytes:
        raise TooLarge
    return parse_json(raw)


@contextmanager
def _whole_body() -> Iterator[None]:
    """Interrupted where the body breaks off or comes too slowly, Malformed where its chunks cannot be told apart."""
    try:
        yield
    except (OSError, ClientDisconnected):
        raise Interrupted from None
    except ParseException:
        raise Malformed from None


def parse_json(raw: bytes) -> dict[str, Any]:
    """As `read_json`, for bytes."""
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_short_int,
            parse_float=_finite_float,
        )
    except (ValueError, RecursionError):
        raise Malformed(N_("The body is not readable JSON.")) from None
    if not isinstance(parsed, dict):
        raise Malformed(N_("The body is not a JSON object."))
    _refuse_bad_text(parsed)
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise Invalid({"": gettext("Not a number")})


def _short_int(digits: str) -> int:
    if len(digits) > 400:
        raise ValueError("number too long")
    if len(digits) > TOO_LONG_NUMBER:
        raise Invalid({"": gettext("Number out of range")})
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise Invalid({"": gettext("Number out of range")})
    return value


def _refuse_bad_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise Invalid({"": gettext("The text holds characters that cannot be kept")})
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_bad_text(key)
            _refuse_bad_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_bad_text(inner)


def form_fields() -> dict[str, list[str]]:
    """The fields of a posted form; Malformed where it does not come whole, brings files, or a value holds NUL or cannot
    be text.
    """
    with _whole_body():
        request.form  # noqa: B018 - read here
    if request.files:
        raise Malformed(N_("No form of ours takes files."))
    fields = {name: request.form.getlist(name) for name in request.form}
    if any("\0" in value or "\ufffd" in value for values in fields.values() for value in values):
        raise Malformed(N_("The form holds characters that cannot be kept."))
    return fields
