"""What a browser answers to a challenge, as checked values. The signatures are checked by `webauthn`."""

from dataclasses import dataclass
from typing import Any

from webauthn.helpers import (
    base64url_to_bytes,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, RegistrationCredential

from companion.errors import Malformed

# What the library's readers let through from bytes and base64 of outsiders.
_UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A registration's answer, and the challenge that it says it signs."""

    credential: RegistrationCredential
    challenge: bytes


@dataclass(frozen=True, slots=True)
class PasskeySignIn:
    """A sign-in's answer, the challenge that it says it signs, and whose passkey it says it is."""

    credential: AuthenticationCredential
    challenge: bytes
    user_handle: bytes


def parse_new(body: dict[str, Any]) -> NewPasskey:
    """Malformed if it is no answer to a registration."""
    try:
        credential = parse_registration_credential_json(body)
        return NewPasskey(credential, parse_client_data_json(credential.response.client_data_json).challenge)
    except _UNREADABLE:
        raise Malformed from None


def parse_sign_in(body: dict[str, Any]) -> PasskeySignIn:
    """Malformed if it is no answer to a sign-in, or does not say whose passkey it is."""
    try:
        credential = parse_authentication_credential_json(body)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
    except _UNREADABLE:
        raise Malformed from None
    if not credential.response.user_handle:
        raise Malformed
    return PasskeySignIn(credential, challenge, credential.response.user_handle)


def public_key_of(stored: str) -> bytes:
    """A stored public key as the library wants it."""
    return bytes(base64url_to_bytes(stored))
