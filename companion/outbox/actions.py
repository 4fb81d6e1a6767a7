"""Messages are written with what causes them, claimed under a lease, and settled under its fence.

At least once: a crash between sending and settling sends again when the lease ends, and the phone shows it once,
since the notification's tag is the message's id. Nothing here touches the network.
"""

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, case, delete, insert, literal, select, text, tuple_, update
from sqlalchemy.orm import Session

from companion.db import UtcDateTime, insert_into
from companion.ids import new_id
from companion.outbox import queries, rules
from companion.outbox.models import Attempt, AwaitedReceipt, DueMessage, LeasedMessage, Message
from companion.outbox.queries import Claimed
from companion.push import actions as push
from companion.push.transport import Result
from companion.wake import announce


def enqueue(
    db: Session,
    recipient: tuple[UUID, UUID],
    *,
    kind: str,
    about: tuple[str, UUID],
    url: str,
    dedupe_key: str,
    now: datetime,
    expires_at: datetime,
    is_urgent: bool = False,
    due_at: datetime | None = None,
    params: dict[str, Any] | None = None,
    channel: str = "push",
) -> UUID | None:
    """Write a message to (clinic, person) in the caller's transaction; None if this key was written before.

    `channel` is push, email or webhook. One that is not configured, or that has no address of this person, ends the
    message as unreachable as soon as it is due.
    """
    clinic_id, person_id = recipient
    values = {
        "clinic_id": clinic_id,
        "id": new_id(),
        "recipient_id": person_id,
        "channel": channel,
        "kind": kind,
        "about_kind": about[0],
        "about_id": about[1],
        "params": params or {},
        "url": url,
        "urgency": "high" if is_urgent else "normal",
        "dedupe_key": dedupe_key,
        "created_at": now,
        "expires_at": expires_at,
    }
    return _write(db, values, due_at or now)


def _write(db: Session, values: dict[str, Any], due_at: datetime) -> UUID | None:
    statement = insert_into(db, Message).values(state="pending", tries=0, **values)
    once = statement.on_conflict_do_nothing(index_elements=["clinic_id", "dedupe_key"])
    message_id = db.execute(once.returning(Message.id)).scalar_one_or_none()
    if message_id is None:
        return None
    _make_due(db, [(values["clinic_id"], message_id, values["urgency"], due_at)], values["created_at"])
    announce(db)
    return message_id


def cancel(
    db: Session,
    *,
    clinic_id: UUID,
    about: tuple[str, UUID],
    now: datetime,
    kinds: Sequence[str] = (),
    spare: UUID | None = None,
) -> int:
    """Take back what is not sent yet about one thing (of these kinds; not what `spare` is told). Says how many."""
    kind, subject = about
    wanted = [
        Message.clinic_id == clinic_id,
        Message.about_kind == kind,
        Message.about_id == subject,
        Message.state == "pending",
    ]
    if kinds:
        wanted.append(Message.kind.in_(kinds))
    if spare:
        wanted.append(Message.recipient_id != spare)
    changed = list(
        db.scalars(update(Message).where(*wanted).values(state="cancelled", settled_at=now).returning(Message.id))
    )
    if changed:
        db.execute(delete(DueMessage).where(DueMessage.clinic_id == clinic_id, DueMessage.message_id.in_(changed)))
    return len(changed)


def claim(db: Session, *, now: datetime, limit: int = rules.BATCH, lease: timedelta = rules.LEASE) -> list[Claimed]:
    """Take due messages off the queue and under a lease, the urgent first; a message is never under two leases."""
    _return_overdue(db, now)
    fence = new_id()
    keys = _take(db, is_urgent=True, now=now, limit=limit)
    keys += _take(db, is_urgent=False, now=now, limit=limit - len(keys))
    if not keys:
        return []
    held = {"fence": fence, "lease_until": now + lease}
    rows = [{"clinic_id": clinic_id, "message_id": message_id, **held} for clinic_id, message_id in keys]
    db.execute(insert(LeasedMessage), rows)
    claimed = queries.to_send(db, keys, fence)
    _give_back(db, fence, set(keys) - {(one.message.clinic_id, one.message.id) for one in claimed})
    _bundle(claimed, now)
    return claimed


