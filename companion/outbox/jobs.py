"""Delivering: claim in a transaction, send in none, settle in another."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from companion.db import EVERY_CLINIC
from companion.outbox import actions, rules
from companion.outbox.actions import Claimed
from companion.outbox.words import wording
from companion.push.models import Subscription
from companion.push.transport import Push, Result
from companion.runtime import Runtime

log = logging.getLogger(__name__)


class Sender(Protocol):
    """What puts pushes on the wire."""

    def send_many(self, pushes: Sequence[Push]) -> list[Result]:
        """One result for each push, in order."""
        ...


def deliver(rt: Runtime, sender: Sender, now: datetime) -> int:
    """Send everything that is due, batch by batch; says how many messages were handled."""
    handled = 0
    while True:
        with rt.db.reading(EVERY_CLINIC) as db:
            if not actions.has_due(db, now=now):
                return handled
        with rt.db.transaction(EVERY_CLINIC) as db:
            claimed = actions.claim(db, now=now)
        if not claimed:
            return handled
        _send(rt, sender, claimed, now)
        handled += len(claimed)


def _send(rt: Runtime, sender: Sender, claimed: list[Claimed], now: datetime) -> None:
    timely = [one for one in claimed if one.message.expires_at > now]
    pushes = [_push(rt, one, device, now) for one in timely for device in one.devices]
    results = iter(sender.send_many(pushes))
    of_each = [(one, [next(results) for _ in one.devices]) for one in timely]
    with rt.db.transaction(EVERY_CLINIC) as db:
        for one, own in of_each:
            actions.settle(db, one, own, now=now)
        for one in claimed:
            if one not in timely:
                actions.expire(db, one, now=now)
    for one, own in of_each:
        for result in own:
            if result.outcome == "refused":
                log.error("push service refused message %s with %s", one.message.id, result.status_code)


def _push(rt: Runtime, one: Claimed, device: Subscription, now: datetime) -> Push:
    words, message = wording(one.message.kind), one.message
    token = rules.receipt_token(rt.secrets.mac_key, message.clinic_id, message.id, device.id)
    return Push(
        device_id=device.id,
        endpoint=device.endpoint,
        p256dh=device.p256dh,
        auth=device.auth,
        title=words.title,
        body=rt.languages.translate(one.locale, words.body),
        navigate=f"{rt.config.base_url}{message.url}",
        receipt=f"/receipts/{token}",
        tag=str(message.id),
        lang=one.locale,
        ttl_seconds=rules.ttl_seconds(now, message.expires_at),
        is_urgent=message.urgency == "high",
    )
