"""Puts pushes on the wire: `webpush` encrypts, one `aiohttp` session posts, the answer is classified."""

import asyncio
import base64
import hashlib
import ipaddress
import json
import logging
import math
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import jwt
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from cryptography.hazmat.primitives import serialization
from webpush import WebPush
from webpush.types import WebPushSubscription
from webpush.vapid import VAPID

from companion.config import Config, Secrets

log = logging.getLogger(__name__)
Outcome = Literal["accepted", "gone", "retry", "refused"]
# What was answered is settled so soon, whatever hangs beside it: killed in between, a worker sends it again.
PART_SECONDS = 0.05
# One push service that hangs leaves as many connections to the others.
IN_FLIGHT, IN_FLIGHT_EACH = 100, 50
# After so many failures in a row a push service is left alone for a while, then asked with one message.
FAILURES, REST_SECONDS = 5, 15
LONGEST_WAIT_SECONDS = 86_400
# All payloads have one size, so that it tells nothing; below the 2,744 bytes of plain text that every bridge takes.
PAYLOAD_BYTES = 1536
_TOKEN_LASTS = timedelta(hours=12)
_TOKEN_MARGIN = timedelta(hours=1)
# What aiohttp raises when the network, the name or the other side fails: none of it is the message's fault.
_NETWORK_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one device. `tag` names the message on the phone; `topic` replaces a queued one of that name.

    `key_id` names our key that the device subscribed for: a push service takes nothing that another one signed.
    """

    device_id: UUID
    endpoint: str
    p256dh: str
    auth: str
    key_id: str
    title: str
    body: str
    navigate: str
    receipt: str
    tag: str
    lang: str
    ttl_seconds: int
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a push service said: accepted is not delivered, gone is final, refused is our own fault."""

    device_id: UUID
    outcome: Outcome
    status_code: int | None = None
    retry_after_seconds: int | None = None


