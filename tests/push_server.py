"""The asynchronous half of the loopback push service: what it answers to the product, and what it tells devices."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSMsgType, web

from tests.push_messages import base64url, refusal

# What can happen to a good message, beside being answered with an error's status.
Fault = Literal[
    "hang",  # no answer, for as long as the sender waits
    "reset",  # the connection is cut and nothing is kept
    "swallow",  # 201, but no device ever gets it
    "lose_answer",  # kept and delivered, but the connection is cut instead of a 201
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: `at` in monotonic seconds; `status` is HTTP's, or the browser's own when acknowledged.

    Kinds: hello, register, unregister, disconnected (browsers); accepted, refused, fault (the product's messages);
    delivered, acknowledged, replaced, lost, expired, unreadable (what became of an accepted one).
    """

    kind: str
    at: float
    endpoint: str = ""
    message: str = ""
    status: int = 0
    why: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault, or the status of a refusal, for the next good message (to one endpoint, unless it is None)."""

    what: Fault | int
    endpoint: str | None = None
    retry_after: int | str | None = None


@dataclass(eq=False, slots=True)
class Agent:
    """One receiver: a browser is online while it has a socket, a device has `read` (ValueError: unreadable) instead."""

    id: str
    read: Callable[[bytes, Mapping[str, str]], None] | None = None
    is_on: bool = False
    socket: web.WebSocketResponse | None = None
    waiting: "list[Message]" = field(default_factory=list)  # for the receiver, or for its acknowledgement


@dataclass(frozen=True, slots=True)
class Channel:
    """One subscription of a receiver. With a VAPID key, only its owner may push."""

    endpoint: str
    id: str
    agent: Agent
    vapid_key: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """An accepted push that is kept until `until` (Unix seconds)."""

    id: str
    channel: Channel
    headers: Mapping[str, str]
    body: bytes
    until: float

    @property
    def browser_form(self) -> dict[str, Any]:
        """The notification in autopush's protocol."""
        form = {"messageType": "notification", "channelID": self.channel.id, "version": self.id}
        if not self.body:
            return form
        return form | {"data": base64url(self.body), "headers": {"encoding": self.headers["Content-Encoding"]}}


