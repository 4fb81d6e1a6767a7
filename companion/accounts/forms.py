"""The sign-in forms' fields as checked values."""

from dataclasses import dataclass

from flask_babel import gettext

from companion.accounts import rules
from companion.errors import Invalid


@dataclass(frozen=True, slots=True)
class PasswordSignIn:
    """An e-mail address and a password to try."""

    email: str
    password: str


def parse_sign_in(fields: dict[str, list[str]]) -> PasswordSignIn:
    """Invalid if one of the two is missing or absurdly long."""
    email, password = (fields.get(name, [""])[0] for name in ("email", "password"))
    faults = {}
    if not 3 <= len(email.strip()) <= 254 or "@" not in email:
        faults["email"] = gettext("Enter your e-mail address, like name@example.com")
    if not 1 <= len(password) <= rules.PASSWORD_MAX:
        faults["password"] = gettext("Enter your password")
    if faults:
        raise Invalid(faults)
    return PasswordSignIn(email=email.strip().lower(), password=password)


def parse_invitation(fields: dict[str, list[str]]) -> str:
    """The link's token, or the code somebody typed."""
    given = (fields.get("token", [""])[0] or fields.get("code", [""])[0]).strip()
    if not 8 <= len(given) <= 64:
        raise Invalid({"code": gettext("Enter the 8 letters and numbers from your clinic")})
    return given


def parse_way_back(fields: dict[str, list[str]]) -> str:
    """The page somebody came from, as a path on this site; the start page for anything else."""
    given = fields.get("back", [""])[0]
    is_ours = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable()
    return given if is_ours and len(given) <= 200 else "/"


def parse_contact(fields: dict[str, list[str]]) -> str | None:
    """The address for e-mail to a patient, or None; Invalid if it is no address or nobody was asked."""
    email = fields.get("contact_email", [""])[0].strip()
    if not email:
        return None
    if not rules.is_address(email) or "." not in email.partition("@")[2]:
        raise Invalid({"contact_email": gettext("Enter an e-mail address, like name@example.com")})
    if not fields.get("contact_agreed"):
        raise Invalid({"contact_agreed": gettext("Ask the patient, then tick this. Or leave the address empty")})
    return email


def parse_new_password(fields: dict[str, list[str]], *, about: list[str]) -> str:
    """A new password that is long enough and not the first one anybody would try."""
    password = fields.get("password", [""])[0]
    sentences = {
        rules.PasswordFault.TOO_SHORT: gettext("Use at least 12 characters. Four words are easy to remember"),
        rules.PasswordFault.TOO_LONG: gettext("Use at most 128 characters"),
        rules.PasswordFault.TOO_COMMON: gettext("This is easy to guess. Choose other words"),
    }
    if fault := rules.fault_of_password(password, about=about):
        raise Invalid({"password": sentences[fault]})
    return password
