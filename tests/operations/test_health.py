"""Signs of life: the dispatcher's, and what the outside sees."""

from collections.abc import Sequence
from datetime import timedelta

from companion.app import create_app
from companion.db import EVERY_CLINIC
from companion.operations import queries
from companion.push.transport import Push, Result
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.people import Cast
from tests.signed_in import browser


class _Silent:
    """A sender with nothing to send."""

    def send_many(self, pushes: Sequence[Push]) -> list[Result]:
        assert not pushes
        return []


def test_health_follows_the_dispatchers_beat(rt: Runtime, cast: Cast, clock: Clock) -> None:
    client = browser(create_app(rt), rt)
    assert client.get("/healthz").status_code == 503
    assert Dispatcher(rt, _Silent()).tick() is True
    assert client.get("/healthz").json == {
        "web": "ok",
        "database": "ok",
        "worker": "ok",
        "worker_beat_age_seconds": 0,
    }
    clock.now += timedelta(seconds=31)
    assert client.get("/healthz").status_code == 503


def test_a_dispatcher_that_cannot_work_does_not_beat(rt: Runtime, cast: Cast) -> None:
    rt.db.close()
    broken = Runtime(rt.config, rt.secrets, _Broken(), rt.clock)  # type: ignore[arg-type]
    assert Dispatcher(broken, _Silent()).tick() is False
    with rt.db.reading(EVERY_CLINIC) as db:
        assert queries.last_beat(db) is None


class _Broken:
    """A database that nothing can be had from."""

    def reading(self, scope: object) -> object:
        raise OSError("gone")
