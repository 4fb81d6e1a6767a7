"""Changes to people, invitations and sign-ins, and the audit trail that every package writes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from companion.accounts import queries, rules
from companion.accounts.models import AuditEntry, FailedTries, Invitation, Person, SignIn
from companion.db import insert_into
from companion.errors import Conflict
from companion.ids import digest, new_code, new_id, new_token, plain_code
from companion.languages import N_, SOURCE

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """What is shown once and kept as hashes only."""

    token: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """The cookie's value and how long it is good for."""

    token: str
    lasts: timedelta
    person: Person


def record(
    db: Session, *, clinic_id: UUID, actor_id: UUID | None, verb: str, about: tuple[str, object], now: datetime
) -> None:
    """Add to the audit trail: who (None: the product itself) did what to which thing. Never health data."""
    kind, subject = about
    db.add(
        AuditEntry(
            clinic_id=clinic_id,
            id=new_id(),
            at=now,
            actor_id=actor_id,
            verb=verb,
            about_kind=kind,
            about_id=str(subject),
        )
    )


def add_person(
    db: Session,
    *,
    clinic_id: UUID,
    name: str,
    roles: list[str],
    now: datetime,
    email: str | None = None,
    contact_email: str | None = None,
    locale: str = SOURCE,
    person_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Person:
    """A new person of the clinic; Conflict if the address to sign in with is taken. `contact_email` was agreed to."""
    if email and queries.person_by_email(db, email):
        raise Conflict(N_("This e-mail address is already in use."))
    row = Person(
        clinic_id=clinic_id,
        id=person_id or new_id(),
        name=name,
        roles=roles,
        email=email.strip().lower() if email else None,
        password_hash=None,
        subject_key=new_token()[:22],
        locale=locale,
        contact_email=contact_email,
        contact_agreed_at=now if contact_email else None,
        created_at=now,
        deactivated_at=None,
    )
    db.add(row)
    db.flush()
    record(db, clinic_id=clinic_id, actor_id=actor_id, verb="person.added", about=("person", row.id), now=now)
    return row


def set_locale(db: Session, *, clinic_id: UUID, person_id: UUID, locale: str) -> None:
    """Write to a person in this language from now on, pushes included."""
    db.execute(update(Person).where(Person.clinic_id == clinic_id, Person.id == person_id).values(locale=locale))


def set_contact(db: Session, person: Person, contact_email: str | None, *, actor_id: UUID, now: datetime) -> None:
    """Send e-mail to this address, which the person agreed to, or to none any more."""
    person.contact_email, person.contact_agreed_at = contact_email, now if contact_email else None
    verb = "contact.agreed" if contact_email else "contact.withdrawn"
    record(db, clinic_id=person.clinic_id, actor_id=actor_id, verb=verb, about=("person", person.id), now=now)


def set_quiet_hours(db: Session, person: Person, hours: tuple[str, str] | None, *, now: datetime) -> None:
    """Hold a person's reminders back between these two times of the clinic's day, or never."""
    person.quiet_from, person.quiet_until = hours or (None, None)
    about = ("person", person.id)
    record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="quiet_hours.set", about=about, now=now)


def invite(
    db: Session,
    person: Person,
    *,
    now: datetime,
    lasts: timedelta = rules.DESK_INVITATION,
    actor_id: UUID | None = None,
) -> NewInvitation:
    """A one-use link and code for signing in as `person`; earlier ones stop working."""
    db.execute(
        update(Invitation)
        .where(
            Invitation.clinic_id == person.clinic_id,
            Invitation.person_id == person.id,
            Invitation.redeemed_at.is_(None),
            Invitation.replaced_at.is_(None),
        )
        .values(replaced_at=now)
    )
    made = NewInvitation(token=new_token(), code=new_code(), expires_at=now + lasts)
    row = Invitation(
        clinic_id=person.clinic_id,
        id=new_id(),
        person_id=person.id,
        token_hash=digest(made.token),
        code_hash=digest(made.code),
        created_at=now,
        expires_at=made.expires_at,
        redeemed_at=None,
        replaced_at=None,
    )
    db.add(row)
    about = ("invitation", row.id)
    record(db, clinic_id=person.clinic_id, actor_id=actor_id, verb="invitation.made", about=about, now=now)
    return made


