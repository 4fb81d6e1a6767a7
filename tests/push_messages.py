"""What a push message must be: the rules of a strict push service, and a device's keys that decrypt it."""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_BODY_BYTES = 4096  # RFC 8030 section 7.2: what every service must accept; the real ones accept no more
MAX_TTL_SECONDS = 28 * 86_400  # Firebase's limit, the smallest of them
MAX_TOKEN_SECONDS = 86_400  # RFC 8292 section 2
_CONTACT = re.compile(r"mailto:[^@\s:]+@[^@\s]+\.[^@\s]+|https://(?!localhost\b)\S+")


@dataclass(frozen=True, slots=True)
class Received:
    """A push as a device reads it: `padding` is the number of zero bytes behind the payload's delimiter."""

    payload: bytes
    padding: int
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The payload, parsed."""
        return json.loads(self.payload)


class DeviceKeys:
    """The key pair and the secret that a browser makes for one subscription."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._secret = secrets.token_bytes(16)

    @property
    def public(self) -> dict[str, str]:
        """`p256dh` and `auth` in base64url, as in PushSubscription.toJSON()."""
        return {"p256dh": base64url(self._point), "auth": base64url(self._secret)}

    def decrypt(self, body: bytes, headers: Mapping[str, str]) -> Received:
        """Read one aes128gcm record (RFC 8188, RFC 8291); ValueError names the rule that it breaks."""
        salt, record_size, sender, sealed = body[:16], int.from_bytes(body[16:20]), body[21:86], body[86:]
        if len(sealed) < 17 or body[20] != 65 or len(sealed) >= record_size:
            raise ValueError("not exactly one record with the sender's P-256 key")
        shared = self._private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _derive(shared, salt=self._secret, info=b"WebPush: info\0" + self._point + sender, length=32)
        key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
        nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
        try:
            padded = AESGCM(key).decrypt(nonce, sealed, None)
        except InvalidTag:
            raise ValueError("made for other keys, or changed on its way") from None
        unpadded = padded.rstrip(b"\0")
        if not unpadded.endswith(b"\2"):
            raise ValueError("the payload does not end with the last record's delimiter")
        return Received(payload=unpadded[:-1], padding=len(padded) - len(unpadded), headers=headers)


def base64url(value: bytes) -> str:
    """Without padding, as Web Push writes it everywhere."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def refusal(
    headers: Mapping[str, str], body: bytes, *, origin: str, vapid_key: str | None, now: float
) -> tuple[int, str] | None:
    """Status and reason with which a strict service at `origin` refuses a message; None when it is good."""
    token = _token_and_key(headers.get("Authorization", ""))
    if token is None:
        return 401, "Authorization must be: vapid t=…, k=…"
    why = _token_fault(*token, origin=origin, vapid_key=vapid_key, now=now)
    if why:
        return 403, why
    if len(body) > MAX_BODY_BYTES:
        return 413, f"{len(body)} bytes are more than {MAX_BODY_BYTES}"
    why = _header_fault(headers, has_body=bool(body))
    return (400, why) if why else None


def _header_fault(headers: Mapping[str, str], *, has_body: bool) -> str | None:
    ttl, topic = headers.get("TTL", ""), headers.get("Topic")
    if not re.fullmatch(r"[0-9]+", ttl) or int(ttl) > MAX_TTL_SECONDS:
        return f"TTL must be 0 to {MAX_TTL_SECONDS}, not {ttl!r}"
    if has_body and headers.get("Content-Encoding") != "aes128gcm":
        return "Content-Encoding must be aes128gcm"
    # Apple decodes the topic, and no base64 has a length of 4n + 1.
    if topic is not None and (not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic) or len(topic) % 4 == 1):
        return f"Topic must be up to 32 characters of base64url, not {topic!r}"
    if headers.get("Urgency", "normal") not in ("very-low", "low", "normal", "high"):
        return f"Urgency is unknown: {headers['Urgency']!r}"
    return None


def _token_and_key(authorization: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"vapid\s+t=([\w.-]+)\s*,\s*k=([\w-]+)", authorization, re.ASCII | re.IGNORECASE)
    return (found[1], found[2]) if found else None


def _token_fault(token: str, key: str, *, origin: str, vapid_key: str | None, now: float) -> str | None:
    if vapid_key is not None and key != vapid_key:
        return "the device was subscribed with another VAPID key"
    try:
        # The times are judged below, against the test's clock.
        claims = jwt.decode(
            token, _public_key(key), algorithms=["ES256"], options={"verify_exp": False, "verify_aud": False}
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        return f"the token does not verify: {error}"
    if claims.get("aud") != origin:
        return f"aud is {claims.get('aud')!r}, not {origin!r}"
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int) or not now < expires_at <= now + MAX_TOKEN_SECONDS:
        return f"exp is {expires_at!r}, not within a day of {now:.0f}"
    if not isinstance(claims.get("sub"), str) or not _CONTACT.fullmatch(claims["sub"]):
        return f"sub is {claims.get('sub')!r}, not an address that anybody could write to"
    return None


def _public_key(encoded: str) -> ec.EllipticCurvePublicKey:
    point = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _derive(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)
