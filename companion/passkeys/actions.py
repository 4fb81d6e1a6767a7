"""Challenges are given out and taken once; passkeys are added, used and removed."""

import hashlib
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import bytes_to_base64url, generate_challenge
from webauthn.helpers.exceptions import WebAuthnException

from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.actions import NewSignIn
from companion.accounts.models import Person
from companion.errors import Conflict, NotFound, TooMany
from companion.ids import new_id
from companion.languages import N_
from companion.passkeys import queries
from companion.passkeys.forms import NewPasskey, PasskeySignIn, public_key_of
from companion.passkeys.models import Challenge, Passkey

Purpose = Literal["new", "sign_in"]
CHALLENGE_LASTS = timedelta(minutes=5)
# Anybody may ask for a challenge: so many are open at a time at most, and a table that somebody fills stays small.
OPEN_CHALLENGES = 2_000
MAX_PASSKEYS = 10


def make_challenge(db: Session, *, purpose: Purpose, now: datetime, person_id: UUID | None = None) -> bytes:
    """64 random bytes to be signed within five minutes, once; TooMany while thousands are open."""
    db.execute(delete(Challenge).where(Challenge.expires_at <= now))
    if (db.scalar(select(func.count()).select_from(Challenge)) or 0) >= OPEN_CHALLENGES:
        raise TooMany(retry_after_seconds=int(CHALLENGE_LASTS.total_seconds()))
    made = generate_challenge()
    db.add(
        Challenge(challenge_hash=_hash(made), purpose=purpose, person_id=person_id, expires_at=now + CHALLENGE_LASTS)
    )
    return made


def take_challenge(
    db: Session, challenge: bytes, *, purpose: Purpose, now: datetime, person_id: UUID | None = None
) -> bool:
    """Whether this challenge is open, for this purpose and person. Whatever comes of it, it is used up."""
    taken = db.execute(
        delete(Challenge)
        .where(Challenge.challenge_hash == _hash(challenge))
        .returning(Challenge.purpose, Challenge.person_id, Challenge.expires_at)
    ).one_or_none()
    return taken is not None and (taken.purpose, taken.person_id) == (purpose, person_id) and taken.expires_at > now


def add(
    db: Session, person: Person, form: NewPasskey, *, host: str, origin: str, device: str, now: datetime
) -> Passkey | None:
    """Keep a new passkey whose challenge was taken; None if it was made elsewhere or without the phone's own lock.

    Conflict if it is there already, or if the person has ten. Needs a session over EVERY_CLINIC: a passkey is one
    person's only.
    """
    try:
        made = verify_registration_response(
            credential=form.credential,
            expected_challenge=form.challenge,
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return None
    credential_id = bytes_to_base64url(made.credential_id)
    if queries.by_credential(db, credential_id):
        raise Conflict(N_("This passkey is saved already."))
    if len(queries.passkeys(db, person.clinic_id, person.id)) >= MAX_PASSKEYS:
        raise Conflict(N_("You have 10 passkeys. Remove one first."))
    row = Passkey(
        clinic_id=person.clinic_id,
        id=new_id(),
        person_id=person.id,
        credential_id=credential_id,
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        device=device,
        created_at=now,
    )
    db.add(row)
    about = ("passkey", row.id)
    accounts.record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="passkey.added", about=about, now=now)
    return row


def sign_in(
    db: Session, form: PasskeySignIn, *, host: str, origin: str, device: str, now: datetime
) -> NewSignIn | None:
    """Sign in by a passkey whose challenge was taken; None if anything about it is wrong.

    Needs a session over EVERY_CLINIC: who it is stands in the passkey.
    """
    row = queries.by_credential(db, form.credential.id)
    if row is None:
        return None
    person = people.person(db, row.clinic_id, row.person_id)
    if person.deactivated_at or form.user_handle != person.subject_key.encode():
        return None
    try:
        said = verify_authentication_response(
            credential=form.credential,
            expected_challenge=form.challenge,
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=public_key_of(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return None
    # A copied key counts on its own: of two that used the same count, one is too late.
    counted = (
        update(Passkey)
        .where(Passkey.clinic_id == row.clinic_id, Passkey.id == row.id, Passkey.sign_count == row.sign_count)
        .values(sign_count=said.new_sign_count, used_at=now)
    )
    if db.execute(counted.returning(Passkey.id)).first() is None:
        return None
    return accounts.start_sign_in(db, person, now=now, device=device)


def remove(db: Session, *, clinic_id: UUID, person_id: UUID, passkey_id: UUID, now: datetime) -> None:
    """Forget one's own passkey; NotFound for anybody else's."""
    own = delete(Passkey).where(
        Passkey.clinic_id == clinic_id, Passkey.person_id == person_id, Passkey.id == passkey_id
    )
    if db.execute(own.returning(Passkey.id)).first() is None:
        raise NotFound
    about = ("passkey", passkey_id)
    accounts.record(db, clinic_id=clinic_id, actor_id=person_id, verb="passkey.removed", about=about, now=now)


def remove_all(db: Session, *, clinic_id: UUID, person_id: UUID) -> None:
    """Forget every passkey of a person, as when the phone is lost."""
    db.execute(delete(Passkey).where(Passkey.clinic_id == clinic_id, Passkey.person_id == person_id))


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
