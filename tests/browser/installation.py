"""The product as it is installed: web and worker processes, a free port and a database of their own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError

from companion import demo
from companion.accounts import actions, queries
from companion.clinic.queries import clinics
from companion.clock import utc_now
from companion.config import Config, make_secrets
from companion.db import EVERY_CLINIC
from companion.schema import migrate
from companion.wiring import build_runtime


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it is, and a way in for anybody of the demonstration."""

    url: str
    config: Config

    def link(self, name: str) -> str:
        """A one-use link that signs in as the person of this name."""
        rt = build_runtime(self.config)
        now = utc_now()
        with rt.db.transaction(EVERY_CLINIC) as db:
            staff = [p for c in clinics(db) for p in queries.staff(db, c.id, "nurse", "clinician", "manager")]
            people = [*staff, *(p for c in clinics(db) for p in queries.patients(db, c.id))]
            person = next(person for person in people if person.name == name)
            token = actions.invite(db, person, now=now).token
        rt.db.close()
        return f"{self.url}/join#{token}"


@contextlib.contextmanager
def installed(folder: Path, environment: Mapping[str, str], *, host: str = "127.0.0.1") -> Iterator[Installation]:
    """Run web and worker with the demonstration until the block ends; passkeys need the host "localhost"."""
    with prepared(folder, environment, host=host) as installation, running(installation):
        yield installation


@contextlib.contextmanager
def prepared(folder: Path, environment: Mapping[str, str], *, host: str = "127.0.0.1") -> Iterator[Installation]:
    """Settings, keys and a database with the demonstration; nothing runs yet."""
    port = free_port()
    url = f"http://{host}:{port}"
    settings = {
        **environment,
        "COMPANION_DATA_DIR": str(folder),
        "COMPANION_PORT": str(port),
        "COMPANION_BASE_URL": url,
    }
    with environment_of(settings):
        config = Config()
        make_secrets(folder / "secrets")
        rt = build_runtime(config)
        migrate(rt.db)
        demo.add_demonstration(rt, utc_now())
        rt.db.close()
        yield Installation(url, config)


@contextlib.contextmanager
def running(installation: Installation) -> Iterator[None]:
    """Web and worker of a prepared installation, until the block ends; they may be started again after it."""
    with _process("web"), _process("worker"):
        _wait_until_healthy(installation.url)
        yield


@contextlib.contextmanager
def _process(command: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "companion.cli", command])
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def environment_of(settings: Mapping[str, str]) -> Iterator[None]:
    """These variables for this process and those it starts, until the block ends."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if _worker_beats(url):
            return
        threading.Event().wait(0.1)  # another process starts: there is nothing of ours to wait on
    raise AssertionError("web and worker do not answer")


def _worker_beats(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/alerting", timeout=5) as answer:
            told = answer.read()
    except HTTPError as error:  # 503 tells as much
        told = error.read()
        error.close()
    except (URLError, OSError):
        return False
    return bool(json.loads(told)["signs"]["worker_beat_age_seconds"]["ok"])
