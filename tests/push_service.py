"""A Web Push service on loopback, as a test sees it: it runs in a thread of its own, and every wait has a deadline.

A device is a real browser (autopush's protocol), or a `Device` that decrypts what it is sent.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from aiohttp import web

from tests.push_messages import DeviceKeys, Received
from tests.push_server import Agent, Entry, Fault, InjectedFault, PushServer

T = TypeVar("T")
PATIENCE_SECONDS = 10.0


class PushService:
    """The service. Its methods may be called from any thread; `log` only ever grows."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.log: list[Entry] = []
        self._changed = threading.Condition()
        self._server = PushServer(now=now, keep=self._keep)
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    @classmethod
    @contextlib.contextmanager
    def running(cls, *, now: Callable[[], float] = time.time) -> Iterator["PushService"]:
        """Listen on a free port of 127.0.0.1. `now` (Unix seconds) judges tokens and TTLs; waiting takes real time."""
        service, ready = cls(now), Future[None]()
        thread = threading.Thread(target=lambda: asyncio.run(service._serve(ready)), name="push-service", daemon=True)
        thread.start()
        ready.result(PATIENCE_SECONDS)
        try:
            yield service
        finally:
            service._loop.call_soon_threadsafe(service._stop.set)
            thread.join(PATIENCE_SECONDS)

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a token's `aud` must be."""
        return self._server.origin

    @property
    def websocket_url(self) -> str:
        """What Firefox's `dom.push.serverURL` must be."""
        return self.origin.replace("http", "ws", 1) + "/"

    @property
    def environment(self) -> dict[str, str]:
        """The product's settings that let it use this service, which is on loopback and has no certificate."""
        return {"COMPANION_PUSH_HOSTS": '["127.0.0.1"]', "COMPANION_PUSH_INSECURE_LOOPBACK": "true"}

    def device(self, vapid_key: str | None = None) -> "Device":
        """A new device, switched on; with a key (87 characters of base64url) only its owner may push to it."""
        device = Device(self)
        device.endpoint = self._do(lambda: self._server.subscribe(device.agent, vapid_key=vapid_key))
        return device

    def inject(
        self, fault: Fault | int, *, times: int = 1, endpoint: str | None = None, retry_after: int | str | None = None
    ) -> None:
        """Do this, or answer this status, to the next `times` good messages (to one endpoint, when it is named)."""
        planned = InjectedFault(fault, endpoint=endpoint, retry_after=retry_after)
        self._do(lambda: self._server.faults.extend([planned] * times))

    def heal(self) -> None:
        """Take back the faults that have not happened yet."""
        self._do(self._server.faults.clear)

    def forget(self, endpoint: str) -> None:
        """Answer 410 on this endpoint from now on."""
        self._do(lambda: self._server.unsubscribe(endpoint))

    def switch(self, agent: Agent, *, is_on: bool) -> None:
        """Take a device out of reach, or bring it back."""

        async def switch() -> None:
            agent.is_on = is_on
            if is_on:
                await self._server.catch_up(agent)

        self._wait_in_loop(switch())

    def disconnect_browsers(self) -> None:
        """Cut every browser's connection, and refuse browsers until `reconnect_browsers`."""

        async def cut() -> None:
            self._server.takes_browsers = False
            await self._server.disconnect_browsers()

        self._wait_in_loop(cut())

    def forget_browsers(self) -> None:
        """Lose every browser's subscriptions, as a push service does now and then; they notice when they connect."""

        async def forget() -> None:
            await self._server.forget_browsers()

        self._wait_in_loop(forget())

    def reconnect_browsers(self) -> None:
        """Let browsers connect again; they try by themselves, at growing intervals."""

        def allow() -> None:
            self._server.takes_browsers = True

        self._do(allow)

    def entries(self, kind: str, endpoint: str | None = None) -> list[Entry]:
        """The log's lines of this kind (and endpoint) so far, oldest first."""
        return [entry for entry in tuple(self.log) if entry.kind == kind and endpoint in (None, entry.endpoint)]

    def wait_for(
        self, kind: str, *, count: int = 1, endpoint: str | None = None, timeout: float = PATIENCE_SECONDS
    ) -> list[Entry]:
        """The same, once there are at least `count`; AssertionError when that takes too long."""
        self.wait_until(lambda: len(self.entries(kind, endpoint)) >= count, f"{count} {kind}", timeout=timeout)
        return self.entries(kind, endpoint)

    def wait_until(self, happened: Callable[[], bool], what: str, *, timeout: float = PATIENCE_SECONDS) -> None:
        """Block until `happened()`, which is asked after every new line; AssertionError when that takes too long."""
        with self._changed:
            if not self._changed.wait_for(happened, timeout):
                lines = "\n".join(map(str, self.log[-20:]))
                raise AssertionError(f"not within {timeout} s: {what}. The push service's last lines:\n{lines}")

    def _keep(self, entry: Entry) -> None:
        with self._changed:
            self.log.append(entry)
            self._changed.notify_all()

    def _do(self, work: Callable[[], T]) -> T:
        async def do() -> T:
            return work()

        return self._wait_in_loop(do())

    def _wait_in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _serve(self, ready: "Future[None]") -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        # A sender that hangs up ends its request, and one that never does is not waited for at the end.
        application = self._server.application()
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0]
            self._server.origin = f"http://{host}:{port}"
            ready.set_result(None)
            await self._stop.wait()
        finally:
            await self._server.disconnect_browsers()
            await runner.cleanup()


class Device:
    """A phone without a browser. `received` holds what has reached it, oldest first."""

    def __init__(self, service: PushService) -> None:
        self.endpoint = ""
        self.keys = DeviceKeys()
        self.received: list[Received] = []
        self.agent = Agent(id="", read=self._read, is_on=True)
        self._service = service

    @property
    def subscription(self) -> dict[str, Any]:
        """What a browser would send to the product: PushSubscription.toJSON()."""
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": self.keys.public}

    def wait_for(self, count: int, timeout: float = PATIENCE_SECONDS) -> list[Received]:
        """What has been received, once it is at least `count`; AssertionError when that takes too long."""
        self._service.wait_until(lambda: len(self.received) >= count, f"{count} received", timeout=timeout)
        return list(self.received)

    def switch_off(self) -> None:
        """Be out of reach: messages wait as long as their TTL allows."""
        self._service.switch(self.agent, is_on=False)

    def switch_on(self) -> None:
        """Be back, and receive what has waited."""
        self._service.switch(self.agent, is_on=True)

    def unsubscribe(self) -> None:
        """Give the subscription up: from now on its endpoint answers 410."""
        self._service.forget(self.endpoint)

    def _read(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.received.append(self.keys.decrypt(body, headers))
