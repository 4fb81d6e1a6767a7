"""What delivery costs: a message in the worker beside bare encryption and posting, and commit to acceptance."""

import asyncio
import gc
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import aiohttp
import pywebpush
import requests
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from py_vapid import Vapid
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, select, text
from webpush import WebPush
from webpush.types import WebPushSubscription

from companion.clock import utc_now
from companion.config import vapid_key_id
from companion.db import EVERY_CLINIC
from companion.ids import new_id
from companion.outbox import actions, jobs
from companion.outbox.models import Message
from companion.push.models import Subscription
from companion.push.transport import PAYLOAD_BYTES, Transport
from companion.runtime import Runtime
from tests.bench.machine import machine
from tests.databases import APPLICATION_ROLE, Postgres, Urls, sqlite_url
from tests.faults.__main__ import migrate
from tests.faults.harness import installation
from tests.faults.processes import kill, start_web, start_worker
from tests.faults.scene import Patient, Scene, report
from tests.people import Cast, add_cast
from tests.push_messages import DeviceKeys
from tests.push_service import PushService
from tests.test_commands import free_port

RUNS, MESSAGES, IN_FLIGHT = 5, 500, 50
RATE, SECONDS = 10, 60


def main() -> None:
    """Print both tables, for both databases."""
    console = Console()
    cost, delay = _table("A message", "a second", "of bare"), _table("Commit to accepted", "p50 ms", "p99 ms", "max ms")
    for name, rt, owner in _installations():
        for what, rate, ratio in costs(rt, owner):
            cost.add_row(f"{name}: {what}", f"{rate:,.0f}", f"{ratio:.2f}")
        delays = sorted(delays_of(rt))
        at = [delays[int(share * (len(delays) - 1))] for share in (0.5, 0.99, 1)]
        delay.add_row(f"{name}: {RATE} entries a second, {len(delays)}", *(f"{1000 * one:,.0f}" for one in at))
    console.print(cost)
    console.print(delay)


