"""Delivering: claim in a transaction, send in none, settle in another."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from companion import crash
from companion.db import EVERY_CLINIC
from companion.outbox import actions, queries, rules
from companion.outbox.queries import Claimed
from companion.outbox.transport import Courier, Letter
from companion.outbox.words import BODIES, SEVERAL, wording
from companion.push.models import Subscription
from companion.push.transport import Push, Result
from companion.runtime import Runtime

log = logging.getLogger(__name__)
# From the moment that letters are handed over: a mail server that answers each command late must hold up neither the
# next batch of pushes nor the beat. What it answers later is settled then.
COURIER_SECONDS = 10
# A row that somebody holds may not hold up the dispatcher for longer than it may be silent.
_WAITS_SECONDS = 3
_NONE: Mapping[str, Courier] = {}
_Results = Mapping[UUID, Sequence[Result]]
_Sending = Future[list[Result]]


class Sender(Protocol):
    """What puts pushes on the wire."""

    def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
        """Results by the place of their push, as they come."""
        ...


def deliver(
    rt: Runtime,
    sender: Sender,
    now: datetime,
    couriers: Mapping[str, Courier] = _NONE,
    *,
    courier_seconds: float = COURIER_SECONDS,
) -> int:
    """Send what is due, at most one batch, the urgent first; says how many messages were handled.

    `couriers` are the other channels that are configured. All channels of a batch are sent at the same time, so that
    one that hangs delays the others by no more than its own time limit. A courier that takes longer than
    `courier_seconds` goes on, and its thread settles what came of it.
    """
    with rt.db.reading(EVERY_CLINIC) as db:
        if not queries.has_due(db, now=now):
            return 0
    with rt.db.transaction(EVERY_CLINIC, waits_seconds=_WAITS_SECONDS) as db:
        claimed = actions.claim(db, now=now, lease=timedelta(seconds=rt.config.lease_seconds))
        crash.here("claimed")
    if claimed:
        crash.here("claim_committed")
        _deliver(rt, sender, claimed, now, couriers=couriers, courier_seconds=courier_seconds)
    return len(claimed)


def keep_intervals(rt: Runtime, now: datetime) -> int:
    """After the clock was set back, let nothing wait longer than it was to; says how many messages that were."""
    with rt.db.reading(EVERY_CLINIC) as db:
        if not queries.has_set_ahead(db, now=now):
            return 0
    with rt.db.transaction(EVERY_CLINIC) as db:
        return actions.keep_intervals(db, now=now)


def give_up_silent(rt: Runtime, now: datetime) -> int:
    """Count as failed what devices that send receipts have kept silent about; says how many tries."""
    with rt.db.reading(EVERY_CLINIC) as db:
        if not queries.has_silent(db, now=now):
            return 0
    with rt.db.transaction(EVERY_CLINIC, waits_seconds=_WAITS_SECONDS) as db:
        return actions.give_up_silent(db, now=now)


def _deliver(
    rt: Runtime,
    sender: Sender,
    claimed: list[Claimed],
    now: datetime,
    *,
    couriers: Mapping[str, Courier],
    courier_seconds: float,
) -> None:
    # What cannot be worded is left under its lease, and due again after that: a newer worker may know the word.
    timely = {one.message.id: one for one in claimed if one.message.expires_at > now and _has_words(one)}
    late = [one for one in claimed if one.message.expires_at <= now]

    def leave(letters: Sequence[Letter], sending: _Sending) -> None:
        own = [timely.pop(letter.id) for letter in letters]
        sending.add_done_callback(
            lambda _: _settle(
                rt, list(zip(own, _answers(letters, sending).values(), strict=True)), rt.clock(), couriers
            )
        )

    wanted = list(timely.values())
    for results in _sent(rt, sender, wanted, now, couriers=couriers, courier_seconds=courier_seconds, leave=leave):
        crash.here("sent")
        _settle(rt, [(timely.pop(message_id), own) for message_id, own in results.items()], now, couriers)
    if timely or late:
        _settle(rt, [(one, ()) for one in timely.values()], now, couriers, late=late)


def _settle(
    rt: Runtime,
    done: list[tuple[Claimed, Sequence[Result]]],
    now: datetime,
    couriers: Mapping[str, Courier],
    *,
    late: Sequence[Claimed] = (),
) -> None:
    with rt.db.transaction(EVERY_CLINIC, waits_seconds=_WAITS_SECONDS) as db:
        actions.settle(db, done, now=now, falls_back="email" in couriers)
        for one in late:
            actions.expire(db, one, now=now)
        crash.here("settled")
    for one, results in done:
        for result in results:
            if result.outcome == "refused":
                log.error("message %s was refused with %s", one.message.id, result.status_code)


def _has_words(one: Claimed) -> bool:
    # A newer version may have written it: one message that cannot be worded must not hold up the others.
    if one.message.kind in BODIES:
        return True
    log.error("message %s has the unknown kind %s", one.message.id, one.message.kind)
    return False


def _sent(
    rt: Runtime,
    sender: Sender,
    timely: list[Claimed],
    now: datetime,
    *,
    couriers: Mapping[str, Courier],
    courier_seconds: float,
    leave: Callable[[Sequence[Letter], _Sending], None],
) -> Iterator[_Results]:
    """What came of each message, as it comes; first those that reach nobody, whom the next step must not wait for."""
    letters = {channel: own for channel in couriers if (own := _letters(rt, timely, channel))}
    posting = {letter.id for own in letters.values() for letter in own}
    if nobody := [one.message.id for one in timely if not one.devices and one.message.id not in posting]:
        yield dict.fromkeys(nobody, ())
    # What sends pushes belongs to this thread; each courier has one of its own, and nobody waits for it at the end.
    pool = ThreadPoolExecutor(max(1, len(letters)), "courier")
    until = time.monotonic() + courier_seconds
    posted = [(own, pool.submit(couriers[channel].send_many, own)) for channel, own in letters.items()]
    yield from _pushed(rt, sender, timely, now)
    for own, sending in posted:
        if wait([sending], max(0.0, until - time.monotonic())).done:
            yield _answers(own, sending)
        else:
            leave(own, sending)
    pool.shutdown(wait=False)


def _pushed(rt: Runtime, sender: Sender, timely: list[Claimed], now: datetime) -> Iterator[_Results]:
    told_by: dict[UUID, list[Claimed]] = {}
    for one in timely:
        if one.devices:
            told_by.setdefault(one.message.carried_by or one.message.id, []).append(one)
    bundles = list(told_by.values())
    places = [(number, device) for number, bundle in enumerate(bundles) for device in bundle[0].devices]
    found: dict[int, list[Result]] = {}
    for part in sender.send_in_parts([_push(rt, bundles[number], device, now) for number, device in places]):
        for place, result in part.items():
            found.setdefault(places[place][0], []).append(result)
        whole = [number for number, own in found.items() if len(own) == len(bundles[number][0].devices)]
        if whole:
            yield {one.message.id: own for number in whole for own in [found.pop(number)] for one in bundles[number]}


def _answers(letters: Sequence[Letter], sending: _Sending) -> _Results:
    try:
        results = sending.result()
    except Exception as error:  # noqa: BLE001 - a courier that fails must not leave the pushes unsettled
        log.error("a courier failed: %s", type(error).__name__)
        results = [Result(letter.recipient_id, "retry") for letter in letters]
    return {letter.id: [result] for letter, result in zip(letters, results, strict=True)}


def _letters(rt: Runtime, timely: list[Claimed], channel: str) -> list[Letter]:
    return [_letter(rt, one, one.email) for one in timely if one.message.channel == channel and one.email]


def _letter(rt: Runtime, one: Claimed, address: str) -> Letter:
    words, message = wording(one.message.kind), one.message
    return Letter(
        id=message.id,
        recipient_id=message.recipient_id,
        address=address,
        subject=words.title,
        text=rt.languages.translate(one.locale, words.body),
        link=f"{rt.config.base_url}{message.url}",
        lang=one.locale,
        is_urgent=message.urgency == "high",
    )


def _push(rt: Runtime, bundle: list[Claimed], device: Subscription, now: datetime) -> Push:
    # The first of a bundle carries the others.
    one, message, subjects = bundle[0], bundle[0].message, {each.message.about_id for each in bundle}
    words = wording(message.kind)
    body = rt.languages.translate(one.locale, SEVERAL if len(subjects) > 1 else words.body)
    token = rules.receipt_token(rt.secrets.mac_key, message.clinic_id, message.id, device.id)
    return Push(
        device_id=device.id,
        endpoint=device.endpoint,
        p256dh=device.p256dh,
        auth=device.auth,
        key_id=device.key_id,
        title=words.title,
        body=body % {"count": len(subjects)} if len(subjects) > 1 else body,
        navigate=f"{rt.config.base_url}{'/console/' if len(subjects) > 1 else message.url}",
        receipt=f"/receipts/{token}",
        tag=str(message.id),
        lang=one.locale,
        ttl_seconds=rules.ttl_seconds(now, message.expires_at),
        is_urgent=any(each.message.urgency == "high" for each in bundle),
    )
