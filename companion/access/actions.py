"""Codes for the app, and phones that are signed out."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from companion.access import rules
from companion.access.models import AppCode
from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.actions import NewSignIn
from companion.accounts.models import Person
from companion.errors import NotFound
from companion.ids import new_digits
from companion.passkeys import actions as passkeys
from companion.push import actions as push


@dataclass(frozen=True, slots=True)
class NewCode:
    """What is shown once and kept as a keyed hash only."""

    digits: str
    expires_at: datetime


def make_code(db: Session, person: Person, *, mac_key: bytes, now: datetime) -> NewCode:
    """A one-use code of six digits for signing in as `person`; an earlier one stops working.

    Needs a session over EVERY_CLINIC: no two people have the same code at a time.
    """
    own = (AppCode.clinic_id == person.clinic_id) & (AppCode.person_id == person.id)
    db.execute(delete(AppCode).where(own | (AppCode.expires_at <= now)))
    digits = new_digits()
    while db.scalar(select(AppCode.person_id).where(AppCode.code_hash == _hash(mac_key, digits))):
        digits = new_digits()
    made = NewCode(digits, now + rules.CODE_LASTS)
    db.add(
        AppCode(
            clinic_id=person.clinic_id,
            person_id=person.id,
            code_hash=_hash(mac_key, digits),
            expires_at=made.expires_at,
        )
    )
    about = ("person", person.id)
    accounts.record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="app_code.made", about=about, now=now)
    return made


def redeem_code(db: Session, digits: str, *, mac_key: bytes, device: str, now: datetime) -> NewSignIn | None:
    """Sign in by a code, once; None if it is unknown, used, replaced or too old."""
    taken = db.execute(
        delete(AppCode)
        .where(AppCode.code_hash == _hash(mac_key, digits), AppCode.expires_at > now)
        .returning(AppCode.clinic_id, AppCode.person_id)
    ).one_or_none()
    if taken is None:
        return None
    person = people.person(db, taken.clinic_id, taken.person_id)
    about = ("person", person.id)
    accounts.record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="app_code.redeemed", about=about, now=now)
    return None if person.deactivated_at else accounts.start_sign_in(db, person, now=now, device=device)


def remove_phone(db: Session, *, clinic_id: UUID, person_id: UUID, phone_id: UUID, now: datetime) -> None:
    """Sign one of a person's phones out and tell it nothing more; `phone_id` is its sign-in's or its device's id.

    NotFound where neither is this person's.
    """
    ended = accounts.end_sign_in(db, clinic_id=clinic_id, sign_in_id=phone_id, person_id=person_id, now=now)
    forgotten = push.forget_phone(db, clinic_id=clinic_id, person_id=person_id, phone_id=phone_id)
    if not (ended or forgotten):
        raise NotFound


def sign_out_everywhere(
    db: Session, person: Person, *, now: datetime, actor_id: UUID, spare: UUID | None = None
) -> None:
    """Sign all phones of a person out (but the sign-in `spare`), tell them nothing more, and take back open codes."""
    accounts.end_all_sign_ins(db, person, now=now, spare=spare)
    push.forget_all(db, clinic_id=person.clinic_id, person_id=person.id, spare=spare)
    db.execute(delete(AppCode).where(AppCode.clinic_id == person.clinic_id, AppCode.person_id == person.id))
    about = ("person", person.id)
    accounts.record(db, clinic_id=person.clinic_id, actor_id=actor_id, verb="sign_ins.ended", about=about, now=now)


def lose_phone(db: Session, person: Person, *, actor_id: UUID, now: datetime) -> None:
    """A phone is lost: no phone of the person is signed in any more, and no passkey on it signs it in again."""
    sign_out_everywhere(db, person, now=now, actor_id=actor_id)
    passkeys.remove_all(db, clinic_id=person.clinic_id, person_id=person.id)


def _hash(mac_key: bytes, digits: str) -> str:
    # Six digits are few enough to be tried against a plain hash; the key is not in the database.
    return hmac.digest(mac_key, b"app-code" + digits.encode(), "sha256").hex()
