"""Proof on the wire: a device of our own on loopback that decrypts and checks its pushes, and the outside ping."""

import base64
import json
import secrets
import threading
import urllib.request
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from companion.errors import Misconfigured

PING_SECONDS = 10


class Loopback:
    """A receiver of pushes in this process. It takes only what a strict push service and a browser would."""

    def __init__(self, vapid_key: str, now: Callable[[], datetime]) -> None:
        self._vapid_key, self._now = vapid_key, now
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._secret = secrets.token_bytes(16)
        self._receipts: dict[str, str] = {}
        self._changed = threading.Condition()
        self._is_closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._take))
        self._origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="loopback", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Where it takes pushes."""
        return f"{self._origin}/canary"

    @property
    def keys(self) -> tuple[str, str]:
        """`p256dh` and `auth` of its subscription."""
        return _base64url(self._point), _base64url(self._secret)

    def receipt_of(self, tags: set[str], seconds: float) -> str | None:
        """The receipt's path of the first push with one of these tags, once it comes; None if it takes too long."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or tags & self._receipts.keys(), seconds)
            found = [self._receipts.pop(tag) for tag in tags & self._receipts.keys()]
            return found[0] if found else None

    def close(self) -> None:
        """Stop listening; whoever waits for a push waits no longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, authorization: str, body: bytes) -> int:
        if not self._is_ours(authorization):
            return 403
        try:
            notification = json.loads(self._decrypt(body))["notification"]
            tag, receipt = str(notification["tag"]), str(notification["data"]["receipt"])
        except (ValueError, KeyError, TypeError, InvalidTag):
            return 400
        with self._changed:
            self._receipts[tag] = receipt
            self._changed.notify_all()
        return 201

    def _is_ours(self, authorization: str) -> bool:
        token, _, key = authorization.removeprefix("vapid t=").partition(", k=")
        if key != self._vapid_key:
            return False
        point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        try:
            # Its times are judged by our own clock.
            claims = jwt.decode(token, public, ["ES256"], audience=self._origin, options={"verify_exp": False})
        except jwt.InvalidTokenError:
            return False
        return 0 < float(claims["exp"]) - self._now().timestamp() <= 86_400

    def _decrypt(self, body: bytes) -> bytes:
        # RFC 8188 section 2.1 and RFC 8291 section 3.4: salt, record size, length and point of the sender's key.
        salt, sender, sealed = body[:16], body[21:86], body[86:]
        shared = self._private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _derive(shared, self._secret, b"WebPush: info\0" + self._point + sender, 32)
        key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0").removesuffix(b"\2")


def ping(url: str) -> None:
    """Tell the outside that alerts get through; Misconfigured for an address that is neither https nor loopback."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if parts.scheme != "https" and not is_local:
        raise Misconfigured("COMPANION_PING_URL must begin with https://.")
    with urllib.request.urlopen(url, timeout=PING_SECONDS) as answer:  # noqa: S310 - the operator's own setting
        answer.read(1024)


def _handler(take: Callable[[str, bytes], int]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 8192))
            self.send_response(take(self.headers.get("Authorization", ""), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what it takes is a proof, not news."""

    return Handler


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
