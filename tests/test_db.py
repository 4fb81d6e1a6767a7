"""The database layer: same schema as the models, one writer, no row across clinics, no naive times."""

from datetime import datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError, StatementError

from companion import schema
from companion.accounts.actions import record
from companion.accounts.models import Person
from companion.course.models import Course
from companion.db import EVERY_CLINIC, Base, Database
from companion.ids import new_id
from companion.outbox.models import DueMessage
from companion.wake import Watch, announce
from tests.databases import APPLICATION_ROLE
from tests.outbox.test_delivery import enqueue
from tests.people import Cast


def test_migrations_build_what_the_models_say(db: Database) -> None:
    built = inspect(db.engine)
    assert set(built.get_table_names()) - {"alembic_version"} == set(Base.metadata.tables)
    for name, table in Base.metadata.tables.items():
        assert {column["name"] for column in built.get_columns(name)} == set(table.columns.keys())
        assert built.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
        wanted = {constraint.name for constraint in table.foreign_key_constraints}
        assert {key["name"] for key in built.get_foreign_keys(name)} == wanted
        assert {index["name"] for index in built.get_indexes(name)} >= {index.name for index in table.indexes}
        wanted_checks = {c.name for c in table.constraints if type(c).__name__ == "CheckConstraint"}
        assert {check["name"] for check in built.get_check_constraints(name)} == wanted_checks


def test_every_migration_goes_down_and_up_again_with_rows_in(db: Database, cast: Cast, now: datetime) -> None:
    if not db.is_sqlite:
        pytest.skip("the application's role owns nothing on PostgreSQL; the template is migrated by the owner")
    schema.downgrade(db, "0001")
    schema.migrate(db)
    assert schema.current_revision(db) == schema.newest_revision()
    with db.reading(cast.north) as session:
        assert session.get(Person, (cast.north, cast.ada)) is not None


def test_what_is_due_outlives_a_change_of_its_table(db: Database, cast: Cast, now: datetime) -> None:
    if not db.is_sqlite:
        pytest.skip("the application's role owns nothing on PostgreSQL; the template is migrated by the owner")
    message_ids = [enqueue(db, cast, now, is_urgent=is_urgent) for is_urgent in (False, True)]
    schema.downgrade(db, "0022")
    schema.migrate(db)
    with db.transaction(EVERY_CLINIC) as session:
        due = {(row.message_id, row.is_urgent, row.due_at, row.set_at) for row in session.scalars(select(DueMessage))}
    assert due == {(message_ids[0], False, now, now), (message_ids[1], True, now, now)}


def test_audit_rows_cannot_be_changed_or_removed(db: Database, cast: Cast, now: datetime) -> None:
    with db.transaction(cast.north) as session:
        record(session, clinic_id=cast.north, actor_id=cast.iris, verb="tested", about=("person", cast.ada), now=now)
    for statement in ("update audit set verb = 'x'", "delete from audit"):
        with pytest.raises(DatabaseError), db.transaction(EVERY_CLINIC) as session:
            session.execute(text(statement))


def test_a_row_cannot_refer_to_another_clinics_row(db: Database, cast: Cast, now: datetime) -> None:
    stray = Course(
        clinic_id=cast.south,
        id=new_id(),
        patient_id=cast.ada,
        indication="hair",
        areas=["scalp"],
        agents=["vitamins"],
        technique="manual_needle",
        planned_visits=3,
        interval_days=28,
        created_at=now,
        ended_at=None,
    )
    with pytest.raises(DatabaseError), db.transaction(cast.south) as session:
        session.add(stray)


def test_a_clinics_transaction_sees_its_own_rows_only(db: Database, cast: Cast) -> None:
    with db.reading(cast.north) as session:
        assert cast.ben not in set(session.scalars(select(Person.id)))
    if not db.is_sqlite:
        with db.reading(cast.north) as session:
            assert session.execute(text("select count(*) from people where name = 'Ben'")).scalar_one() == 0


def test_a_failed_transaction_leaves_nothing(db: Database, cast: Cast, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction(cast.north) as session:
        record(session, clinic_id=cast.north, actor_id=None, verb="half", about=("person", cast.ada), now=now)
        session.flush()
        raise ZeroDivisionError
    with db.reading(cast.north) as session:
        assert session.execute(text("select count(*) from audit where verb = 'half'")).scalar_one() == 0


def test_a_time_without_a_zone_is_refused(db: Database, cast: Cast, now: datetime) -> None:
    with pytest.raises((ValueError, StatementError)), db.transaction(cast.north) as session:
        naive = now.replace(tzinfo=None)
        record(session, clinic_id=cast.north, actor_id=None, verb="x", about=("x", "x"), now=naive)
        session.flush()


def test_a_time_comes_back_as_the_same_instant_in_utc(db: Database, cast: Cast, now: datetime) -> None:
    with db.reading(cast.north) as session:
        course = session.get(Course, (cast.north, cast.ada_course))
        assert course is not None
        assert course.created_at == now - timedelta(days=8)
        assert course.created_at.utcoffset() == timedelta(0)


def test_the_watch_wakes_for_somebody_elses_commit(db: Database, cast: Cast, now: datetime) -> None:
    watch, stop = Watch(db), Event()
    try:
        assert watch.wait(0.05, stop) is False
        with db.transaction(cast.north) as session:
            record(session, clinic_id=cast.north, actor_id=None, verb="news", about=("x", "x"), now=now)
            announce(session)
        assert watch.wait(10, stop) is True
    finally:
        watch.close()


def test_postgresql_is_reached_by_a_role_that_owns_nothing(db: Database) -> None:
    if db.is_sqlite:
        pytest.skip("SQLite has no roles")
    assert schema.application_role(db.url) == APPLICATION_ROLE
