"""A mail server on loopback that keeps what it takes, and fails as it is told."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Fault = Literal["later", "never", "hang", "drop"]
_ANSWERS = {"later": "451 Try again later", "never": "550 No such mailbox"}


class MailServer:
    """The server. `received` holds what it took; `fault` happens to every message while it is set."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.fault: Fault | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What COMPANION_SMTP_URL must be."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.fault == "hang":
            await asyncio.Event().wait()
        if self.fault == "drop":
            cast(Any, server.transport).abort()
            return "421 Gone"
        if self.fault in _ANSWERS:
            return _ANSWERS[self.fault]
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.received.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"


class _Controller(Controller):
    """On the port that the system chose."""

    def _trigger_server(self) -> None:
        self.port = cast(Any, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # it has no types


@contextlib.contextmanager
def running() -> Iterator[MailServer]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    handler = MailServer()
    controller = _Controller(handler, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        handler.port = controller.port
        yield handler
    finally:
        controller.stop()
