"""Settings from the environment (`COMPANION_…`) and the secrets beside the database."""

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from companion.errors import Misconfigured
from companion.paths import TRANSLATIONS

PUSH_HOSTS = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Config(BaseSettings):
    """Every setting, with its unit and default. The environment variable is `COMPANION_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="COMPANION_", frozen=True)

    data_dir: Path = Field(Path("var"), description="Folder of the database, the secrets and the backups.")
    database_url: str = Field("", description="SQLAlchemy address; empty means SQLite in the data folder.")
    database_owner_url: str = Field(
        "", description="PostgreSQL only: the owner's address, used by `companion migrate`."
    )
    base_url: str = Field("http://127.0.0.1:8000", description="The address people open; decides cookies and links.")
    host: str = Field("127.0.0.1", description="Address that `companion serve` and `web` listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that `companion serve` and `web` listen on.")
    web_workers: int = Field(2, ge=1, le=64, description="Web processes.")
    web_threads: int = Field(4, ge=1, le=64, description="Threads in each web process.")
    proxies: int = Field(0, ge=0, le=5, description="Trusted reverse proxies in front (X-Forwarded-… hops).")
    translations: Path = Field(TRANSLATIONS, description="Folder of the catalogues; a language more is a folder more.")
    push_contact: str = Field(
        "mailto:push@companion.example.org", description="Whom a push service may write to: mailto: or https:."
    )
    push_hosts: tuple[str, ...] = Field(PUSH_HOSTS, description="Push services that devices may use (JSON list).")
    push_seconds: int = Field(10, ge=1, le=30, description="Seconds that a push service has to answer.")
    lease_seconds: int = Field(
        60, ge=2, le=120, description="Seconds after which messages that a worker was sending are another one's."
    )
    push_insecure_loopback: bool = Field(False, description="Tests only: allow http push endpoints on loopback.")
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server, smtp://user:password@host:587 (STARTTLS) or smtps://…; empty: no e-mail.",
    )
    smtp_from: str = Field("companion@localhost", description="Sender's address of e-mails.")
    webhook_url: str = Field(
        "", description="Address of a gateway, as for SMS: https, or http on loopback; empty: none."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="What requests to the gateway are signed with; at least 32 characters."
    )

    operator_email: str = Field("", description="Who is told by e-mail when alerts are in danger; empty: nobody.")
    ping_url: str = Field(
        "", description="Called after each proof that alerts get through; an outside service alarms when it is silent."
    )

    metrics_token: SecretStr = Field(
        SecretStr(""), description="What Prometheus shows as Bearer to read /metrics; empty: there is no such page."
    )

    @property
    def url(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{self.data_dir / 'companion.sqlite3'}"

    @property
    def has_email(self) -> bool:
        """Whether e-mail can be sent."""
        return bool(self.smtp_url.get_secret_value())

    @property
    def has_webhook(self) -> bool:
        """Whether there is a gateway, as for SMS."""
        return bool(self.webhook_url)

    @property
    def is_secure(self) -> bool:
        """Whether people reach the product over https."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port of `base_url`, as a browser sends it in `Origin`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that a request may be for: that of `base_url`, and those of this machine, as probes use them."""
        return (urlsplit(self.base_url).hostname or "", *_LOOPBACK)

    @property
    def passkey_host(self) -> str | None:
        """The name that passkeys are bound to; None where browsers offer none: at an IP address, or without https."""
        host = urlsplit(self.base_url).hostname or ""
        is_name = not host.replace(".", "").isdigit() and ":" not in host
        return host if is_name and (self.is_secure or host == "localhost") else None

    @property
    def is_loopback(self) -> bool:
        """Whether the product is reachable from this machine only."""
        return urlsplit(self.base_url).hostname in _LOOPBACK


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys of this installation: `mac_key` signs receipts, `vapid_pem` signs pushes.

    `previous_vapid_pem` signs for devices that subscribed before the key was changed and were not opened since.
    """

    mac_key: bytes
    vapid_pem: bytes
    previous_vapid_pem: bytes | None = None

    @property
    def vapid_public_key(self) -> str:
        """The application server key as browsers want it: base64url of the uncompressed point, 87 characters."""
        return _public_key(self.vapid_pem)

    @property
    def vapid_keys(self) -> dict[str, bytes]:
        """Every key that we can sign with, by its id: the present one and, after a change, the one before."""
        pems = [self.vapid_pem, *([self.previous_vapid_pem] if self.previous_vapid_pem else [])]
        return {vapid_key_id(_public_key(pem)): pem for pem in pems}


def vapid_key_id(public_key: str) -> str:
    """The name under which a device's row keeps the key that it subscribed for."""
    return public_key[:16]


def make_secrets(folder: Path) -> None:
    """Write the secrets once, readable by this account only; existing ones are left alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_once(folder / "mac.key", secrets.token_bytes(32))
    _write_once(folder / "vapid.pem", _new_vapid_key())


def rotate_vapid_key(folder: Path) -> None:
    """Make a new key for pushes and keep the present one, so that devices move over as they are opened.

    Web and worker read keys when they start. A crash in between leaves a key in place, never none.
    """
    present, previous = folder / "vapid.pem", folder / "vapid-previous.pem"
    _replace(previous, _read_private(present))
    _replace(present, _new_vapid_key())


def load_secrets(folder: Path) -> Secrets:
    """Read the secrets; Misconfigured if one is missing, too short or readable by others."""
    mac_key, vapid_pem = (_read_private(folder / name) for name in ("mac.key", "vapid.pem"))
    if len(mac_key) < 32:
        raise Misconfigured(f"The secret {folder / 'mac.key'} is too short: it must hold at least 32 bytes.")
    _require_p256(vapid_pem, folder / "vapid.pem")
    previous = folder / "vapid-previous.pem"
    previous_pem = _read_private(previous) if previous.exists() else None
    if previous_pem:
        _require_p256(previous_pem, previous)
    return Secrets(mac_key=mac_key, vapid_pem=vapid_pem, previous_vapid_pem=previous_pem)


def _require_p256(pem: bytes, path: Path) -> None:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured(f"The key {path} is not a P-256 private key.")


def _public_key(pem: bytes) -> str:
    key = serialization.load_pem_private_key(pem, password=None)
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _new_vapid_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_once(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    _write_once(fresh, content)
    fresh.replace(path)


def _read_private(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except FileNotFoundError:
        raise Misconfigured(f"The secret {path} is missing: run `companion keys` to make it.") from None
    except PermissionError:
        raise Misconfigured(f"The secret {path} cannot be read by this account.") from None
    if mode & 0o077:
        raise Misconfigured(f"The secret {path} can be read by others: run `chmod 600 {path}`.")
    return content
