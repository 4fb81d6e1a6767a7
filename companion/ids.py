"""Identifiers and secrets: random, never guessable, never meaningful, but for one reserved clinic."""

import hashlib
import secrets
import uuid

# Crockford's base32 without the letters people confuse; read aloud and typed on a phone.
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CONFUSED = str.maketrans("OIL", "011")

# The clinic that only proves, again and again, that alerts get through; it is in no list of clinics.
CANARY_CLINIC = uuid.UUID("00000000-0000-4000-8000-00000000cafe")


def new_id() -> uuid.UUID:
    """A random identifier; an id is never a permission."""
    return uuid.uuid4()


def derived_id(base: uuid.UUID, text: str) -> uuid.UUID:
    """The identifier of what `text` says about `base`: the same whenever it is asked for."""
    return uuid.uuid5(base, text)


def new_token() -> str:
    """256 random bits as 43 base64url characters."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A code for typing: 8 characters, 40 random bits, shown as two groups of four."""
    letters = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def new_digits() -> str:
    """A code of six digits: a million codes, so it lives for minutes and its tries are counted."""
    return f"{secrets.randbelow(1_000_000):06}"


def plain_code(typed: str) -> str:
    """The code as it was made, however it was typed: case, spaces, dashes and look-alike letters do not matter."""
    letters = "".join(c for c in typed.upper().translate(_CONFUSED) if c in _CODE_ALPHABET)
    return f"{letters[:4]}-{letters[4:]}"


def digest(secret: str) -> str:
    """What is stored instead of a token or code: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()