def costs(rt: Runtime, owner: str | None) -> Iterator[tuple[str, float, float]]:
    """(what, messages a second, time as a multiple of bare encryption and posting): medians, interleaved."""
    cast, keys = add_cast(rt.db, now=utc_now()), DeviceKeys()
    with _accepting() as origin:
        endpoint = f"{origin}/push"
        _subscribe(rt, cast, endpoint, keys)
        _live_in(rt, cast, owner)
        ways: dict[str, Callable[[], None]] = {
            "bare webpush and aiohttp": lambda: asyncio.run(_bare(rt, endpoint, keys)),
            "the worker": lambda: _deliver(rt, cast),
            "pywebpush with a session": lambda: _pywebpush(rt, endpoint, keys),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, way in ways.items():
                if name == "the worker":
                    _enqueue(rt, cast)
                began = time.perf_counter()
                way()
                taken[name].append(time.perf_counter() - began)
    bare = median(taken["bare webpush and aiohttp"])
    for name, seconds in taken.items():
        yield name, MESSAGES / median(seconds), median(seconds) / bare


def delays_of(rt: Runtime) -> list[float]:
    """Seconds from an entry's transaction to the push service's acceptance, at a steady rate, once the worker works."""
    port = free_port()
    with PushService.running() as service:
        settings = {
            **service.environment,
            "COMPANION_DATA_DIR": str(rt.config.data_dir),
            "COMPANION_DATABASE_URL": rt.config.database_url,
            "COMPANION_PORT": str(port),
        }
        scene = Scene(rt, service)
        first, *patients = [scene.new_patient() for _ in range(1 + RATE * SECONDS)]
        keys = {device.endpoint: device.keys for device in scene.devices}
        processes = [start_web(settings), start_worker(settings)]

        def wait_for(count: int) -> dict[UUID, float]:
            service.wait_until(lambda: len(_accepted(service, keys)) >= count, f"{count} accepted", timeout=30)
            return _accepted(service, keys)

        try:
            url = f"http://127.0.0.1:{port}"
            while not report(url, first, new_id()):
                threading.Event().wait(0.1)  # another process starts: there is nothing of ours to wait on
            started = wait_for(1)
            _report_steadily(url, patients)
            accepted = wait_for(1 + len(patients))
        finally:
            for process in processes:
                kill(process)
    wall = time.time() - time.monotonic()
    with rt.db.reading(EVERY_CLINIC) as db:
        written = {row.id: row.created_at.timestamp() for row in db.execute(select(Message.id, Message.created_at))}
    return [at + wall - written[message] for message, at in accepted.items() if message not in started]


def _accepted(service: PushService, keys: dict[str, DeviceKeys]) -> dict[UUID, float]:
    entries = [entry for entry in service.entries("accepted") if entry.endpoint in keys]
    tags = [keys[one.endpoint].decrypt(one.body, one.headers).json["notification"]["tag"] for one in entries]
    return {UUID(tag): entry.at for tag, entry in zip(tags, entries, strict=True)}


def _report_steadily(url: str, patients: list[Patient]) -> None:
    began = time.monotonic()

    def send(numbered: tuple[int, Patient]) -> None:
        number, patient = numbered
        time.sleep(max(0, began + number / RATE - time.monotonic()))
        assert report(url, patient, new_id())

    with ThreadPoolExecutor(RATE) as pool:
        list(pool.map(send, enumerate(patients)))


def _subscribe(rt: Runtime, cast: Cast, endpoint: str, keys: DeviceKeys) -> None:
    now, key_id = utc_now(), vapid_key_id(rt.secrets.vapid_public_key)
    with rt.db.transaction(cast.north) as db:
        own = {"clinic_id": cast.north, "id": new_id(), "person_id": cast.iris, "endpoint": endpoint, "key_id": key_id}
        db.add(Subscription(**own, **keys.public, created_at=now, seen_at=now, proven_at=None))


def _live_in(rt: Runtime, cast: Cast, owner: str | None) -> None:
    # What a worker has behind it after its first minute: started as in `worker.run`, and tables whose size PostgreSQL
    # knows. Until autovacuum has looked, a foreign key that was planned on an empty table reads the whole of it.
    _enqueue(rt, cast)
    _deliver(rt, cast)
    if owner:
        engine = create_engine(owner)
        with engine.begin() as db:
            db.execute(text("analyze"))
        engine.dispose()
    gc.collect()
    gc.freeze()


def _enqueue(rt: Runtime, cast: Cast) -> None:
    now = utc_now()
    with rt.db.transaction(cast.north) as db:
        for _ in range(MESSAGES):
            actions.enqueue(
                db,
                (cast.north, cast.iris),
                kind="test",
                about=("person", cast.iris),
                url="/",
                dedupe_key=str(new_id()),
                now=now,
                expires_at=now + timedelta(hours=1),
            )


def _deliver(rt: Runtime, cast: Cast) -> None:
    transport = Transport(rt.config, rt.secrets, rt.clock)
    assert jobs.deliver(rt, transport, rt.clock()) == MESSAGES
    transport.close()


async def _bare(rt: Runtime, endpoint: str, keys: DeviceKeys) -> None:
    private = serialization.load_pem_private_key(rt.secrets.vapid_pem, password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    encrypter = WebPush(rt.secrets.vapid_pem, public, subscriber="push@companion.example.org")
    target = WebPushSubscription.model_validate({"endpoint": endpoint, "keys": keys.public})
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def send() -> None:
            message = encrypter.get(b"x" * PAYLOAD_BYTES, target)
            headers: dict[str, Any] = {**message.headers, "TTL": "60"}
            async with session.post(endpoint, data=message.encrypted, headers=headers) as answer:
                assert answer.status == 201

        await asyncio.gather(*(send() for _ in range(MESSAGES)))


def _pywebpush(rt: Runtime, endpoint: str, keys: DeviceKeys) -> None:
    vapid = Vapid.from_pem(rt.secrets.vapid_pem)  # type: ignore[no-untyped-call]
    with requests.Session() as session:
        for _ in range(MESSAGES):
            pywebpush.webpush(
                {"endpoint": endpoint, "keys": keys.public},
                data="x" * PAYLOAD_BYTES,
                vapid_private_key=vapid,
                vapid_claims={"sub": "mailto:push@companion.example.org"},
                ttl=60,
                requests_session=session,
            )


@contextmanager
def _accepting() -> Iterator[str]:
    """The origin of a process of its own that accepts everything at once."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_accept, args=(port,), daemon=True)
    process.start()
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.join()


def _accept(port: int) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=201)

    app = web.Application()
    app.add_routes([web.post("/push", take)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the accepting process does not listen")


@contextmanager
def _postgresql() -> Iterator[Urls]:
    with Postgres.running() as server, server.database() as urls:
        migrate(urls.owner, APPLICATION_ROLE)
        yield urls


def _installations() -> Iterator[tuple[str, Runtime, str | None]]:
    """(database, an empty installation, the address of the tables' owner where that is another role)."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder))
        migrate(url, None)
        with installation(Path(folder), url) as rt:
            yield "SQLite", rt, None
    with (
        tempfile.TemporaryDirectory() as folder,
        _postgresql() as urls,
        installation(Path(folder), urls.application) as rt,
    ):
        yield "PostgreSQL", rt, urls.owner


def _table(what: str, *columns: str) -> Table:
    table = Table(title=f"{what}, median of {RUNS}. {machine()}" if "message" in what else f"{what}. {machine()}")
    table.add_column(what)
    for column in columns:
        table.add_column(column, justify="right")
    return table


if __name__ == "__main__":
    main()
