"""Proof that alerts get through, counts that must agree, backups, and telling the operator what is not well."""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from companion.clinic import queries as clinics
from companion.clinic.models import Clinic
from companion.db import EVERY_CLINIC, sqlite_module
from companion.errors import CompanionError
from companion.ids import CANARY_CLINIC, new_id
from companion.operations import actions, queries, rules
from companion.operations.rules import Unkept
from companion.operations.transport import Loopback, ping
from companion.outbox import actions as outbox
from companion.outbox.rules import read_receipt_token
from companion.outbox.transport import Courier, Letter
from companion.runtime import Runtime
from companion.turns import one_by_one

log = logging.getLogger(__name__)
CANARY_SECONDS = 60.0
_STAMP = "%Y%m%dT%H%M%SZ"


def prove_alerts(rt: Runtime, loopback: Loopback, now: datetime, *, seconds: float = CANARY_SECONDS) -> int | None:
    """An emergency entry goes the whole way to a device of our own: the milliseconds it took.

    None where another worker has just done it. Raises TimeoutError if no good push came within `seconds`.
    """
    began = time.monotonic()
    with rt.db.transaction(EVERY_CLINIC) as db:
        if not actions.prepare_canary(db, loopback, vapid_key=rt.secrets.vapid_public_key, now=now):
            return None
    with rt.db.transaction(CANARY_CLINIC) as db:
        tags = actions.send_canary_entry(db, now=now)
    receipt = loopback.receipt_of({str(tag) for tag in tags}, seconds)
    ids = read_receipt_token(rt.secrets.mac_key, (receipt or "").removeprefix("/receipts/"))
    if ids is None:
        raise TimeoutError
    clinic_id, message_id, device_id = ids
    with rt.db.transaction(CANARY_CLINIC) as db:
        outbox.mark_shown(db, clinic_id=clinic_id, message_id=message_id, device_id=device_id, now=rt.clock())
        actions.close_canary_case(db, now=rt.clock())
    took = int(1000 * (time.monotonic() - began))
    if rt.config.ping_url:
        _ping(rt.config.ping_url)
    return took


def _ping(url: str) -> None:
    # Whoever listens there notices the silence; that alerts get through is proven all the same.
    try:
        ping(url)
    except (OSError, HTTPException, CompanionError) as error:
        log.error("the outside ping failed: %s", type(error).__name__)


def reconcile(rt: Runtime, now: datetime) -> int:
    """Entries, assessments, cases and messages of the last days must agree: how many do not. Each kind is an event."""
    with rt.db.reading(EVERY_CLINIC) as db:
        found = queries.mismatches(db, now)
    wrong = {kind: count for kind, count in found.items() if count}
    if wrong:
        log.error("entries, assessments, cases and messages do not agree: %s", wrong)
        with rt.db.transaction(EVERY_CLINIC) as db:
            actions.note_event(db, "mismatch", now=now, **wrong)
    return sum(wrong.values())


def check_devices(rt: Runtime, now: datetime) -> int:
    """Once a month each nurse is sent a visible test, while the clinic is open, so that a device that died is known."""
    with rt.db.reading(EVERY_CLINIC) as db:
        found = clinics.clinics(db)

    def check(one: Clinic) -> int:
        with rt.db.reading(EVERY_CLINIC) as db:
            due = queries.devices_to_check(db, one, now)
        with rt.db.transaction(one.id) as db:
            return sum(actions.check_device(db, who, now=now) for who in due)

    return one_by_one(found, check)


def tell_operator(rt: Runtime, couriers: Mapping[str, Courier], now: datetime, unkept: Unkept) -> int:
    """Tell the operator, never by push, of signs that have not been well for two minutes; says how many are not.

    Tried again until one way took it. `unkept` is what this process remembers while nothing can be written down.
    """
    with rt.db.reading(EVERY_CLINIC) as db:
        bad = [sign.name for sign in queries.health(db, rt, now) if not sign.is_ok]
    try:
        with rt.db.transaction(EVERY_CLINIC) as db:
            due, over = actions.raise_alarms(db, bad, now=now)
        if not due and not over:
            unkept.since_at = None
        elif not rules.told_lately(unkept.told_at, now) and _write_to_operator(rt, couriers, due, over):
            unkept.told_at = now
            with rt.db.transaction(EVERY_CLINIC) as db:
                actions.note_told(db, due, over, now=now)
            unkept.since_at = unkept.told_at = None
    except (CompanionError, SQLAlchemyError):
        unkept.since_at = unkept.since_at or now
        is_due = now - unkept.since_at >= rules.ALARM_AFTER and not rules.told_lately(unkept.told_at, now)
        if is_due and _write_to_operator(rt, couriers, ["database_not_written", *bad], []):
            unkept.told_at = now
        raise
    return len(bad)


def back_up(rt: Runtime, now: datetime) -> int | None:
    """Copy a SQLite database while it is in use, open the copy and check it: its size in bytes. None on PostgreSQL.

    Kept are the newest 96, a day's, and one a day for 35 days. Raises OSError if the copy is not whole.
    """
    if not rt.db.is_sqlite:
        return None
    folder = rt.config.data_dir / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"companion-{now.astimezone(UTC):{_STAMP}}.sqlite3"
    part = target.with_suffix(".part")
    for left in folder.glob("companion-*.part"):  # by one that was killed while it copied
        left.unlink(missing_ok=True)
    try:
        _copy(Path(make_url(rt.db.url).database or ""), part)
        part.chmod(0o600)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    made_at = {_made_at(path): path for path in folder.glob("companion-*.sqlite3")}
    for at in made_at.keys() - rules.backups_to_keep(made_at, now):
        made_at[at].unlink()
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    module, _ = sqlite_module()
    target.unlink(missing_ok=True)
    original, copy = module.connect(source), module.connect(target)
    try:
        original.backup(copy)
        copy.execute("pragma journal_mode=delete")
        (verdict,) = copy.execute("pragma integrity_check").fetchone()
        if verdict != "ok":
            raise OSError("the backup is not whole")
    finally:
        copy.close()
        original.close()


def _made_at(path: Path) -> datetime:
    return datetime.strptime(path.stem.removeprefix("companion-"), _STAMP).replace(tzinfo=UTC)


def _write_to_operator(rt: Runtime, couriers: Mapping[str, Courier], due: list[str], over: list[str]) -> bool:
    """Whether one way took it, or there is none."""
    lines = [f"Not well: {name}" for name in due] + [f"Well again: {name}" for name in over]
    log.error("%s", "; ".join(lines))
    letter = Letter(
        id=new_id(),
        recipient_id=CANARY_CLINIC,
        address=rt.config.operator_email,
        subject="Aftercare Companion: alerts are in danger" if due else "Aftercare Companion: alerts work again",
        text="\n".join(lines),
        link=f"{rt.config.base_url}/health/alerting",
        lang="en",
        is_urgent=bool(due),
    )
    ways = {channel: one for channel, one in couriers.items() if channel == "webhook" or rt.config.operator_email}
    taken = {channel: one.send_many([letter])[0].outcome == "accepted" for channel, one in ways.items()}
    for channel, was_taken in taken.items():
        if not was_taken:
            log.error("the operator could not be told by %s", channel)
    return not taken or any(taken.values())
