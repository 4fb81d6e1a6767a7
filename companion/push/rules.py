"""Which endpoints and keys are accepted: an endpoint is outside data that we will connect to. Pure."""

import base64
import binascii
import re
from urllib.parse import urlsplit

MAX_DEVICES = 10
MAX_ENDPOINT = 1024
# The curve P-256: y^2 = x^3 - 3x + b over the field of p (SEC 2, section 2.4.2).
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def is_allowed_endpoint(endpoint: str, hosts: tuple[str, ...], *, insecure_loopback: bool = False) -> bool:
    """Whether we may send to this address: https, port 443, a push service on the list, nothing odd in it.

    A host on the list is exact, or `*.` and a suffix that only whole labels match. `insecure_loopback` is for tests.
    """
    if len(endpoint) > MAX_ENDPOINT or not re.fullmatch(r"[\x21-\x7e]+", endpoint) or re.search(r'[\\<>"#@]', endpoint):
        return False
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if insecure_loopback and parts.scheme == "http" and host == "127.0.0.1":
        return True
    is_plain = parts.scheme == "https" and port in (None, 443) and endpoint.startswith("https://")
    return is_plain and bool(_HOST.fullmatch(host)) and any(_matches(host, allowed) for allowed in hosts)


def is_good_point(p256dh: str) -> bool:
    """Whether this is a device's public key: 65 bytes, uncompressed, on the curve P-256."""
    point = _decode(p256dh)
    if point is None or len(point) != 65 or point[0] != 4:
        return False
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0


def is_good_auth(auth: str) -> bool:
    """Whether this is a device's authentication secret: 16 bytes."""
    secret = _decode(auth)
    return secret is not None and len(secret) == 16


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) and len(host) > len(allowed) - 1 if allowed.startswith("*.") else host == allowed


def _decode(text: str) -> bytes | None:
    if not _BASE64URL.fullmatch(text):
        return None
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return None