class PushServer:
    """Endpoints, queues and browser connections. Everything here runs in one event loop."""

    def __init__(self, *, now: Callable[[], float], keep: Callable[[Entry], None]) -> None:
        self.origin = ""
        self.now = now
        self.takes_browsers = True
        self.faults: list[InjectedFault] = []
        self.channels: dict[str, Channel] = {}
        self._agents: dict[str, Agent] = {}
        self._gone: set[str] = set()
        self._keep = keep

    def application(self) -> web.Application:
        """The service as a web application."""
        app = web.Application(client_max_size=1 << 20)
        app.add_routes([web.get("/", self._talk_to_browser), web.post("/push/{token}", self._take)])
        return app

    def subscribe(self, agent: Agent, *, vapid_key: str | None, channel_id: str = "") -> str:
        """A new endpoint of this receiver."""
        endpoint = f"{self.origin}/push/{secrets.token_urlsafe(32)}"
        self.channels[endpoint] = Channel(endpoint=endpoint, id=channel_id, agent=agent, vapid_key=vapid_key)
        return endpoint

    def unsubscribe(self, endpoint: str) -> None:
        """Answer 410 on this endpoint from now on."""
        self._gone.add(endpoint)
        if channel := self.channels.pop(endpoint, None):
            channel.agent.waiting = [message for message in channel.agent.waiting if message.channel is not channel]

    async def catch_up(self, agent: Agent) -> None:
        """Send a receiver that is back what has waited, and drop what has waited too long."""
        for message in tuple(agent.waiting):
            if message.until < self.now():
                agent.waiting.remove(message)
                self._note("expired", message)
            else:
                await self._send(message)

    async def disconnect_browsers(self) -> None:
        """Cut every connection of a browser."""
        for agent in tuple(self._agents.values()):
            if agent.socket is not None:
                await agent.socket.close()

    async def forget_browsers(self) -> None:
        """Know no browser any more, and cut their connections."""
        agents, self._agents = self._agents, {}
        self.channels = {url: one for url, one in self.channels.items() if one.agent not in agents.values()}
        for agent in agents.values():
            if agent.socket is not None:
                await agent.socket.close()

    async def _take(self, request: web.Request) -> web.Response:
        endpoint, body = f"{self.origin}{request.path}", await request.read()
        channel = self.channels.get(endpoint)
        if channel is None:
            status = 410 if endpoint in self._gone else 404
            return self._refuse(request, body, status=status, why="no such subscription")
        refused = refusal(request.headers, body, origin=self.origin, vapid_key=channel.vapid_key, now=self.now())
        if refused:
            return self._refuse(request, body, status=refused[0], why=refused[1])
        fault = self._next_fault(endpoint)
        if fault is not None and isinstance(fault.what, int):
            return self._refuse(request, body, status=fault.what, why="injected", retry_after=fault.retry_after)
        message = Message(
            id=secrets.token_hex(16),
            channel=channel,
            headers=request.headers.copy(),
            body=body,
            until=self.now() + int(request.headers["TTL"]),
        )
        return await self._accept(
            request, message, fault=None if fault is None or isinstance(fault.what, int) else fault.what
        )

    def _refuse(
        self, request: web.Request, body: bytes, *, status: int, why: str, retry_after: int | str | None = None
    ) -> web.Response:
        endpoint, headers = f"{self.origin}{request.path}", request.headers.copy()
        self._keep(
            Entry("refused", time.monotonic(), endpoint=endpoint, status=status, why=why, headers=headers, body=body)
        )
        extra = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return web.json_response({"code": status, "reason": why}, status=status, headers=extra)

    def _next_fault(self, endpoint: str) -> InjectedFault | None:
        for fault in self.faults:
            if fault.endpoint in (None, endpoint):
                self.faults.remove(fault)
                return fault
        return None

    async def _accept(self, request: web.Request, message: Message, *, fault: Fault | None) -> web.Response:
        if fault:
            self._note("fault", message, why=fault)
        if fault == "hang":
            await asyncio.Event().wait()  # until the sender hangs up or the service stops
        if fault == "reset":
            return _cut(request)
        self._note("accepted", message, status=201)
        if fault != "swallow":
            await self._pass_on(message)
        if fault == "lose_answer":
            return _cut(request)
        location = f"{self.origin}/message/{message.id}"
        return web.Response(status=201, headers={"Location": location, "TTL": message.headers["TTL"]})

    async def _pass_on(self, message: Message) -> None:
        agent, topic = message.channel.agent, message.headers.get("Topic")
        for older in tuple(agent.waiting):
            if topic and older.channel is message.channel and older.headers.get("Topic") == topic:
                agent.waiting.remove(older)
                self._note("replaced", older)
        is_online = agent.is_on or agent.socket is not None
        if not is_online and int(message.headers["TTL"]) == 0:
            self._note("lost", message, why="TTL 0, and nobody there")
            return
        agent.waiting.append(message)
        if is_online:
            await self._send(message)

    async def _send(self, message: Message) -> None:
        agent = message.channel.agent
        if agent.socket is not None:
            # A browser that is gone again asks for the message when it is back.
            with suppress(ConnectionError):
                await agent.socket.send_json(message.browser_form)
                self._note("delivered", message)
        elif agent.read is not None:
            agent.waiting.remove(message)
            try:
                agent.read(message.body, message.headers)
            except ValueError as error:
                self._note("unreadable", message, why=str(error))
            else:
                self._note("delivered", message)

    async def _talk_to_browser(self, request: web.Request) -> web.StreamResponse:
        if not self.takes_browsers:
            return web.Response(status=503)
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        agent: Agent | None = None
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    agent = await self._hear(socket, agent, frame.json())
        finally:
            if agent is not None and agent.socket is socket:
                agent.socket = None
                self._keep(Entry("disconnected", time.monotonic()))
        return socket

    async def _hear(self, socket: web.WebSocketResponse, agent: Agent | None, told: dict[str, Any]) -> Agent | None:
        kind = told.get("messageType")
        if kind is None:  # autopush's ping is an empty object
            await socket.send_str("{}")
        elif kind == "hello":
            agent = await self._greet(socket, told.get("uaid") or "")
        elif agent is not None and kind == "register":
            channel_id, key = told["channelID"], (told.get("key") or "").rstrip("=")
            endpoint = self.subscribe(agent, vapid_key=key or None, channel_id=channel_id)
            self._keep(Entry("register", time.monotonic(), endpoint=endpoint))
            await _reply(socket, kind, channelID=channel_id, pushEndpoint=endpoint)
        elif kind == "unregister":
            for channel in [channel for channel in self.channels.values() if channel.id == told["channelID"]]:
                self.unsubscribe(channel.endpoint)
                self._keep(Entry("unregister", time.monotonic(), endpoint=channel.endpoint))
            await _reply(socket, kind, channelID=told["channelID"])
        elif agent is not None and kind == "ack":
            self._acknowledge(agent, {update["version"]: update.get("code", 100) for update in told["updates"]})
        return agent

    async def _greet(self, socket: web.WebSocketResponse, agent_id: str) -> Agent:
        # A browser that is given another id than its own drops its subscriptions.
        agent = self._agents.get(agent_id) or Agent(id=secrets.token_hex(16))
        self._agents[agent.id] = agent
        agent.socket = socket
        self._keep(Entry("hello", time.monotonic()))
        await _reply(socket, "hello", uaid=agent.id, use_webpush=True, broadcasts={})
        await self.catch_up(agent)
        return agent

    def _acknowledge(self, agent: Agent, codes: Mapping[str, int]) -> None:
        for message in tuple(agent.waiting):
            if message.id in codes:
                agent.waiting.remove(message)
                self._note("acknowledged", message, status=codes[message.id])

    def _note(self, kind: str, message: Message, *, status: int = 0, why: str = "") -> None:
        self._keep(
            Entry(
                kind,
                time.monotonic(),
                endpoint=message.channel.endpoint,
                message=message.id,
                status=status,
                why=why,
                headers=message.headers,
                body=message.body,
            )
        )


async def _reply(socket: web.WebSocketResponse, kind: str, **fields: Any) -> None:
    await socket.send_json({"messageType": kind, "status": 200, **fields})


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
