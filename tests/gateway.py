"""A gateway for SMS on loopback: it checks the signature of what it is sent, and answers as it is told."""

import contextlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a secret that both sides know, long enough"


class Gateway:
    """The gateway. `received` holds the signed requests that it took; `status` is what it answers."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.signed_at: list[int] = []
        self.status = 202
        self.url = ""


@contextlib.contextmanager
def running() -> Iterator[Gateway]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            at = _signed_at(self.headers["Companion-Signature"], body)
            status = 401 if at is None else gateway.status
            if at is not None and status < 300:
                gateway.received.append(json.loads(body))
                gateway.signed_at.append(at)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the tests read `received`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}/sms"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _signed_at(header: str, body: bytes) -> int | None:
    found = re.fullmatch(r"t=([0-9]+), v1=([0-9a-f]{64})", header)
    if not found:
        return None
    wanted = hmac.digest(SECRET.encode(), f"{found[1]}.".encode() + body, "sha256").hex()
    return int(found[1]) if hmac.compare_digest(wanted, found[2]) else None