def settle(
    db: Session, done: Sequence[tuple[Claimed, Sequence[Result]]], *, now: datetime, falls_back: bool = False
) -> None:
    """Write down what came of a claim: attempts, pruned devices, each message's state, the next try.

    With `falls_back`, what no device can be told, or not soon, goes by e-mail too. Of a message whose lease was lost,
    or that was cancelled meanwhile, nothing changes but the list of attempts.
    """
    _keep_attempts(db, done, now)
    ours = _give_up_leases(db, [claimed for claimed, _ in done])
    taken = queries.taken(db, [one.message for one, _ in done])
    followings = [
        (one, results, _following(one, results, now, was_taken=one.message.id in taken))
        for one, results in done
        if one.message.id in ours
    ]
    changed = _follow(db, [(one.message, following) for one, _, following in followings], now)
    awaited = list[dict[str, Any]]()
    for one, results, following in followings:
        if one.message.id in changed and following.state == "sent":
            awaited += _awaited(one, results, now)
        if one.message.id in changed and falls_back and _needs_another_way(one.message, following):
            _fall_back(db, one, now)
    if awaited:
        db.execute(insert(AwaitedReceipt), awaited)


def expire(db: Session, claimed: Claimed, *, now: datetime) -> None:
    """A message whose time is over before anybody could be told: it stays in the inbox only."""
    _follow(db, [(claimed.message, rules.Next("expired"))], now)
    _give_up_leases(db, [claimed])


def give_up_silent(db: Session, *, now: datetime) -> int:
    """Count as failed what no receipt came for in time, and make its message due for what is left; says how many."""
    # A receipt that comes now locks its message first, and so do we; one that somebody holds is left for the next look.
    keys = select(AwaitedReceipt.clinic_id, AwaitedReceipt.message_id).where(queries.is_silent(now))
    ours = select(Message.id).where(tuple_(Message.clinic_id, Message.id).in_(keys)).with_for_update(skip_locked=True)
    rows = db.execute(
        delete(AwaitedReceipt)
        .where(queries.is_silent(now), AwaitedReceipt.message_id.in_(list(db.scalars(ours))))
        .returning(AwaitedReceipt.clinic_id, AwaitedReceipt.message_id, AwaitedReceipt.device_id)
    ).all()
    for clinic_id, message_id, device_id in rows:
        tried = (Attempt.clinic_id == clinic_id, Attempt.message_id == message_id, Attempt.result == "accepted")
        db.execute(
            update(Attempt)
            .where(*tried, Attempt.device_id == device_id, Attempt.shown_at.is_(None))
            .values(result="silent")
        )
        if db.execute(select(Attempt.id).where(*tried).limit(1)).first() is None:
            _try_again(db, clinic_id, message_id, now)
    return len(rows)


def mark_shown(db: Session, *, clinic_id: UUID, message_id: UUID, device_id: UUID, now: datetime) -> bool:
    """A device said that it shows the message, and those its push told of; False if there is no such message."""
    told = (Message.clinic_id == clinic_id) & ((Message.id == message_id) | (Message.carried_by == message_id))
    # A receipt may come before the worker settles; a cancelled message stays cancelled, whatever the phone shows.
    shown = case((Message.state == "cancelled", Message.state), else_="shown")
    ids = list(db.scalars(update(Message).where(told).values(state=shown).returning(Message.id)))
    db.execute(
        update(Attempt)
        .where(
            Attempt.clinic_id == clinic_id,
            Attempt.message_id.in_(ids),
            Attempt.device_id == device_id,
            Attempt.shown_at.is_(None),
        )
        .values(shown_at=now)
    )
    of_these = (AwaitedReceipt.clinic_id == clinic_id) & AwaitedReceipt.message_id.in_(ids)
    db.execute(delete(AwaitedReceipt).where(of_these))
    push.mark_proven(db, clinic_id=clinic_id, device_id=device_id, now=now)
    return bool(ids)


def mark_read(db: Session, *, clinic_id: UUID, person_id: UUID, about: tuple[str, UUID], now: datetime) -> None:
    """The person opened what these messages lead to."""
    kind, subject = about
    db.execute(
        update(Message)
        .where(
            Message.clinic_id == clinic_id,
            Message.recipient_id == person_id,
            Message.about_kind == kind,
            Message.about_id == subject,
            Message.read_at.is_(None),
        )
        .values(read_at=now)
    )


