"""The worker's dispatcher, which carries every alert, and the rescue that the web processes run without it.

The dispatcher is a loop on the monotonic clock: it trusts no wall-clock timer, so a clock that is set back stops
nothing, and it wakes early when somebody commits. What may wait is the housekeeper's.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from companion import housekeeper
from companion.db import EVERY_CLINIC
from companion.escalation.jobs import step_due, warn_late
from companion.operations import actions as operations
from companion.operations import queries, rules
from companion.operations.transport import Loopback
from companion.outbox.jobs import Sender, deliver, give_up_silent, keep_intervals
from companion.outbox.transport import Courier, couriers
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.supervisor import tell_systemd
from companion.wake import Watch

log = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_RESCUE_LOOKS_SECONDS = 10.0


def run(rt: Runtime, stop: threading.Event) -> None:
    """Work until `stop` is set; what is half done then is done again by the next worker."""
    transport = Transport(rt.config, rt.secrets, rt.clock)
    others = couriers(rt.config, rt.clock)
    loopback = Loopback(rt.secrets.vapid_public_key, rt.clock)
    jobs = housekeeper.start(rt, loopback, others)
    watch = Watch(rt.db)
    gc.collect()
    gc.freeze()  # what start-up made stays: looking through it again would hold an alert up for a tenth of a second
    try:
        dispatcher = Dispatcher(
            rt, transport, others, on_jump=lambda: housekeeper.begin_anew(jobs, rt.clock()), stop=stop
        )
        while not stop.is_set():
            dispatcher.tick()
            if not _try(lambda: watch.wait(_TICK_SECONDS, stop)):
                stop.wait(_TICK_SECONDS)
                _try(watch.reopen)
    finally:
        jobs.shutdown(wait=False)
        loopback.close()
        watch.close()
        transport.close()


class Dispatcher:
    """Steps cases, delivers messages, beats. Each part that fails is tried again with the next tick."""

    def __init__(
        self,
        rt: Runtime,
        sender: Sender,
        others: Mapping[str, Courier] | None = None,
        *,
        on_jump: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
    ) -> None:
        self._rt, self._sender, self._others, self._on_jump = rt, sender, others or {}, on_jump
        self._stop = stop or threading.Event()
        self._beat_on: float | None = None
        self._clocks: tuple[datetime, float] | None = None

    def tick(self) -> bool:
        """One round; says whether all parts worked. The beat is written only then."""
        _try(self._watch_clock)
        return self.work(between=self._beat) and _try(self._beat)

    def work(self, between: Callable[[], None] = lambda: None) -> bool:
        """What is due now, without a beat; `between` is called after each batch of messages."""
        rt = self._rt
        steps: tuple[Callable[[], object], ...] = (
            lambda: give_up_silent(rt, rt.clock()),
            lambda: step_due(rt, rt.clock()),
            lambda: warn_late(rt, rt.clock()),
            lambda: keep_intervals(rt, rt.clock()),
            lambda: self._deliver(between),
        )
        worked = [_try(step) for step in steps]
        return all(worked)

    def _deliver(self, between: Callable[[], None]) -> None:
        # A morning's reminders are many batches: what falls due meanwhile goes with the next one, the urgent first.
        # Whoever stops the worker waits for one batch at most.
        while deliver(self._rt, self._sender, self._rt.clock(), self._others) and not self._stop.is_set():
            between()
            _try(lambda: step_due(self._rt, self._rt.clock()))

    def _beat(self) -> None:
        if self._beat_on is None or time.monotonic() - self._beat_on >= rules.BEAT_EVERY.total_seconds():
            self._beat_on = time.monotonic()
            with self._rt.db.transaction(EVERY_CLINIC) as db:
                operations.beat(db, rules.DISPATCHER, now=self._rt.clock())
            tell_systemd("READY=1\nWATCHDOG=1")

    def _watch_clock(self) -> None:
        wall, steady = self._rt.clock(), time.monotonic()
        before, self._clocks = self._clocks, (wall, steady)
        if before is None:
            return
        jumped = rules.jump_seconds(wall - before[0], timedelta(seconds=steady - before[1]))
        if jumped is not None:
            log.warning("the clock jumped by %s s", jumped)
            self._on_jump()
            with self._rt.db.transaction(EVERY_CLINIC) as db:
                operations.note_event(db, "clock_jumped", now=wall, seconds=jumped)


class Rescue:
    """What a web process does while no worker beats: deliver, and tell the operator. Leases make many harmless."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._others = couriers(rt.config, rt.clock)
        self._unkept = rules.Unkept()

    def run(self, stop: threading.Event) -> None:
        """Look again and again until `stop` is set; meant for a thread of its own."""
        while not stop.wait(_RESCUE_LOOKS_SECONDS):
            _try(self.look)

    def look(self) -> bool:
        """Do the worker's work once if it has been silent for a minute; says whether it was."""
        rt = self._rt
        with rt.db.reading(EVERY_CLINIC) as db:
            if not rules.needs_rescue(queries.last_beat(db), rt.clock()):
                return False
        log.warning("no worker beats: delivering from a web process")
        transport = Transport(rt.config, rt.secrets, rt.clock)
        try:
            Dispatcher(rt, transport, self._others).work()
        finally:
            transport.close()
        housekeeper.run_alarms(rt, self._others, self._unkept)
        return True


def _try(work: Callable[[], object]) -> bool:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the loop must outlive every fault; the beat tells that one happened
        log.error("worker: %s", type(error).__name__)
        return False
    return True
