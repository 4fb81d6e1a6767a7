"""Reads of what stands in the way of alerts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.clinic.rules import gaps
from companion.config import Config
from companion.coverage import rules
from companion.coverage.models import FallbackProof
from companion.outbox import queries as outbox
from companion.policies import queries as policies
from companion.policies.rules import ALERTING, people_of
from companion.push import queries as push


def findings(db: Session, clinic_id: UUID, config: Config, now: datetime) -> list[rules.Finding]:
    """What stands in the way of alerts of this clinic, now and in the next 14 days, what is worst first."""
    return rules.findings(facts(db, clinic_id, config, now), now)


def facts(db: Session, clinic_id: UUID, config: Config, now: datetime) -> rules.Facts:
    """What is known of rota, ladders, devices and other ways."""
    rota = clinic.rota(db, clinic_id, now)
    is_set_up = {"email": config.has_email, "webhook": config.has_webhook}
    return rules.Facts(
        has_rota=bool(rota.shifts or any(change.is_on for change in rota.changes)),
        gaps=gaps(rota, now, now + rules.LOOK_AHEAD),
        empty_steps=_empty_steps(db, clinic_id, now),
        carers=carers(db, clinic_id),
        is_set_up=frozenset(channel for channel, is_there in is_set_up.items() if is_there),
        is_watched=bool(config.ping_url),
        proven=_proven(db, clinic_id, now),
    )


def carers(db: Session, clinic_id: UUID) -> list[rules.Carer]:
    """Everybody whom alerts go to, by name, with what their devices have shown."""
    people = accounts.staff(db, clinic_id, *clinic.CARERS)
    devices = push.devices(db, [(clinic_id, person.id) for person in people])
    found = []
    for person in people:
        own = devices.get((clinic_id, person.id), [])
        proven = max((device.proven_at for device in own if device.proven_at), default=None)
        found.append(rules.Carer(person.name, len(own), proven))
    return found


def proofs(db: Session, clinic_id: UUID) -> dict[str, FallbackProof]:
    """For each other way than push: who last saw it work."""
    rows = db.scalars(select(FallbackProof).where(FallbackProof.clinic_id == clinic_id))
    return {row.channel: row for row in rows}


def _proven(db: Session, clinic_id: UUID, now: datetime) -> dict[str, datetime]:
    # What was refused since somebody saw it work must be seen to work again.
    refused = outbox.last_refusals(db, clinic_id, now - rules.FALLBACK_PROVEN_FOR)
    proven = {channel: proof.proven_at for channel, proof in proofs(db, clinic_id).items()}
    return {channel: at for channel, at in proven.items() if channel not in refused or refused[channel] <= at}


def _empty_steps(db: Session, clinic_id: UUID, now: datetime) -> list[tuple[str, int]]:
    # Whether somebody is on duty changes by the hour: gaps say that.
    staff = policies.staff(db, clinic_id, now)
    return [
        (level, number)
        for level in ALERTING
        for number, step in enumerate(policies.policy(db, clinic_id, level).steps, 1)
        if step.audience != "on_duty" and not people_of(step, staff)
    ]
