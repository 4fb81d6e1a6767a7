"""Reads of protocols: the one that counts now, and who answers for it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.errors import NotFound
from companion.protocols.models import PublishedProtocol
from companion.triage.protocol import Protocol
from companion.triage.reader import ProtocolError, load_shipped_protocol, parse, parse_published

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """Who published a version of the protocol, and when."""

    version: str
    name: str
    at: datetime


def current(db: Session, clinic_id: UUID) -> Protocol:
    """The protocol that counts in a clinic: the newest published one that can be read, else the shipped example."""
    for row in _published(db, clinic_id):
        try:
            return _parsed(row.text, row.version)
        except ProtocolError as error:
            # It was checked when it was published; a version of the product that cannot read it keeps the one before.
            log.error("protocol %s cannot be read any more: %s", row.version, error)
    return load_shipped_protocol()


def of_version(db: Session, clinic_id: UUID, version: str) -> Protocol:
    """A version that a clinic has judged by, however old; NotFound where it cannot be read or never counted here."""
    for row in _published(db, clinic_id):
        if row.version == version:
            try:
                return _parsed(row.text, row.version)
            except ProtocolError:
                break
    if version == load_shipped_protocol().version:
        return load_shipped_protocol()
    raise NotFound


def that_judged(db: Session, clinic_id: UUID, version: str) -> Protocol | None:
    """The version that judged an entry; None where it can no longer be read."""
    try:
        return of_version(db, clinic_id, version)
    except NotFound:
        return None


def is_published(db: Session, clinic_id: UUID) -> bool:
    """Whether a clinician has published a protocol; until then no real patient is enrolled."""
    return bool(_published(db, clinic_id, limit=1))


def approvals(db: Session, clinic_id: UUID) -> dict[str, Approval]:
    """Who published each version last, by version."""
    rows = _published(db, clinic_id)
    people = accounts.people(db, clinic_id, [row.published_by for row in rows])
    return {
        row.version: Approval(row.version, people[row.published_by].name, row.published_at) for row in reversed(rows)
    }


def _published(db: Session, clinic_id: UUID, limit: int | None = None) -> list[PublishedProtocol]:
    newest = PublishedProtocol.published_at.desc()
    wanted = select(PublishedProtocol).where(PublishedProtocol.clinic_id == clinic_id)
    return list(db.scalars(wanted.order_by(newest, PublishedProtocol.id).limit(limit)))


@lru_cache(maxsize=64)
def _parsed(text: str, version: str) -> Protocol:
    try:
        return parse(text, version)
    except ProtocolError as error:
        found = parse_published(text, version)
        log.warning("protocol %s counts, but would not be published any more: %s", version, error)
        return found
