"""When reminders are to wait, as checked values."""

import re

from flask_babel import gettext

from companion.errors import Invalid

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def parse_quiet_hours(fields: dict[str, list[str]]) -> tuple[str, str] | None:
    """Two times of the day; None where both are empty, which means that reminders never wait."""
    begin, end = (fields.get(name, [""])[0].strip() for name in ("quiet_from", "quiet_until"))
    if not begin and not end:
        return None
    if not (_TIME.fullmatch(begin) and _TIME.fullmatch(end)):
        raise Invalid({"quiet_from": gettext("Enter two times, like 21:00 and 08:00, or leave both empty")})
    if begin == end:
        raise Invalid({"quiet_from": gettext("Enter two different times")})
    return begin, end
