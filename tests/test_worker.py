"""The worker as a process of its own, killed where it hurts, hung, and replaced."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Literal

import psutil
import pytest

from companion.clock import utc_now
from companion.db import EVERY_CLINIC
from companion.operations import actions as operations
from companion.operations import queries, rules
from companion.outbox import jobs
from companion.outbox.rules import LEASE
from companion.push.transport import Transport
from companion.runtime import Runtime
from companion.supervisor import Pulse
from companion.worker import Dispatcher, Rescue
from tests.conftest import Clock
from tests.outbox.test_channels import NoPush
from tests.outbox.test_delivery import enqueue, state_of, subscribe
from tests.people import Cast
from tests.push_service import PushService
from tests.test_commands import free_port

pytestmark = pytest.mark.slow

# The signal comes while the main thread holds the lock of the event, as it does again and again in `stop.wait`.
SIGNAL_WHILE_LOCKED = """
import os, sys, threading
from companion.supervisor import stop_on_signals
stop = threading.Event()
stop_on_signals(stop)
with stop._cond:
    os.kill(os.getpid(), int(sys.argv[1]))
print("stopped" if stop.wait(10) else "waits")
"""


@pytest.mark.parametrize(("fault", "copies"), [("hang", 1), ("lose_answer", 2)])
def test_a_worker_killed_between_claim_and_settle_loses_nothing(
    rt: Runtime, cast: Cast, clock: Clock, fault: Literal["hang", "lose_answer"], copies: int
) -> None:
    clock.now = utc_now()
    with PushService.running() as service:
        device = subscribe(rt, service, cast.north, cast.iris)
        service.inject(fault)
        message_id = enqueue(rt.db, cast, utc_now())
        worker = _start_worker(rt, service)
        try:
            service.wait_for("fault", timeout=30)
        finally:
            worker.kill()
            worker.wait(10)
        _work_again(rt)
        assert len(device.wait_for(copies)) == copies
        assert state_of(rt.db, message_id) == "sent"
        tags = {received.json["notification"]["tag"] for received in device.received}
        assert tags == {str(message_id)}, "a second copy replaces the first on the phone"


def _start_worker(rt: Runtime, service: PushService) -> "subprocess.Popen[bytes]":
    settings = {"COMPANION_DATA_DIR": str(rt.config.data_dir), "COMPANION_DATABASE_URL": rt.config.url}
    return subprocess.Popen(
        [sys.executable, "-m", "companion.cli", "worker"], env={**os.environ, **service.environment, **settings}
    )


def _work_again(rt: Runtime) -> None:
    transport = Transport(rt.config, rt.secrets, utc_now)
    later = utc_now() + LEASE + timedelta(seconds=1)
    assert jobs.deliver(rt, transport, later) >= 1
    transport.close()


def test_a_web_process_delivers_when_no_worker_has_beaten_for_a_minute(
    rt: Runtime, cast: Cast, clock: Clock, push_service: PushService
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    rescue = Rescue(rt)
    Dispatcher(rt, NoPush()).tick()
    message_id = enqueue(rt.db, cast, clock.now)
    assert rescue.look() is False
    clock.now += timedelta(seconds=60)
    assert rescue.look() is False
    clock.now += timedelta(seconds=1)
    assert rescue.look() is True
    assert len(device.wait_for(1)) == 1
    assert state_of(rt.db, message_id) == "sent"
    with rt.db.reading(EVERY_CLINIC) as db:
        age = rules.age_seconds(queries.last_beat(db), clock.now)
    assert age == 61, "a rescue is no sign that the worker lives"


def test_a_pulse_that_stops_means_a_hanging_worker_and_a_clock_that_is_set_does_not(
    rt: Runtime, cast: Cast, clock: Clock
) -> None:
    pulse = Pulse(rt.config)
    long_ago, stale = 0.0, rules.BEAT_HANGS.total_seconds()
    try:
        assert pulse.hangs(started_on=long_ago, on=1000) is False
        for jump in (timedelta(0), timedelta(days=400), timedelta(days=-800)):
            clock.now += jump
            with rt.db.transaction(EVERY_CLINIC) as db:
                operations.beat(db, rules.DISPATCHER, now=clock.now)
            assert pulse.hangs(started_on=long_ago, on=2000) is False
        assert pulse.hangs(started_on=long_ago, on=2000 + stale) is False
        assert pulse.hangs(started_on=long_ago, on=2001 + stale) is True
        assert pulse.hangs(started_on=2001, on=2001 + stale) is False, "one that has just started is given its time"
    finally:
        pulse.close()


def test_systemd_is_told_that_the_dispatcher_lives(
    rt: Runtime, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert Dispatcher(rt, NoPush()).tick() is True
        assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_waiting_for_the_stop_ends_the_waiting(number: signal.Signals) -> None:
    command = [sys.executable, "-c", SIGNAL_WHILE_LOCKED, str(number.value)]
    assert subprocess.check_output(command, timeout=20, text=True) == "stopped\n"


def test_the_end_of_a_terminal_is_ignored_where_it_was_to_be() -> None:
    ignored = SIGNAL_WHILE_LOCKED.replace(
        "stop = ", "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); stop = "
    )
    command = [sys.executable, "-c", ignored.replace("wait(10)", "wait(0.5)"), str(signal.SIGHUP.value)]
    assert subprocess.check_output(command, timeout=20, text=True) == "waits\n", "as nohup asks for"


@pytest.mark.long
def test_a_worker_that_hangs_is_replaced_within_thirty_seconds(tmp_path: Path) -> None:
    port = str(free_port())
    settings = {
        "COMPANION_DATA_DIR": str(tmp_path / "data"),
        "COMPANION_PORT": port,
        "COMPANION_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "companion.cli", "serve"]
    serve = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    try:
        assert serve.stdout is not None
        assert any("Aftercare Companion is at" in line for line in serve.stdout)
        hung = _worker_of(serve.pid)
        hung.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        hung.wait(30)
        while (other := _worker_of(serve.pid)) == hung:
            assert time.monotonic() - began < 30
        assert other.is_running()
        assert time.monotonic() - began < 30
    finally:
        serve.terminate()
        serve.communicate(timeout=30)


def _worker_of(supervisor: int) -> psutil.Process:
    children = psutil.Process(supervisor).children()
    return next((one for one in children if one.cmdline()[-1:] == ["worker"]), psutil.Process(supervisor))
