"""A clinic's server that phones reach over a line: it can be killed and started, and asked what it has."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from pysqlite3.dbapi2 import connect  # type: ignore[attr-defined] # two SQLites in one process undo each other's locks
from sqlalchemy import select

from companion import wiring
from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.clock import utc_now
from companion.config import Config, make_secrets
from companion.db import EVERY_CLINIC
from companion.reactions.models import Reaction
from companion.runtime import Runtime
from companion.schema import migrate
from tests.browser.installation import environment_of, free_port
from tests.browser.line import Line, line_to
from tests.browser.phones import Phone
from tests.people import Cast, add_cast, add_course


class Clinic:
    """North Clinic with the cast, one web process, and the line to it."""

    def __init__(self, rt: Runtime, line: Line, cast: Cast) -> None:
        self.rt, self.line, self.cast = rt, line, cast
        self._web: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path) -> Iterator["Clinic"]:
        """Run one in `folder` until the block ends."""
        port = free_port()
        with line_to(port) as line:
            settings = {
                "COMPANION_DATA_DIR": str(folder),
                "COMPANION_PORT": str(port),
                "COMPANION_BASE_URL": line.url,
                "COMPANION_WEB_WORKERS": "1",
            }
            with environment_of(settings):
                make_secrets(folder / "secrets")
                rt = wiring.build_runtime(Config())
                migrate(rt.db)
                clinic = cls(rt, line, add_cast(rt.db, now=utc_now()))
                clinic.start()
                try:
                    yield clinic
                finally:
                    clinic.kill()
                    rt.db.close()

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        if self._web is None:
            command = [sys.executable, "-m", "companion.cli", "web"]
            self._web = subprocess.Popen(command, start_new_session=True)
            _wait_until_answers(f"http://127.0.0.1:{self.line.clinic_port}/sign-in")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._web is not None:
            os.killpg(self._web.pid, signal.SIGKILL)
            self._web.wait(10)
            self._web = None

    def patient(self, name: str) -> UUID:
        """A new patient who had a first session of the face yesterday."""
        now = utc_now()
        with self.rt.db.transaction(self.cast.north) as db:
            person = accounts.add_person(db, clinic_id=self.cast.north, name=name, roles=["patient"], now=now)
            add_course(db, (self.cast.north, person.id), now=now - timedelta(days=1))
            return person.id

    def cookie(self, person_id: UUID) -> str:
        """A fresh sign-in of somebody of this clinic."""
        with self.rt.db.transaction(self.cast.north) as db:
            person = people.person(db, self.cast.north, person_id)
            return accounts.start_sign_in(db, person, now=utc_now()).token

    def signed_in(self, phone: Phone, name: str) -> UUID:
        """A new patient, signed in on a phone that holds what it shows without a network."""
        person = self.patient(name)
        phone.sign_in(self.cookie(person))
        phone.learns()
        return person

    def end_sign_ins(self, person_id: UUID) -> None:
        """As when 90 days are over."""
        with self.rt.db.transaction(self.cast.north) as db:
            accounts.end_all_sign_ins(db, people.person(db, self.cast.north, person_id), now=utc_now())

    def entries(self, person_id: UUID) -> list[Reaction]:
        """What the clinic has of a patient, in the order in which it came."""
        with self.rt.db.reading(EVERY_CLINIC) as db:
            rows = select(Reaction).where(Reaction.patient_id == person_id).order_by(Reaction.received_at)
            return list(db.scalars(rows))

    def backup(self) -> Path:
        """A copy of the database as it is now."""
        target = self.rt.config.data_dir / "backup.sqlite3"
        _copy(self._database, target)
        return target

    def restore(self, backup: Path) -> None:
        """Go on from that copy: what came since is gone."""
        self.kill()
        _copy(backup, self._database)
        self.start()

    @property
    def _database(self) -> Path:
        return self.rt.config.data_dir / "companion.sqlite3"


def _wait_until_answers(url: str) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        threading.Event().wait(0.05)  # another process starts: there is nothing of ours to wait on
    raise AssertionError("the web process does not answer")


def _copy(source: Path, target: Path) -> None:
    with contextlib.closing(connect(source)) as old, contextlib.closing(connect(target)) as new:
        old.backup(new)
