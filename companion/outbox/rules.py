"""What becomes of a message after a try. Pure."""

import base64
import hmac
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

Outcome = Literal["accepted", "gone", "retry", "refused"]

LEASE = timedelta(seconds=60)
BATCH = 500
# A device that has sent receipts lately and sends none for an urgent message is off, or out of reach.
RECEIPT_WITHIN = timedelta(seconds=90)
RECEIPTS_COUNT_FOR = timedelta(days=30)
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Next:
    """The message's new state; `due_at` where it is to be tried again."""

    state: Literal["pending", "sent", "unreachable", "expired"]
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one device: `is_proven` if it sends receipts, `wait` is what its push service asked for."""

    outcome: Outcome
    is_proven: bool = False
    wait: timedelta = timedelta(0)


def after_attempt(
    tried: Collection[Tried],
    *,
    was_taken: bool,
    tries: int,
    now: datetime,
    expires_at: datetime,
    jitter: float,
) -> Next:
    """Sent once a device that sends receipts took it; again while one may still; unreachable if none took it.

    A device that never sent a receipt may lie in a drawer: that it took the message is no reason to leave out the
    others. `was_taken` is whether one did so before, `tries` counts this one. `jitter` (0 to 1) spreads retries.
    """
    is_taken = was_taken or any(one.outcome == "accepted" for one in tried)
    waits = [one.wait for one in tried if one.outcome == "retry"]
    if not waits or any(one.outcome == "accepted" and one.is_proven for one in tried):
        return Next("sent" if is_taken else "unreachable")
    step = min(_FIRST_RETRY * 2 ** min(tries - 1, 10), _LONGEST_RETRY)
    due_at = now + max(step * (0.5 + jitter), min(waits))
    if due_at < expires_at:
        return Next("pending", due_at)
    return Next("sent" if is_taken else "expired")


def needs_another_way(following: Next, *, is_urgent: bool, created_at: datetime) -> bool:
    """Whether it goes by e-mail too: no device can be told, or what is urgent waits for longer than a receipt may."""
    waits_until = following.due_at if is_urgent else None
    waits_long = waits_until is not None and waits_until - created_at > RECEIPT_WITHIN
    return following.state in ("unreachable", "expired") or waits_long


def sends_receipts(proven_at: datetime | None, now: datetime) -> bool:
    """Whether a device has sent a receipt lately; `proven_at` is when it last did."""
    return proven_at is not None and now - proven_at <= RECEIPTS_COUNT_FOR


def receipt_due_at(proven_at: datetime | None, *, is_urgent: bool, now: datetime) -> datetime | None:
    """Until when a device must say that it shows a message taken just now; None where only a person's action counts.

    `proven_at` is when the device last sent a receipt.
    """
    return now + RECEIPT_WITHIN if is_urgent and sends_receipts(proven_at, now) else None


def carriers(keys: Iterable[tuple[UUID, Hashable]]) -> dict[UUID, UUID]:
    """Which message's push tells of which other: (message, what they must have in common), the first one carries."""
    first: dict[Hashable, UUID] = {}
    return {message: carrier for message, shared in keys if (carrier := first.setdefault(shared, message)) != message}


def ttl_seconds(now: datetime, expires_at: datetime) -> int:
    """How long a push service keeps trying a phone that is off: as long as the message means something."""
    return max(60, min(int((expires_at - now).total_seconds()), 28 * 86_400))


def receipt_token(mac_key: bytes, clinic_id: UUID, message_id: UUID, device_id: UUID) -> str:
    """What a device sends back to say that it shows a message: three ids and a MAC, 86 base64url characters."""
    ids = clinic_id.bytes + message_id.bytes + device_id.bytes
    return base64.urlsafe_b64encode(ids + _mac(mac_key, ids)).rstrip(b"=").decode()


def read_receipt_token(mac_key: bytes, token: str) -> tuple[UUID, UUID, UUID] | None:
    """Clinic, message and device of a token that we made; None for any other text."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    ids, mac = raw[:48], raw[48:]
    if len(raw) != 64 or not hmac.compare_digest(mac, _mac(mac_key, ids)):
        return None
    return UUID(bytes=ids[:16]), UUID(bytes=ids[16:32]), UUID(bytes=ids[32:])


def _mac(mac_key: bytes, ids: bytes) -> bytes:
    return hmac.digest(mac_key, b"receipt" + ids, "sha256")[:16]
