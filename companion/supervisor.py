"""`companion serve`: web and worker on one machine, started, watched and stopped together."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

from sqlalchemy.exc import SQLAlchemyError

from companion.config import Config
from companion.db import EVERY_CLINIC, Database
from companion.errors import Busy, Misconfigured
from companion.operations import queries
from companion.operations.rules import BEAT_HANGS

log = logging.getLogger(__name__)
_START_SECONDS = 30
_STOP_SECONDS = 15


def web_command(config: Config) -> list[str]:
    """How the web processes are started: threads, no control socket, no access log."""
    return [
        *(sys.executable, "-m", "gunicorn", "companion.app:from_environment()"),
        *("--worker-class", "gthread", "--workers", str(config.web_workers), "--threads", str(config.web_threads)),
        *("--bind", f"{config.host}:{config.port}", "--no-control-socket", "--log-level", "warning"),
        *("--graceful-timeout", "10", "--timeout", "60", "--config", "python:companion.server"),
    ]


def worker_command() -> list[str]:
    """How the worker is started."""
    return [sys.executable, "-m", "companion.cli", "worker"]


def require_free_port(config: Config) -> None:
    """Misconfigured if somebody else listens where we want to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise Misconfigured(
                f"Port {config.port} on {config.host} cannot be used ({error.strerror}): "
                "stop what listens there, or set COMPANION_PORT."
            ) from None


def serve(config: Config, *, when_ready: Callable[[], None]) -> int:
    """Run web and worker until a signal or until one cannot be kept alive; 0 after a clean stop."""
    require_free_port(config)
    stop = threading.Event()
    stop_on_signals(stop)
    children = {"web": _Child(web_command(config)), "worker": _Child(worker_command())}
    try:
        if _answers(config, children, stop):
            when_ready()
            _watch(config, children, stop)
        return 0 if stop.is_set() else 1
    finally:
        for child in children.values():
            child.stop()


class _Child:
    """One process of ours, in its own group, so that Ctrl-C reaches it through us only."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self.process = self._start()
        self.restarts = 0

    def _start(self) -> "subprocess.Popen[bytes]":
        self.started_on = time.monotonic()
        return subprocess.Popen(self._command, start_new_session=True)  # noqa: S603 - our own command

    def keep_alive(self) -> None:
        """Start again what has ended."""
        if self.process.poll() is not None:
            self.restarts += 1
            self.process = self._start()

    def kill(self) -> None:
        """End it at once, whatever it hangs in; `keep_alive` starts it again."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask to end, and end what does not listen."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _answers(config: Config, children: dict[str, _Child], stop: threading.Event) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and not stop.wait(0.2):
        if any(child.process.poll() is not None for child in children.values()):
            return False
        try:
            with urllib.request.urlopen(f"http://{config.host}:{config.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            continue
    return False


class Pulse:
    """Watches the dispatcher's beat by the monotonic clock, so that a clock that is set kills nobody."""

    def __init__(self, config: Config) -> None:
        self._db = Database(config.url)
        self._beat: object = object()  # unlike any that will be read
        self._changed_on = 0.0

    def hangs(self, *, started_on: float, on: float) -> bool:
        """Whether a worker that was started then has not beaten for too long; both are monotonic seconds."""
        try:
            with self._db.reading(EVERY_CLINIC) as db:
                beat: object = queries.last_beat(db)
        except (SQLAlchemyError, Busy, OSError):
            beat = object()  # the database is at fault, and another worker would not see more
        if beat != self._beat:
            self._beat, self._changed_on = beat, on
        return on - max(self._changed_on, started_on) > BEAT_HANGS.total_seconds()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def _watch(config: Config, children: dict[str, _Child], stop: threading.Event) -> None:
    pulse = Pulse(config)
    worker = children["worker"]
    while not stop.wait(1):
        for child in children.values():
            child.keep_alive()
        if pulse.hangs(started_on=worker.started_on, on=time.monotonic()):
            log.error("the worker hangs: it is started again")
            worker.kill()
            worker.keep_alive()
    pulse.close()


def tell_systemd(state: str) -> None:
    """Tell systemd a state (sd_notify): nothing happens where it did not start this process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
        messenger.connect("\0" + address[1:] if address.startswith("@") else address)
        messenger.sendall(state.encode())


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGINT, SIGTERM, and the end of the terminal unless it is ignored, in whatever they interrupt.

    A handler runs in the middle of what the main thread does, which may hold the lock of `stop` to wait for it: it only
    writes to a pipe, and a thread of its own does the rest.
    """
    reading, writing = os.pipe()

    def set_when_told() -> None:
        os.read(reading, 1)
        stop.set()

    threading.Thread(target=set_when_told, name="signals", daemon=True).start()
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    for name in (signal.SIGINT, signal.SIGTERM, *hangup):
        signal.signal(name, lambda _number, _frame: os.write(writing, b"."))