class _CachedVapid(VAPID):
    """Signs once per push service and reuses the header for hours; the port and the contact stay as they are."""

    def __init__(self, pem: bytes, contact: str, now: Callable[[], datetime]) -> None:
        key = serialization.load_pem_private_key(pem, password=None).public_key()
        super().__init__(
            pem, key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self._contact, self._now = contact, now
        self._public_key = base64.urlsafe_b64encode(point).rstrip(b"=").decode()
        self._headers: dict[str, tuple[datetime, str]] = {}

    def get_authorization_header(self, endpoint: Any, subscriber: str, expiration: int) -> str:  # noqa: ARG002
        parts = urlsplit(str(endpoint))
        origin, now = f"{parts.scheme}://{parts.netloc}", self._now()
        until, header = self._headers.get(origin, (now, ""))
        if until - now <= _TOKEN_MARGIN or until - now > _TOKEN_LASTS:
            until = now + _TOKEN_LASTS
            claims = {"aud": origin, "exp": int(until.timestamp()), "sub": self._contact}
            header = f"vapid t={jwt.encode(claims, key=self.private_key, algorithm='ES256')}, k={self._public_key}"
            self._headers[origin] = (until, header)
        return header


class _PublicOnly(AbstractResolver):
    """Resolves names to public addresses only: a push service does not live in the clinic's own network."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError("the name of a push service leads to no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


class _Breaker:
    """Leaves a push service that keeps failing alone, so that waiting for it holds up nobody else."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}

    def seconds_to_rest(self, host: str) -> int:
        """How long to wait yet; 0 lets one message through, and the next only if that one went well."""
        if self._failures.get(host, 0) < FAILURES:
            return 0
        left = self._rests_until[host] - time.monotonic()
        if left <= 0:
            self._rests_until[host] = time.monotonic() + REST_SECONDS
        return max(0, int(left) + (left > 0))

    def note(self, host: str, *, has_failed: bool) -> None:
        """Remember how the last message went."""
        self._failures[host] = self._failures.get(host, 0) + 1 if has_failed else 0
        self._rests_until[host] = time.monotonic() + REST_SECONDS


class _Waits:
    """Asks no device's push service earlier than it said, while other devices of the same message are tried."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[datetime, int]] = {}

    def seconds_left(self, endpoint: str, now: datetime) -> int:
        """How long to wait yet; a clock that was set back ends it."""
        at, seconds = self._asked.get(endpoint, (now, 0))
        passed = (now - at).total_seconds()
        if not 0 <= passed < seconds:
            self._asked.pop(endpoint, None)
            return 0
        return math.ceil(seconds - passed)

    def note(self, endpoint: str, seconds: int, now: datetime) -> None:
        """Remember what it asked for."""
        self._asked[endpoint] = (now, seconds)


class Transport:
    """Sends pushes; owns an event loop and one session with kept connections. Use it from one thread, close it."""

    def __init__(self, config: Config, secrets: Secrets, now: Callable[[], datetime]) -> None:
        self._now = now
        self._encrypters = {
            key_id: _encrypter(pem, config.push_contact, now) for key_id, pem in secrets.vapid_keys.items()
        }
        self._seconds = config.push_seconds
        self._only_public = not config.push_insecure_loopback
        self._breaker, self._waits = _Breaker(), _Waits()
        self._loop = asyncio.new_event_loop()
        self._session: aiohttp.ClientSession | None = None

    def send_in_parts(self, pushes: Sequence[Push]) -> Generator[dict[int, Result], None, None]:
        """Results by the place of their push, as they come: who answers soon waits for nobody that hangs.

        One for each push; never raises for a single bad one.
        """
        session = self._loop.run_until_complete(self._opened())
        places = {self._loop.create_task(self._send(push, session)): place for place, push in enumerate(pushes)}
        waiting = set(places)
        try:
            while waiting:
                done, waiting = self._loop.run_until_complete(asyncio.wait(waiting, timeout=PART_SECONDS))
                if done:
                    yield {places[task]: task.result() for task in done}
        finally:
            for task in waiting:
                task.cancel()
            self._loop.run_until_complete(_ended(waiting))

    def close(self) -> None:
        """Close the connections and the loop."""
        if self._session:
            self._loop.run_until_complete(self._session.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = _PublicOnly() if self._only_public else ThreadedResolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=IN_FLIGHT, limit_per_host=IN_FLIGHT_EACH, resolver=resolver),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                trust_env=False,
            )
        return self._session

    async def _send(self, push: Push, session: aiohttp.ClientSession) -> Result:
        if push.key_id not in self._encrypters:  # signed by another key it would be refused: the device is kept
            return Result(push.device_id, "refused")
        host = urlsplit(push.endpoint).netloc
        if rest := self._waits.seconds_left(push.endpoint, self._now()) or self._breaker.seconds_to_rest(host):
            return Result(push.device_id, "retry", None, rest)
        content = payload(push)
        if len(content) > PAYLOAD_BYTES:
            log.error("a push is longer than %s bytes and was not sent", PAYLOAD_BYTES)
            return Result(push.device_id, "refused")
        try:
            result = await self._post(push, session, content)
            if result.status_code == 413:
                log.error("a push was too long for its service: sent again without padding")
                again = await self._post(push, session, content.rstrip())
                result = Result(push.device_id, again.outcome, 413) if again.outcome == "accepted" else result
        except ValueError:  # keys that passed our checks and still are none: this device can never be told
            return Result(push.device_id, "gone")
        except _NETWORK_FAULTS:
            result = Result(push.device_id, "retry")
        except Exception as error:  # noqa: BLE001 - what nobody foresaw in one push must not hold up the others
            log.error("a push failed: %s", type(error).__name__)
            result = Result(push.device_id, "retry")
        if result.retry_after_seconds:
            self._waits.note(push.endpoint, result.retry_after_seconds, self._now())
        # Being asked to wait is no failure of the service.
        self._breaker.note(host, has_failed=result.outcome == "retry" and result.status_code != 429)
        return result

    async def _post(self, push: Push, session: aiohttp.ClientSession, content: bytes) -> Result:
        body, headers = self._request(push, content)
        async with session.post(push.endpoint, data=body, headers=headers, allow_redirects=False) as response:
            await response.content.read(4096)
            return classify(push.device_id, response.status, response.headers.get("Retry-After"), self._now())

    def _request(self, push: Push, content: bytes) -> tuple[bytes, dict[str, str]]:
        target = WebPushSubscription.model_validate(
            {"endpoint": push.endpoint, "keys": {"p256dh": push.p256dh, "auth": push.auth}}
        )
        message = self._encrypters[push.key_id].get(content, target)
        return message.encrypted, {
            "Authorization": message.headers["authorization"],
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(push.ttl_seconds),
            "Topic": topic(push.tag),
            "Urgency": "high" if push.is_urgent else "normal",
        }


async def _ended(tasks: set["asyncio.Task[Result]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _encrypter(pem: bytes, contact: str, now: Callable[[], datetime]) -> WebPush:
    vapid = _CachedVapid(pem, contact, now)
    public = vapid.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    made = WebPush(pem, public, subscriber="unused@companion.example.org")
    made.vapid = vapid
    return made


def payload(push: Push) -> bytes:
    """The declarative form (`web_push: 8030`) that browsers and our service worker read, padded to one size."""
    notification = {
        "title": push.title,
        "body": push.body,
        "navigate": push.navigate,
        "tag": push.tag,
        "lang": push.lang,
        "data": {"receipt": push.receipt},
    }
    # Mutable: browsers that show it by themselves still let our worker see it, which sends the receipt.
    message = {"web_push": 8030, "notification": notification, "mutable": True}
    return json.dumps(message, ensure_ascii=False).encode().ljust(PAYLOAD_BYTES)


def topic(tag: str) -> str:
    """32 base64url characters of a hash: the push service learns nothing from it."""
    return base64.urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()


def classify(device_id: UUID, status: int, retry_after: str | None, now: datetime) -> Result:
    """What an answer means: 2xx accepted, 404 and 410 gone, 429 and 5xx later, anything else our own fault."""
    if 200 <= status < 300:
        return Result(device_id, "accepted", status)
    if status in (404, 410):
        return Result(device_id, "gone", status)
    if status == 429 or status >= 500:
        return Result(device_id, "retry", status, _seconds(retry_after, now))
    return Result(device_id, "refused", status)


def is_public(address: str) -> bool:
    """Whether an IP address is anybody's: global, no multicast, no way around through NAT64 or 6to4."""
    ip = ipaddress.ip_address(address)
    tunnels = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in tunnels if net.version == ip.version)


def _seconds(retry_after: str | None, now: datetime) -> int | None:
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return min(int(retry_after[:6]), LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(retry_after)
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0, min(int((aware - now).total_seconds()), LONGEST_WAIT_SECONDS))
    except (ValueError, OverflowError):  # no date, or one that no calendar has
        return None