def redeem(db: Session, token_or_code: str, *, now: datetime, device: str = "") -> NewSignIn | None:
    """Sign in by an invitation's token or code, once; None if it is unknown, used, replaced or expired."""
    token_hash, code_hash = digest(token_or_code.strip()), digest(plain_code(token_or_code))
    redeemed = db.execute(
        update(Invitation)
        .where(
            (Invitation.token_hash == token_hash) | (Invitation.code_hash == code_hash),
            Invitation.redeemed_at.is_(None),
            Invitation.replaced_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(redeemed_at=now)
        .returning(Invitation.clinic_id, Invitation.person_id, Invitation.id)
    ).one_or_none()
    if redeemed is None:
        return None
    person = queries.person(db, redeemed.clinic_id, redeemed.person_id)
    about = ("invitation", redeemed.id)
    record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="invitation.redeemed", about=about, now=now)
    return None if person.deactivated_at else start_sign_in(db, person, now=now, device=device)


def start_sign_in(db: Session, person: Person, *, now: datetime, device: str = "") -> NewSignIn:
    """A fresh sign-in with a fresh token, whatever cookie was there before; `device` as in `rules.device_of`."""
    made = NewSignIn(token=new_token(), lasts=rules.sign_in_lasts(person.roles), person=person)
    row = SignIn(
        clinic_id=person.clinic_id,
        id=new_id(),
        person_id=person.id,
        token_hash=digest(made.token),
        device=device,
        created_at=now,
        seen_at=now,
        expires_at=now + made.lasts,
        ended_at=None,
    )
    db.add(row)
    about = ("sign_in", row.id)
    record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="sign_in.started", about=about, now=now)
    return made


def note_seen(db: Session, sign_in: SignIn, *, now: datetime) -> None:
    """The sign-in is in use: a patient's 90 days begin anew, staff's 12 hours do not."""
    person = queries.person(db, sign_in.clinic_id, sign_in.person_id)
    lasts = rules.sign_in_lasts(person.roles)
    values = {"seen_at": now} | ({"expires_at": now + lasts} if lasts == rules.PATIENT_SIGN_IN else {})
    db.execute(update(SignIn).where(SignIn.clinic_id == sign_in.clinic_id, SignIn.id == sign_in.id).values(**values))


def end_sign_in(db: Session, *, clinic_id: UUID, sign_in_id: UUID, person_id: UUID, now: datetime) -> bool:
    """Revoke a person's own sign-in: its cookie is worthless from now on. False if there is none to revoke."""
    ended = (
        update(SignIn)
        .where(
            SignIn.clinic_id == clinic_id,
            SignIn.id == sign_in_id,
            SignIn.person_id == person_id,
            SignIn.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    if db.execute(ended.returning(SignIn.id)).first() is None:
        return False
    record(db, clinic_id=clinic_id, actor_id=person_id, verb="sign_in.ended", about=("sign_in", sign_in_id), now=now)
    return True


def end_all_sign_ins(db: Session, person: Person, *, now: datetime, spare: UUID | None = None) -> None:
    """Revoke every sign-in of a person but `spare`, as after a new password."""
    wanted = [SignIn.clinic_id == person.clinic_id, SignIn.person_id == person.id, SignIn.ended_at.is_(None)]
    if spare:
        wanted.append(SignIn.id != spare)
    db.execute(update(SignIn).where(*wanted).values(ended_at=now))


def set_password(db: Session, person: Person, password_hash: str, *, now: datetime) -> None:
    """Keep a new password's hash and end every sign-in that the old one started."""
    person.password_hash = password_hash
    end_all_sign_ins(db, person, now=now)
    about = ("person", person.id)
    record(db, clinic_id=person.clinic_id, actor_id=person.id, verb="password.set", about=about, now=now)


def hash_password(password: str) -> str:
    """The argon2id hash of a password; takes some 30 ms, so call it outside a transaction."""
    return _hasher.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether a password fits; takes as long where there is none, so that addresses cannot be guessed by time."""
    try:
        _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def take_try(db: Session, key_hash: str, *, now: datetime) -> int:
    """Count one try under a key and say which of its window it is. Others wait for this transaction, so that a
    thousand tries at once are a thousand.
    """
    first = insert_into(db, FailedTries).values(key_hash=key_hash, window_started_at=now, count=0)
    db.execute(first.on_conflict_do_nothing(index_elements=["key_hash"]))
    row = db.scalars(select(FailedTries).where(FailedTries.key_hash == key_hash).with_for_update()).one()
    after = rules.after_try(rules.Tries(row.window_started_at, row.count), now)
    row.window_started_at, row.count = after.started_at, after.count
    db.flush()
    return after.count


def forget_tries(db: Session, key_hash: str) -> None:
    """Count from the beginning, as after the right password."""
    db.execute(delete(FailedTries).where(FailedTries.key_hash == key_hash))


@cache
def _nobody() -> str:
    return _hasher.hash(new_token())