def _try_again(db: Session, clinic_id: UUID, message_id: UUID, now: datetime) -> None:
    was_sent = (Message.clinic_id == clinic_id, Message.id == message_id, Message.state == "sent")
    changed = update(Message).where(*was_sent).values(state="pending", settled_at=None)
    urgencies = db.scalars(changed.returning(Message.urgency))
    _make_due(db, [(clinic_id, message_id, urgency, now) for urgency in urgencies], now)


def keep_intervals(db: Session, *, now: datetime) -> int:
    """What waits for a time that a clock ahead of now decided waits that long from now; says how many messages."""
    left = literal(now, UtcDateTime()) + (DueMessage.due_at - DueMessage.set_at)
    late = update(DueMessage).where(*queries.is_set_ahead(now)).values(due_at=left, set_at=now)
    return len(db.execute(late.returning(DueMessage.message_id)).all())


def _make_due(db: Session, rows: Sequence[tuple[UUID, UUID, str, datetime]], now: datetime) -> None:
    """Let messages wait for a time that is decided now: (clinic, message, urgency, due at)."""
    due = [
        {"clinic_id": clinic_id, "message_id": message_id, "is_urgent": urgency == "high", "due_at": due_at}
        for clinic_id, message_id, urgency, due_at in rows
    ]
    if due:
        db.execute(insert(DueMessage).values(set_at=now), due)


def _return_overdue(db: Session, now: datetime) -> None:
    lost = db.execute(
        delete(LeasedMessage).where(queries.is_over(now)).returning(LeasedMessage.clinic_id, LeasedMessage.message_id)
    ).all()
    if lost:
        keys = tuple_(Message.clinic_id, Message.id).in_([tuple(row) for row in lost])
        again = db.execute(select(Message.clinic_id, Message.id, Message.urgency).where(keys))
        _make_due(db, [(row.clinic_id, row.id, row.urgency, now) for row in again], now)


# Deleting from a narrow table in order of time stays flat as tables grow, and
# = ANY(ARRAY(…)) keeps PostgreSQL on its index.
_TAKE_SQLITE = text(
    "delete from due_messages where (is_urgent, due_at, message_id, clinic_id) in "
    "(select is_urgent, due_at, message_id, clinic_id from due_messages "
    "where is_urgent = :is_urgent and due_at <= :now order by due_at limit :limit) "
    "returning clinic_id, message_id"
)
_TAKE_POSTGRESQL = text(
    "delete from due_messages where ctid = any(array("
    "select ctid from due_messages where is_urgent = :is_urgent and due_at <= :now "
    "order by due_at limit :limit for update skip locked)) "
    "returning clinic_id, message_id"
)


