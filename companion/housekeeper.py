"""The housekeeper: what may wait. APScheduler with a memory job store; no alert depends on it.

Its jobs hold no patient data, are idempotent, and write down when they last succeeded: `operations.rules.JOBS` says how
often each runs, and one that has not succeeded for long is a sign of health that is not well.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from companion.access.jobs import prune
from companion.coverage.jobs import tell_daily
from companion.db import EVERY_CLINIC
from companion.operations import actions as operations
from companion.operations import jobs, queries
from companion.operations.rules import JOBS, Unkept, first_run
from companion.operations.transport import Loopback
from companion.outbox.transport import Courier
from companion.reactions.jobs import look_after_silence
from companion.runtime import Runtime
from companion.schedule.jobs import release_due

log = logging.getLogger(__name__)
Work = Callable[[], int | None]


def start(rt: Runtime, loopback: Loopback, couriers: Mapping[str, Courier]) -> BackgroundScheduler:
    """Start all jobs, each in its interval since it last succeeded; whoever starts it shuts it down."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    with rt.db.transaction(EVERY_CLINIC) as db:
        operations.forget_canary_start(db)
        last = {name: queries.last_beat(db, name) for name in JOBS}
    for name, work in _work(rt, loopback, couriers).items():
        scheduler.add_job(
            run,
            "interval",
            args=(rt, name, work),
            seconds=JOBS[name].total_seconds(),
            id=name,
            next_run_time=first_run(last[name], JOBS[name], rt.clock()),
        )
    scheduler.start()
    return scheduler


def begin_anew(scheduler: BackgroundScheduler, now: datetime) -> None:
    """After the clock was set: run every job now, or intervals would wait for the old time to come back."""
    for job in scheduler.get_jobs():
        job.modify(next_run_time=now)


def run_alarms(rt: Runtime, couriers: Mapping[str, Courier], unkept: Unkept) -> bool:
    """Tell the operator what is not well, from a process that has no housekeeper."""
    return run(rt, "alarms", lambda: jobs.tell_operator(rt, couriers, rt.clock(), unkept))


def run(rt: Runtime, name: str, work: Work) -> bool:
    """Run one job and write down that it succeeded, with the number it gives back; False, and logged, if it failed.

    A job that gives back None had nothing to do here: another worker did it, or it is not for this database.
    """
    try:
        value = work()
        if value is None:
            return True
        with rt.db.transaction(EVERY_CLINIC) as db:
            operations.beat(db, name, now=rt.clock(), value=value)
    except Exception as error:  # noqa: BLE001 - the next run tries again; that this one failed shows in its age
        log.error("housekeeper: %s failed with %s", name, type(error).__name__)
        return False
    return True


def _work(rt: Runtime, loopback: Loopback, couriers: Mapping[str, Courier]) -> dict[str, Work]:
    unkept = Unkept()
    return {
        "release_due": lambda: release_due(rt, rt.clock()),
        "silence": lambda: look_after_silence(rt, rt.clock()),
        "canary": lambda: jobs.prove_alerts(rt, loopback, rt.clock()),
        "backup": lambda: jobs.back_up(rt, rt.clock()),
        "alarms": lambda: jobs.tell_operator(rt, couriers, rt.clock(), unkept),
        "reconcile": lambda: jobs.reconcile(rt, rt.clock()),
        "device_check": lambda: jobs.check_devices(rt, rt.clock()),
        "prune": lambda: prune(rt, rt.clock()),
        "coverage": lambda: tell_daily(rt, rt.clock()),
    }
