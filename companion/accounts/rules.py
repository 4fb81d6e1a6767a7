"""How long sign-ins and invitations last, and what a good password is. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

ROLES = ("patient", "nurse", "clinician", "manager")
PATIENT_SIGN_IN = timedelta(days=90)
STAFF_SIGN_IN = timedelta(hours=12)
DESK_INVITATION = timedelta(minutes=15)
# A proposal: when most people do not want to be reminded of anything.
QUIET_HOURS = ("21:00", "08:00")
PASSWORD_MIN, PASSWORD_MAX = 12, 128
TRIES_ALLOWED, CODE_TRIES_ALLOWED, TRIES_WINDOW = 10, 30, timedelta(minutes=15)
# Ends of use are written down only when they move by this much, so that reading a page rarely writes.
SEEN_STEP = timedelta(minutes=5)


# What every mail server takes: plain letters, digits and signs, no quoting. "=?" would be read as a code for others.
_LOCAL = r"(?!=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_JOINER = re.compile("(.)[\u200c\u200d]")
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(\.{_LABEL})*")


class PasswordFault(Enum):
    """Why a password is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_COMMON = "too_common"


@dataclass(frozen=True, slots=True)
class Tries:
    """Tries since `started_at`."""

    started_at: datetime
    count: int


def is_address(email: str) -> bool:
    """Whether this can be one e-mail address and nothing else; a host of one word, as `localhost`, counts too."""
    return len(email) <= 254 and _ADDRESS.fullmatch(email) is not None


def is_name(name: str) -> bool:
    """Whether this can stand as a name: 1 to 100 characters that are seen, and joiners after what they can join.

    Persian and the scripts of India write joiners within and at the end of words, emoji between their parts.
    """
    seen = _JOINER.sub(lambda found: found[1] if unicodedata.category(found[1])[0] in "LMS" else found[0], name)
    return 1 <= len(name) <= 100 and seen.isprintable()


def device_of(user_agent: str) -> str:
    """What kind of device a browser says it is: "iphone", "ipad", "android" or "computer"."""
    for mark, kind in (("iPhone", "iphone"), ("iPad", "ipad"), ("Android", "android")):
        if mark in user_agent:
            return kind
    return "computer"


def end_of_quiet(at: datetime, zone: str, *, quiet_from: str | None, quiet_until: str | None) -> datetime | None:
    """When the quiet hours end that `at` falls into, in UTC; None outside of them. They may go over midnight."""
    if not quiet_from or not quiet_until or quiet_from == quiet_until:
        return None
    tz, begin, end = ZoneInfo(zone), time.fromisoformat(quiet_from), time.fromisoformat(quiet_until)
    local = at.astimezone(tz)
    clock = local.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return None
    on = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(on, end, tz).astimezone(UTC)


def sign_in_lasts(roles: Iterable[str]) -> timedelta:
    """90 days on a patient's phone; 12 hours for anybody who can see other people's data."""
    return PATIENT_SIGN_IN if set(roles) == {"patient"} else STAFF_SIGN_IN


def fault_of_password(password: str, *, about: Iterable[str]) -> PasswordFault | None:
    """Length counts (12 to 128 characters); words that everybody tries, or that are about the person, do not."""
    if len(password) < PASSWORD_MIN:
        return PasswordFault.TOO_SHORT
    if len(password) > PASSWORD_MAX:
        return PasswordFault.TOO_LONG
    plain = "".join(password.lower().split())
    guesses = {"password", "aftercare", "companion", "clinic", *(word.lower() for word in about if word)}
    is_repeated = len(set(plain)) < 5
    is_guess = any(plain.replace(guess, "").strip("0123456789!?.-_") == "" for guess in guesses)
    return PasswordFault.TOO_COMMON if is_repeated or is_guess else None


def after_try(tries: Tries, now: datetime) -> Tries:
    """The count after one more try; a new window begins 15 minutes after the last one began."""
    if now >= tries.started_at + TRIES_WINDOW:
        return Tries(started_at=now, count=1)
    return Tries(started_at=tries.started_at, count=tries.count + 1)
