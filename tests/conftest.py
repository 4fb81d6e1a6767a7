"""Fixtures of every test: both databases, freshly migrated, with the cast in them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings

from companion import schema, wiring  # noqa: F401 - wiring registers every table
from companion.app import create_app
from companion.config import Config, load_secrets, make_secrets
from companion.db import Database
from companion.push.transport import Transport
from companion.runtime import Runtime
from tests.databases import APPLICATION_ROLE, Postgres, sqlite_template, sqlite_url
from tests.people import NOW, Cast, add_cast
from tests.push_service import PushService

settings.register_profile("house", deadline=None)  # no test asserts how long anything takes
settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last: Playwright leaves an event loop running, and no other can in this thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("sqlite"), _migrate)


@pytest.fixture(scope="session")
def postgres() -> Iterator[tuple[Postgres, str]]:
    with Postgres.running() as server:
        yield server, server.template(_migrate)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = sqlite_url(tmp_path, request.getfixturevalue("sqlite_file"))
        else:
            server, template = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database(template)).application
        database = Database(url)
        stack.callback(database.close)
        yield database


@pytest.fixture
def cast(db: Database) -> Cast:
    return add_cast(db)


@pytest.fixture
def rt(db: Database, tmp_path: Path) -> Runtime:
    make_secrets(tmp_path / "secrets")
    return Runtime(
        config=Config(data_dir=tmp_path, database_url=db.url, push_insecure_loopback=True),
        secrets=load_secrets(tmp_path / "secrets"),
        db=db,
        clock=Clock(),
    )


@pytest.fixture(scope="session")
def app_over() -> Callable[[Runtime], Flask]:
    """The application over a runtime of the usual settings: routes and templates are compiled once for all tests."""
    made: list[Flask] = []

    def over(rt: Runtime) -> Flask:
        if not made:
            made.append(create_app(rt))
        made[0].extensions["companion"] = rt
        return made[0]

    return over


@pytest.fixture
def app(app_over: Callable[[Runtime], Flask], rt: Runtime, cast: Cast) -> Flask:
    return app_over(rt)


@pytest.fixture
def client(app_over: Callable[[Runtime], Flask], rt: Runtime) -> FlaskClient:
    return app_over(rt).test_client()


@pytest.fixture
def clock(rt: Runtime) -> Clock:
    assert isinstance(rt.clock, Clock)
    return rt.clock


@pytest.fixture
def push_service(clock: Clock) -> Iterator[PushService]:
    def seconds() -> float:
        return clock.now.timestamp()

    with PushService.running(now=seconds) as service:
        yield service


@pytest.fixture
def transport(rt: Runtime) -> Iterator[Transport]:
    made = Transport(rt.config, rt.secrets, rt.clock)
    yield made
    made.close()


def _migrate(url: str) -> None:
    database = Database(url)
    is_postgres = not database.is_sqlite
    schema.migrate(database, application_role=APPLICATION_ROLE if is_postgres else None)
    database.close()
