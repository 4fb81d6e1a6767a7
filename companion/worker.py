"""The worker: a dispatcher that carries every alert, and a housekeeper for what may wait.

The dispatcher is a loop on the monotonic clock: it trusts no wall-clock timer, so a clock that is set back stops
nothing, and it wakes early when somebody commits. The housekeeper is APScheduler with a memory job store: its jobs
hold no patient data, are idempotent, and write down when they last succeeded.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from companion.db import EVERY_CLINIC, Watch
from companion.escalation.jobs import step_due, warn_late
from companion.operations import actions as operations
from companion.operations.rules import BEAT_EVERY, DISPATCHER
from companion.outbox.jobs import Sender, deliver, give_up_silent
from companion.outbox.transport import Courier, couriers
from companion.push.transport import Transport
from companion.reactions.jobs import look_after_silence
from companion.runtime import Runtime
from companion.schedule.jobs import release_due

log = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_RELEASE_SECONDS = 20


def run(rt: Runtime, stop: threading.Event) -> None:
    """Work until `stop` is set; what is half done then is done again by the next worker."""
    transport = Transport(rt.config, rt.secrets, rt.clock)
    housekeeper = _housekeeper(rt)
    housekeeper.start()
    watch = Watch(rt.db)
    try:
        dispatcher = Dispatcher(rt, transport, couriers(rt.config, rt.clock))
        while not stop.is_set():
            dispatcher.tick()
            watch.wait(_TICK_SECONDS, stop)
    finally:
        housekeeper.shutdown(wait=False)
        watch.close()
        transport.close()


class Dispatcher:
    """Steps cases, delivers messages, beats. Each part that fails is tried again with the next tick."""

    def __init__(self, rt: Runtime, sender: Sender, others: Mapping[str, Courier] | None = None) -> None:
        self._rt, self._sender, self._others = rt, sender, others or {}
        self._beat_on: float | None = None

    def tick(self) -> bool:
        """One round; says whether all parts worked. The beat is written only then."""
        steps: tuple[Callable[[], object], ...] = (
            lambda: give_up_silent(self._rt, self._rt.clock()),
            lambda: step_due(self._rt, self._rt.clock()),
            lambda: warn_late(self._rt, self._rt.clock()),
            lambda: deliver(self._rt, self._sender, self._rt.clock(), self._others),
        )
        worked = [_try(step) for step in steps]
        if not all(worked):
            return False
        if self._beat_on is None or time.monotonic() - self._beat_on >= BEAT_EVERY.total_seconds():
            self._beat_on = time.monotonic()
            return _try(lambda: _beat(self._rt, DISPATCHER))
        return True


def _housekeeper(rt: Runtime) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(2)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(
        lambda: _release(rt), "interval", seconds=_RELEASE_SECONDS, id="release_due", next_run_time=rt.clock()
    )
    scheduler.add_job(lambda: _look_after_silence(rt), "interval", minutes=10, id="silence", next_run_time=rt.clock())
    return scheduler


def _look_after_silence(rt: Runtime) -> None:
    if _try(lambda: look_after_silence(rt, rt.clock())):
        _try(lambda: _beat(rt, "silence"))


def _release(rt: Runtime) -> None:
    if _try(lambda: release_due(rt, rt.clock())):
        _try(lambda: _beat(rt, "release_due"))


def _beat(rt: Runtime, name: str) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        operations.beat(db, name, now=rt.clock())


def _try(work: Callable[[], object]) -> bool:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the loop must outlive every fault; the beat tells that one happened
        log.error("worker: %s", type(error).__name__)
        return False
    return True
