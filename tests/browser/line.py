"""The network between a phone and the clinic: it can be down, dead, late, cut an answer off, or answer in the clinic's
place.
"""

import contextlib
import http.client
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORTAL = "<!doctype html><title>Hotel</title><h1>Welcome to our network</h1>"
# What stands between a phone and its clinic may answer to an entry: status, headers, body.
ANSWERS: dict[str, tuple[int, dict[str, str], str]] = {
    "captive portal": (200, {"Content-Type": "text/html"}, PORTAL),
    "redirect": (302, {"Location": "/sign-in"}, ""),
    "server error": (500, {"Content-Type": "text/html"}, "<h1>Internal error</h1>"),
    "foreign json": (200, {"Content-Type": "application/json"}, '{"id": "somebody else"}'),
    "too large for a proxy": (413, {"Content-Type": "text/html"}, "<h1>Request Entity Too Large</h1>"),
}
BAD_GATEWAY = (502, {"Content-Type": "text/html"}, "<h1>Bad Gateway</h1>")


@dataclass
class Line:
    """Every request of the phone goes through here. `instead` names the answer that PUTs get; hooks run around them.

    While `is_open` is not set, requests are taken and not answered, as in a lift; once it is, they are, too.
    With `is_bad_gateway` something on the way answers all of them.
    `release` is that of the clinic: its style sheet, script and worker carry it in their names, and it has no others.
    """

    url: str
    clinic_port: int
    is_down: bool = False
    is_bad_gateway: bool = False
    is_open: threading.Event = field(default_factory=threading.Event)
    instead: str | None = None
    before_put: Callable[[], None] | None = None
    after_put: Callable[[], None] | None = None
    worker_prefix: str = ""
    release: str = ""
    puts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def line_to(clinic_port: int) -> Iterator[Line]:
    """A line to the clinic that listens there, on a port of its own."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.line = Line(f"http://127.0.0.1:{server.server_port}", clinic_port)
    server.line.is_open.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="line", daemon=True)
    thread.start()
    try:
        yield server.line
    finally:
        server.line.is_open.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    line: Line

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.line.is_down

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is what phones do."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _pass_on(self) -> None:
        line, is_entry = self.server.line, self.command == "PUT"
        if line.is_down:
            return None  # on a connection that was opened before
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line.is_open.wait()
        if line.is_bad_gateway:
            return self._answer(*BAD_GATEWAY)
        if is_entry:
            line.puts.append(self.path)
            if line.instead:
                return self._answer(*ANSWERS[line.instead])
            if line.before_put:
                line.before_put()
        path = _at_clinic(self.path, line.release)
        if path is None:
            return self._answer(404, {"Content-Type": "text/html"}, "<h1>Not Found</h1>")
        with contextlib.suppress(OSError, http.client.HTTPException):  # nobody listens: the phone hears nothing
            status, headers, answer = _asked(line.clinic_port, self.command, path, dict(self.headers), body)
            if is_entry and line.after_put:
                return line.after_put()  # the clinic has it, and the answer is lost
            if self.path == "/sw.js":
                answer = line.worker_prefix.encode() + answer
            self._answer(status, headers, _OF_A_RELEASE.sub(rb"\1" + line.release.encode(), answer))
        return None

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - as the library wants them

    def _answer(self, status: int, headers: dict[str, str], body: str | bytes) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Say nothing."""


# What another release names anew: its own files, and the version that its worker goes by.
_OF_A_RELEASE = re.compile(rb'(/static/dist/app-[0-9a-f]{10}|self\.__VERSION="[0-9a-f]{12})')


def _at_clinic(path: str, release: str) -> str | None:
    """The address that the clinic knows a file by; None for a file of another release."""
    named = re.fullmatch(r"(/static/dist/app-[0-9a-f]{10})(\w*)(\.\w+)", path)
    if not named:
        return path
    name, of_release, ending = named.groups()
    return name + ending if of_release == release else None


def _asked(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        plain = {"Connection": "close", "Accept-Encoding": "identity"}
        connection.request(method, path, body=body, headers={**headers, **plain})
        answer = connection.getresponse()
        content = answer.read()
        own = {"connection", "content-length", "transfer-encoding"}
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in own}
        return answer.status, kept, content
    finally:
        connection.close()