def _take(db: Session, *, is_urgent: bool, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    statement = _TAKE_SQLITE if db.get_bind().dialect.name == "sqlite" else _TAKE_POSTGRESQL
    columns = DueMessage.__table__.c
    typed = statement.bindparams(
        bindparam("is_urgent", is_urgent, columns.is_urgent.type),
        bindparam("now", now, columns.due_at.type),
        bindparam("limit", limit, Integer()),
    )
    return [(row.clinic_id, row.message_id) for row in db.execute(typed.columns(columns.clinic_id, columns.message_id))]


def _give_back(db: Session, fence: UUID, keys: Collection[tuple[UUID, UUID]]) -> None:
    """What was cancelled or shown before needs no lease."""
    if keys:
        own = tuple_(LeasedMessage.clinic_id, LeasedMessage.message_id).in_(keys)
        db.execute(delete(LeasedMessage).where(LeasedMessage.fence == fence, own))


def _bundle(claimed: Sequence[Claimed], now: datetime) -> None:
    """Alerts to one person that go to the same devices at the same time share one push."""
    alerts = [
        (one.message.id, (one.message.clinic_id, one.message.recipient_id, tuple(device.id for device in one.devices)))
        for one in claimed
        if one.message.kind == "case_alert" and one.devices and one.message.expires_at > now
    ]
    carriers = rules.carriers(alerts)
    for one in claimed:
        one.message.carried_by = carriers.get(one.message.id)


def _keep_attempts(db: Session, done: Sequence[tuple[Claimed, Sequence[Result]]], now: datetime) -> None:
    rows = [_attempt(claimed.message, result, now) for claimed, results in done for result in results]
    if rows:
        db.execute(insert(Attempt), rows)
    for clinic_id, device_id in {
        (claimed.message.clinic_id, result.device_id)
        for claimed, results in done
        for result in results
        if result.outcome == "gone"
    }:
        push.forget(db, clinic_id=clinic_id, device_id=device_id)


def _give_up_leases(db: Session, claimed: Sequence[Claimed]) -> set[UUID]:
    keys = [(one.message.clinic_id, one.message.id) for one in claimed]
    ours = delete(LeasedMessage).where(
        LeasedMessage.fence.in_({one.fence for one in claimed}),
        tuple_(LeasedMessage.clinic_id, LeasedMessage.message_id).in_(keys),
    )
    return set(db.scalars(ours.returning(LeasedMessage.message_id)))


def _following(claimed: Claimed, results: Sequence[Result], now: datetime, *, was_taken: bool) -> rules.Next:
    proven = {device.id for device in claimed.devices if rules.sends_receipts(device.proven_at, now)}
    return rules.after_attempt(
        [
            rules.Tried(one.outcome, one.device_id in proven, timedelta(seconds=one.retry_after_seconds or 0))
            for one in results
        ],
        was_taken=was_taken,
        tries=claimed.message.tries + 1,
        now=now,
        expires_at=claimed.message.expires_at,
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
    )


def _awaited(claimed: Claimed, results: Sequence[Result], now: datetime) -> list[dict[str, Any]]:
    message, accepted = claimed.message, {result.device_id for result in results if result.outcome == "accepted"}
    own = {"clinic_id": message.clinic_id, "message_id": message.id}
    due = {
        device.id: rules.receipt_due_at(device.proven_at, is_urgent=message.urgency == "high", now=now)
        for device in claimed.devices
        if device.id in accepted
    }
    return [{**own, "device_id": device_id, "due_at": due_at} for device_id, due_at in due.items() if due_at]


def _needs_another_way(message: Message, following: rules.Next) -> bool:
    is_urgent = message.urgency == "high"
    return rules.needs_another_way(following, is_urgent=is_urgent, created_at=message.created_at)


def _fall_back(db: Session, claimed: Claimed, now: datetime) -> None:
    # It is no part of the step that it came from: an e-mail is no sign of life, so the ladder does not wait for it.
    message = claimed.message
    if message.channel != "push" or message.kind == "test" or claimed.email is None:
        return
    enqueue(
        db,
        (message.clinic_id, message.recipient_id),
        kind=message.kind,
        about=(message.about_kind, message.about_id),
        url=message.url,
        dedupe_key=f"fallback:{message.id}",
        now=now,
        expires_at=message.expires_at,
        is_urgent=message.urgency == "high",
        params=message.params,
        channel="email",
    )


def _follow(db: Session, followings: Sequence[tuple[Message, rules.Next]], now: datetime) -> set[UUID]:
    changed = set[UUID]()
    for state in {following.state for _, following in followings}:
        keys = [(message.clinic_id, message.id) for message, following in followings if following.state == state]
        settled_at = None if state == "pending" else now
        was_pending = (tuple_(Message.clinic_id, Message.id).in_(keys), Message.state == "pending")
        values = {"state": state, "tries": Message.tries + 1, "settled_at": settled_at}
        changed |= set(db.scalars(update(Message).where(*was_pending).values(values).returning(Message.id)))
    due = [
        (message.clinic_id, message.id, message.urgency, following.due_at)
        for message, following in followings
        if following.due_at and message.id in changed
    ]
    _make_due(db, due, now)
    return changed


def _attempt(message: Message, result: Result, now: datetime) -> dict[str, Any]:
    return {
        "clinic_id": message.clinic_id,
        "id": new_id(),
        "message_id": message.id,
        "device_id": result.device_id,
        "at": now,
        "result": result.outcome,
        "status_code": result.status_code,
        "shown_at": None,
    }
