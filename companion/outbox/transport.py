"""Puts letters on the wire: e-mail over SMTP, and a signed webhook for a gateway that sends SMS."""

import asyncio
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiohttp

from companion.accounts.rules import is_address
from companion.config import Config
from companion.errors import Misconfigured
from companion.push.transport import Outcome, Result, classify

SEND_SECONDS = 10
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NETWORK_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person by another way than push; it says as little."""

    id: UUID
    recipient_id: UUID
    address: str
    subject: str
    text: str
    link: str
    lang: str
    is_urgent: bool


class Courier(Protocol):
    """What carries letters of one channel."""

    def send_many(self, letters: Sequence[Letter]) -> list[Result]:
        """One result for each letter, in order; raises for none of them."""
        ...


def couriers(config: Config, now: Callable[[], datetime]) -> dict[str, Courier]:
    """The channels that are configured, by name; Misconfigured where a setting makes no sense."""
    found: dict[str, Courier] = {}
    if config.smtp_url.get_secret_value():
        found["email"] = Mail(config.smtp_url.get_secret_value(), config.smtp_from, now)
    if config.webhook_url:
        found["webhook"] = Webhook(config.webhook_url, config.webhook_secret.get_secret_value(), now)
    return found


class Mail:
    """Sends e-mails over one connection for each batch, encrypted unless the server is on this machine."""

    def __init__(self, url: str, sender: str, now: Callable[[], datetime], *, seconds: float = SEND_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Misconfigured("COMPANION_SMTP_URL must begin with smtp:// or smtps:// and name a host.")
        if "@" not in parseaddr(sender)[1]:
            raise Misconfigured("COMPANION_SMTP_FROM must be an e-mail address.")
        self._host, self._is_tls = parts.hostname, parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._now, self._seconds = sender, now, seconds

    def send_many(self, letters: Sequence[Letter]) -> list[Result]:
        """One result for each letter, in order. What does not fit into the time that a batch has is tried later."""
        results: list[Result] = []
        rest: Outcome = "retry"
        code: int | None = None
        until = time.monotonic() + self._seconds
        try:
            with self._connect() as server:
                for letter in letters:
                    if time.monotonic() > until:
                        break
                    results.append(self._send(server, letter))
        except smtplib.SMTPResponseException as error:
            rest, code = _outcome(error.smtp_code), error.smtp_code
        except smtplib.SMTPNotSupportedError:  # no encryption, or no way to sign in: our own settings
            rest = "refused"
        except (smtplib.SMTPException, OSError):
            rest = "retry"
        return [*results, *(Result(letter.recipient_id, rest, code) for letter in letters[len(results) :])]

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._seconds, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._seconds)
            if self._host not in _LOOPBACK:
                server.starttls(context=context)
        if self._user:
            server.login(self._user, self._password)
        return server

    def _send(self, server: smtplib.SMTP, letter: Letter) -> Result:
        # Python's mail library raises on some of these, and writes to somebody else for others.
        if not is_address(letter.address):
            return Result(letter.recipient_id, "refused")
        try:
            server.send_message(self._mail(letter))
        except ValueError:  # an address that no header can hold
            return Result(letter.recipient_id, "refused")
        except smtplib.SMTPRecipientsRefused as error:
            (code, _), *_ = error.recipients.values()
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
        else:
            code = 250
        return Result(letter.recipient_id, _outcome(code), code)

    def _mail(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, letter.address, letter.subject
        mail["Date"] = format_datetime(self._now())
        # A second copy of a message has the same id, so that mail programs show one.
        mail["Message-ID"] = f"<{letter.id}@{parseaddr(self._sender)[1].partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = letter.lang
        if letter.is_urgent:
            mail["Importance"] = "high"
        mail.set_content(f"{letter.text}\n\n{letter.link}\n")
        return mail


class Webhook:
    """Posts letters to a gateway, signed: `Companion-Signature: t=<Unix seconds>, v1=<HMAC-SHA256 in hex>`.

    The MAC is over the seconds, a dot and the body; a gateway refuses what is older than some minutes.
    """

    def __init__(self, url: str, secret: str, now: Callable[[], datetime], *, seconds: float = SEND_SECONDS) -> None:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or is_local):
            raise Misconfigured("COMPANION_WEBHOOK_URL must begin with https:// (or http:// on this machine).")
        if len(secret) < 32:
            raise Misconfigured("COMPANION_WEBHOOK_SECRET must have at least 32 characters.")
        self._url, self._secret, self._now, self._seconds = url, secret.encode(), now, seconds

    def send_many(self, letters: Sequence[Letter]) -> list[Result]:
        """One result for each letter, in order."""
        return asyncio.run(self._send_many(letters))

    async def _send_many(self, letters: Sequence[Letter]) -> list[Result]:
        timeout = aiohttp.ClientTimeout(total=self._seconds)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            return await asyncio.gather(*(self._send(session, letter) for letter in letters))

    async def _send(self, session: aiohttp.ClientSession, letter: Letter) -> Result:
        body = json.dumps(_as_json(letter), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **signature(self._secret, body, self._now())}
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                await response.content.read(4096)
                retry_after = response.headers.get("Retry-After")
                found = classify(letter.recipient_id, response.status, retry_after, self._now())
        except _NETWORK_FAULTS:
            return Result(letter.recipient_id, "retry")
        # The gateway itself is missing, not a person's device.
        return Result(letter.recipient_id, "refused", found.status_code) if found.outcome == "gone" else found


def signature(secret: bytes, body: bytes, now: datetime) -> Mapping[str, str]:
    """The header that proves who sent this body, and when."""
    at = str(int(now.timestamp()))
    mac = hmac.digest(secret, f"{at}.".encode() + body, "sha256").hex()
    return {"Companion-Signature": f"t={at}, v1={mac}"}


def _as_json(letter: Letter) -> dict[str, object]:
    return {
        "id": str(letter.id),
        "recipient": {"id": str(letter.recipient_id), "email": letter.address},
        "text": letter.text,
        "url": letter.link,
        "lang": letter.lang,
        "is_urgent": letter.is_urgent,
    }


def _outcome(code: int) -> Outcome:
    if 200 <= code < 300:
        return "accepted"
    return "retry" if 400 <= code < 500 else "refused"
