"""Drives the system's WebKitGTK, the engine of iPhones, over W3C WebDriver, on a display of its own."""

import contextlib
import copy
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browser.firefox import PATIENCE_SECONDS, BrowserError
from tests.browser.installation import free_port

DRIVER, DISPLAY = "WebKitWebDriver", "Xvfb"
# Where Debian and others put the small browser that comes with the library.
BROWSERS = ["lib/*/webkit2gtk-4.*/MiniBrowser", "lib/*/webkitgtk-6.*/MiniBrowser", "libexec/webkit*gtk-*/MiniBrowser"]
QUESTION = "unexpected alert open"


def missing() -> list[str]:
    """The programs that are not on this machine; nothing is missing where a WebKit can run."""
    programs = [name for name in (DRIVER, DISPLAY) if not shutil.which(name)]
    return programs if _browsers() else [*programs, "MiniBrowser"]


class WebKit:
    """One page of a WebKit that keeps nothing after its end. Every wait has a deadline."""

    def __init__(self, connection: "_Connection", page: str, home: str) -> None:
        self._connection, self._page, self._home = connection, page, home
        self.questions: list[str] = []

    @classmethod
    @contextlib.contextmanager
    def running(cls, *, home: str) -> Iterator["WebKit"]:
        """Start one with a fresh, empty store; `home` is an address without scripts at the site it will visit."""
        folder = tempfile.mkdtemp(prefix="webkit-")
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            display = stack.enter_context(_display())
            port = stack.enter_context(_driver(display, folder))
            connection = _Connection(port)
            connection.start()
            yield cls(connection, connection.call("GET", "/window"), home)

    def tab(self) -> "WebKit":
        """Another page of the same phone."""
        page = copy.copy(self)
        page._page, page.questions = self._call("POST", "/window/new", type="window")["handle"], []
        return page

    def open(self, url: str) -> None:
        """Go to a page and wait until it has loaded."""
        self._call("POST", "/url", url=url)

    def reload(self) -> None:
        """Load the page again and wait until it has loaded."""
        self._call("POST", "/refresh")

    def back(self) -> None:
        """As the phone's back button."""
        self._call("POST", "/back")

    def set_cookie(self, name: str, value: str, *, domain: str) -> None:
        """Keep a cookie as the server would have set it."""
        if not self._call("GET", "/url").startswith("http"):
            self.open(self._home)  # a cookie can be set from a page of its own site only
        cookie = {"name": name, "value": value, "domain": domain, "path": "/", "httpOnly": True}
        self._call("POST", "/cookie", cookie=cookie)

    def before_every_page(self, script: str) -> None:
        """WebDriver has nothing for it."""
        raise NotImplementedError

    def js(self, expression: str, *, patience: float = 20) -> Any:
        """The value of an expression (awaited) in the page; JSON only."""
        script = (
            "const answer = arguments[0], late = new Promise((_, reject) => "
            f"setTimeout(() => reject(new Error('no answer')), {patience * 1000})); "
            f"(async () => JSON.stringify(await Promise.race([({expression}), late])))()"
            ".then(value => answer({value}), error => answer({error: String(error)}));"
        )
        given = self._call("POST", "/execute/async", script=script, args=[])
        if given is None or "error" in given:
            raise BrowserError(given["error"] if given else "the page went away")
        value = given.get("value")
        return None if value is None else json.loads(value)

    def _call(self, method: str, path: str, **body: Any) -> Any:
        self._connection.show(self._page)
        try:
            return self._connection.call(method, path, **body)
        except BrowserError as error:
            if QUESTION not in str(error):
                raise
        self.questions.append(self._connection.call("GET", "/alert/text"))
        self._connection.call("POST", "/alert/accept")
        return self._call(method, path, **body)


class _Connection:
    """What is said to the driver, and which of its pages it speaks of."""

    def __init__(self, port: int) -> None:
        self._port, self._path, self._shown = port, "/session", ""

    def start(self) -> None:
        """Start the browser."""
        own = {"binary": _browsers()[0], "args": ["--automation"]}
        wanted = {"unhandledPromptBehavior": "ignore", "webkitgtk:browserOptions": own}
        given = self.call("POST", "", capabilities={"alwaysMatch": wanted})
        self._path += f"/{given['sessionId']}"
        self.call("POST", "/timeouts", script=int(PATIENCE_SECONDS * 1000), pageLoad=int(PATIENCE_SECONDS * 1000))

    def show(self, page: str) -> None:
        """Bring a page to the front."""
        if page != self._shown:
            self.call("POST", "/window", handle=page)
            self._shown = page

    def call(self, method: str, path: str, **body: Any) -> Any:
        """What the driver answers to a command."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS + 10)
        try:
            content = json.dumps(body) if method == "POST" else None
            connection.request(method, self._path + path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.load(answer)["value"]
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BrowserError(f"{path}: no answer") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise BrowserError(f"{path}: {value['error']}: {value['message']}")
        return value


def _browsers() -> list[str]:
    return [str(path) for pattern in BROWSERS for path in sorted(Path("/usr").glob(pattern))]


@contextlib.contextmanager
def _display() -> Iterator[str]:
    reading, writing = os.pipe()
    command = [DISPLAY, "-displayfd", str(writing), "-screen", "0", "800x1000x24", "-nolisten", "tcp"]
    with _process(command, pass_fds=[writing]), os.fdopen(reading) as numbers:
        os.close(writing)
        number = numbers.readline().strip()  # it writes the number of its display once it is ready
        if not number:
            raise BrowserError("the display does not start")
        yield f":{number}"


@contextlib.contextmanager
def _driver(display: str, folder: str) -> Iterator[int]:
    port = free_port()
    # Without a desktop to ask: questions to one that is not there, as for a key ring, now and then hold up the store.
    alone = {"DBUS_SESSION_BUS_ADDRESS": "disabled:", "GSETTINGS_BACKEND": "memory", "NO_AT_BRIDGE": "1"}
    environment = {**os.environ, **alone, "DISPLAY": display, "GDK_BACKEND": "x11", "HOME": folder}
    with _process([DRIVER, "--host=127.0.0.1", f"--port={port}"], env=environment):
        _wait_until_listens(port)
        yield port


@contextlib.contextmanager
def _process(command: list[str], **options: Any) -> Iterator[None]:
    """With all that it starts, until the block ends."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet, **options)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM if command[0] == DISPLAY else signal.SIGKILL)
        process.wait(10)


def _wait_until_listens(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(BrowserError):
            _Connection(port).call("GET", "/../status")
            return
        threading.Event().wait(0.05)  # another process starts: there is nothing of ours to wait on
    raise BrowserError("the driver does not listen")
