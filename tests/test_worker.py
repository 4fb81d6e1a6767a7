"""The worker as a process of its own, killed where it hurts."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Literal

import pytest

from companion.clock import utc_now
from companion.outbox import jobs
from companion.outbox.rules import LEASE
from companion.push.transport import Transport
from companion.runtime import Runtime
from tests.outbox.test_delivery import enqueue, state_of, subscribe
from tests.people import Cast
from tests.push_service import PushService


@pytest.mark.parametrize(("fault", "copies"), [("hang", 1), ("lose_answer", 2)])
def test_a_worker_killed_between_claim_and_settle_loses_nothing(
    rt: Runtime, cast: Cast, fault: Literal["hang", "lose_answer"], copies: int
) -> None:
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
    assert jobs.deliver(rt, transport, later) == 1
    transport.close()
