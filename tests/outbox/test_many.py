"""Four dispatchers at once: every message is sent by one of them, once."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from companion.db import EVERY_CLINIC, Database
from companion.ids import new_id
from companion.outbox import jobs
from companion.outbox.models import Attempt, DueMessage, LeasedMessage, Message
from companion.outbox.rules import BATCH
from companion.push.transport import Push, Result
from companion.runtime import Runtime
from companion.worker import Dispatcher
from tests.conftest import Clock
from tests.outbox.test_delivery import enqueue, subscribe
from tests.people import Cast
from tests.push_service import PushService


class Accepts:
    """A sender that counts what it is given; every push service says yes."""

    def __init__(self) -> None:
        self.tags: list[str] = []

    def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
        self.tags += [push.tag for push in pushes]
        yield {place: Result(push.device_id, "accepted", 201) for place, push in enumerate(pushes)}


def write(db: Database, cast: Cast, now: datetime, count: int) -> None:
    """So many messages to Iris, all due now."""
    rows = [
        {
            "clinic_id": cast.north,
            "id": new_id(),
            "recipient_id": cast.iris,
            "channel": "push",
            "kind": "test",
            "about_kind": "person",
            "about_id": cast.iris,
            "params": {},
            "url": "/",
            "urgency": "normal",
            "dedupe_key": f"many:{number}",
            "state": "pending",
            "tries": 0,
            "created_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        for number in range(count)
    ]
    with db.transaction(cast.north) as session:
        session.execute(insert(Message), rows)
        times = {"due_at": now, "set_at": now}
        due = [{"clinic_id": cast.north, "is_urgent": False, "message_id": row["id"], **times} for row in rows]
        session.execute(insert(DueMessage), due)


@contextmanager
def dispatchers(rt: Runtime, count: int) -> Iterator[list[Runtime]]:
    """Runtimes with connections of their own, as processes have them."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            database = Database(rt.db.url)
            stack.callback(database.close)
            found.append(Runtime(rt.config, rt.secrets, database, rt.clock))
        yield found


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_four_dispatchers_send_each_message_once(
    rt: Runtime, cast: Cast, push_service: PushService, now: datetime, count: int
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    write(rt.db, cast, now, count)
    senders = [Accepts() for _ in range(4)]
    together = threading.Barrier(4)

    def work(own: Runtime, sender: Accepts) -> int:
        together.wait(30)
        return sum(iter(lambda: jobs.deliver(own, sender, now), 0))

    with dispatchers(rt, 4) as runtimes, ThreadPoolExecutor(4) as pool:
        handled = list(pool.map(work, runtimes, senders))
    sent = Counter(tag for sender in senders for tag in sender.tags)
    assert (len(sent), max(sent.values()), sum(handled)) == (count, 1, count)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(func.count()).select_from(Message).where(Message.state == "sent")).one() == count
        for table, rows in ((Attempt, count), (DueMessage, 0), (LeasedMessage, 0)):
            assert db.scalars(select(func.count()).select_from(table)).one() == rows


def test_a_worker_that_is_stopped_sends_no_further_batch(rt: Runtime, cast: Cast, clock: Clock) -> None:
    write(rt.db, cast, clock.now, BATCH + 1)
    stop = threading.Event()
    stop.set()  # as if it came during the first batch
    Dispatcher(rt, Accepts(), stop=stop).work()
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(func.count()).select_from(DueMessage)).one() == 1


def test_an_alert_does_not_wait_for_the_reminders_before_it(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    write(rt.db, cast, clock.now, 2 * BATCH + 1)
    alerts = []

    class Reports(Accepts):
        """While the first batch is sent, a patient reports what is urgent."""

        def send_in_parts(self, pushes: Sequence[Push]) -> Iterator[dict[int, Result]]:
            if not self.tags:
                clock.now += timedelta(seconds=1)
                alerts.append(enqueue(rt.db, cast, clock.now))
            yield from super().send_in_parts(pushes)

    sender = Reports()
    assert Dispatcher(rt, sender).work()
    assert len(sender.tags) == 2 * BATCH + 2
    assert str(alerts[0]) in sender.tags[BATCH : 2 * BATCH], "it goes with the next batch"
