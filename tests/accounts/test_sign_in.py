"""Invitations and sign-ins on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from companion.accounts import actions, queries
from companion.db import EVERY_CLINIC, Database
from companion.ids import digest
from tests.people import Cast


def _invite(db: Database, cast: Cast, now: datetime) -> actions.NewInvitation:
    with db.transaction(cast.north) as session:
        return actions.invite(session, queries.person(session, cast.north, cast.ada), now=now, actor_id=cast.iris)


def _redeem(db: Database, given: str, now: datetime) -> actions.NewSignIn | None:
    with db.transaction(EVERY_CLINIC) as session:
        return actions.redeem(session, given, now=now)


def test_an_invitation_works_once_by_link(db: Database, cast: Cast, now: datetime) -> None:
    made = _invite(db, cast, now)
    first = _redeem(db, made.token, now)
    assert first is not None
    assert first.person.id == cast.ada
    assert _redeem(db, made.token, now) is None
    assert _redeem(db, made.code, now) is None


def test_a_code_may_be_typed_sloppily(db: Database, cast: Cast, now: datetime) -> None:
    made = _invite(db, cast, now)
    assert _redeem(db, made.code.lower().replace("-", " "), now) is not None


def test_an_invitation_expires(db: Database, cast: Cast, now: datetime) -> None:
    made = _invite(db, cast, now)
    assert _redeem(db, made.token, now + timedelta(minutes=16)) is None


def test_a_new_invitation_replaces_the_old_one(db: Database, cast: Cast, now: datetime) -> None:
    old, new = _invite(db, cast, now), _invite(db, cast, now)
    assert _redeem(db, old.token, now) is None
    assert _redeem(db, new.token, now) is not None


def test_sixteen_phones_redeem_one_invitation_once(db: Database, cast: Cast, now: datetime) -> None:
    made = _invite(db, cast, now)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: _redeem(db, made.token, now), range(16)))
    assert sum(result is not None for result in results) == 1


def test_signing_out_makes_the_cookie_worthless(db: Database, cast: Cast, now: datetime) -> None:
    made = _redeem(db, _invite(db, cast, now).token, now)
    assert made is not None
    with db.transaction(cast.north) as session:
        found = queries.living_sign_in(session, digest(made.token), now)
        assert found is not None
        assert actions.end_sign_in(session, clinic_id=cast.north, sign_in_id=found[0].id, person_id=cast.ada, now=now)
    with db.reading(EVERY_CLINIC) as session:
        assert queries.living_sign_in(session, digest(made.token), now) is None


def test_a_sign_in_of_a_patient_lasts_ninety_days(db: Database, cast: Cast, now: datetime) -> None:
    made = _redeem(db, _invite(db, cast, now).token, now)
    assert made is not None
    with db.reading(EVERY_CLINIC) as session:
        assert queries.living_sign_in(session, digest(made.token), now + timedelta(days=89)) is not None
        assert queries.living_sign_in(session, digest(made.token), now + timedelta(days=91)) is None


def test_a_clinic_does_not_see_another_clinics_people(db: Database, cast: Cast) -> None:
    with db.reading(cast.south) as session:
        assert queries.people(session, cast.north, [cast.ada]) == {}
        assert [person.name for person in queries.patients(session, cast.south)] == ["Ben"]
