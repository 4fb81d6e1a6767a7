"""The code that somebody types into the app, as a checked value."""

from flask_babel import gettext

from companion.access import rules
from companion.errors import Invalid


def parse_code(fields: dict[str, list[str]]) -> str:
    """Six digits, however they were grouped."""
    digits = rules.digits_of(fields.get("code", [""])[0][:40])
    if len(digits) != 6:
        raise Invalid({"code": gettext("Enter the 6 numbers that your browser shows")})
    return digits
