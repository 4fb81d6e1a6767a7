"""The key that signs pushes may be changed: devices of the old one are told until they have moved to the new one."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from companion.app import create_app
from companion.config import load_secrets, rotate_vapid_key, vapid_key_id
from companion.errors import Misconfigured
from companion.ids import new_id
from companion.outbox import jobs
from companion.push.transport import PAYLOAD_BYTES, Push, Transport
from companion.runtime import Runtime
from tests.outbox.test_delivery import enqueue, send_all, state_of, subscribe
from tests.people import Cast
from tests.push_service import PushService
from tests.signed_in import browser


@pytest.fixture
def rotated(rt: Runtime, tmp_path: Path) -> Runtime:
    rotate_vapid_key(tmp_path / "secrets")
    return replace(rt, secrets=load_secrets(tmp_path / "secrets"))


def test_a_device_of_the_key_before_is_still_told(
    rt: Runtime, cast: Cast, push_service: PushService, tmp_path: Path, now: datetime
) -> None:
    old = subscribe(rt, push_service, cast.north, cast.iris)
    rotate_vapid_key(tmp_path / "secrets")
    rotated = replace(rt, secrets=load_secrets(tmp_path / "secrets"))
    new = subscribe(rotated, push_service, cast.north, cast.iris)
    transport = Transport(rotated.config, rotated.secrets, rotated.clock)
    enqueue(rt.db, cast, now)
    jobs.deliver(rotated, transport, now)
    transport.close()
    assert len(old.wait_for(1)) == len(new.wait_for(1)) == 1


def test_a_device_of_a_lost_key_is_kept_and_nobody_is_said_to_be_told(
    rt: Runtime, cast: Cast, push_service: PushService, tmp_path: Path, now: datetime
) -> None:
    device = subscribe(rt, push_service, cast.north, cast.iris)
    for _ in range(2):
        rotate_vapid_key(tmp_path / "secrets")
    transport = Transport(rt.config, load_secrets(tmp_path / "secrets"), rt.clock)
    message_id = enqueue(rt.db, cast, now)
    jobs.deliver(rt, transport, now)
    transport.close()
    assert state_of(rt.db, message_id) == "unreachable"
    assert device.received == []
    back = Transport(rt.config, rt.secrets, rt.clock)
    enqueue(rt.db, cast, now)
    jobs.deliver(rt, back, now)
    back.close()
    assert len(device.wait_for(1)) == 1


def test_a_subscription_for_the_key_before_is_asked_to_subscribe_again(
    rotated: Runtime, rt: Runtime, cast: Cast, push_service: PushService
) -> None:
    iris = browser(create_app(rotated), rotated, (cast.north, cast.iris))
    device = push_service.device(rt.secrets.vapid_public_key)
    body = {**device.subscription, "key": rt.secrets.vapid_public_key}
    refused = iris.post("/push/subscriptions", json=body)
    assert refused.status_code == 422
    assert "Subscribe again" in refused.data.decode()
    assert iris.get("/push/key").json == {"key": rotated.secrets.vapid_public_key}


def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path, rt: Runtime) -> None:
    rotate_vapid_key(tmp_path / "secrets")
    (tmp_path / "secrets" / "vapid-previous.pem").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        load_secrets(tmp_path / "secrets")


def test_a_device_learns_when_it_last_worked_and_only_about_itself(
    app: Flask, rt: Runtime, cast: Cast, push_service: PushService, now: datetime
) -> None:
    iris, noor = (browser(app, rt, (cast.north, one)) for one in (cast.iris, cast.noor))
    device = push_service.device(rt.secrets.vapid_public_key)
    body = {**device.subscription, "key": rt.secrets.vapid_public_key}
    told = iris.post("/push/subscriptions", json=body).get_json()
    assert told["proven_at"] is None
    enqueue(rt.db, cast, now)
    transport = Transport(rt.config, rt.secrets, rt.clock)
    jobs.deliver(rt, transport, now)
    transport.close()
    iris.post(device.wait_for(1)[0].json["notification"]["data"]["receipt"], json={})
    assert iris.get(f"/push/subscriptions/{told['id']}").get_json()["proven_at"] == now.isoformat()
    assert noor.get(f"/push/subscriptions/{told['id']}").status_code == 404


def test_a_text_that_is_too_long_is_our_fault_and_keeps_the_device(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport
) -> None:
    device = push_service.device(rt.secrets.vapid_public_key)
    keys = device.keys.public
    push = Push(
        device_id=new_id(),
        endpoint=device.endpoint,
        p256dh=keys["p256dh"],
        auth=keys["auth"],
        key_id=vapid_key_id(rt.secrets.vapid_public_key),
        title="Aftercare Companion",
        body="x" * PAYLOAD_BYTES,
        navigate="/",
        receipt="",
        tag="x",
        lang="en",
        ttl_seconds=60,
        is_urgent=False,
    )
    assert [one.outcome for one in send_all(transport, [push])] == ["refused"]
