"""One run on one database: traffic, kills, a push service that fails, and what is lost in the end."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from companion.clock import utc_now
from companion.config import Config, load_secrets, make_secrets
from companion.crash import POINTS
from companion.db import EVERY_CLINIC, Database
from companion.escalation.models import EscalationEntry
from companion.ids import CANARY_CLINIC
from companion.outbox.models import DueMessage, LeasedMessage, Message
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from tests.faults.processes import kill, start_web, start_worker
from tests.faults.scene import Scene, Traffic
from tests.push_server import Fault
from tests.push_service import PushService
from tests.test_commands import free_port

WEB_POINTS = frozenset({"entry_kept", "case_opened", "entry_judged", "entry_committed"})
_FAULTS: tuple[Fault | int, ...] = (500, 503, 429, "reset", "hang")
_PATIENCE_SECONDS = 60


@dataclass(slots=True)
class Verdict:
    """What was lost (nothing may be) and what came twice."""

    database: str
    entries: int = 0
    messages: int = 0
    random_kills: int = 0
    point_kills: Counter[str] = field(default_factory=Counter)
    entries_lost: int = 0
    alerts_lost: int = 0
    deliveries_lost: int = 0
    duplicates: int = 0
    max_copies: int = 0
    random_duplicates: int = 0
    random_max_copies: int = 0
    beyond_crashes: int = 0

    @property
    def line(self) -> str:
        """The one line that is printed."""
        kills = self.random_kills + sum(self.point_kills.values())
        return (
            f"database={self.database} kills={kills} entries_lost={self.entries_lost} alerts_lost={self.alerts_lost} "
            f"deliveries_lost={self.deliveries_lost} duplicates={self.duplicates} max_copies={self.max_copies}"
        )

    @property
    def faults(self) -> list[str]:
        """What is not as it must be."""
        bounds = {
            "something was lost": self.entries_lost + self.alerts_lost + self.deliveries_lost == 0,
            "more than 0.2 copies too many a random kill": self.random_duplicates <= 0.2 * self.random_kills,
            "more than 3 copies at random": self.random_max_copies <= 3,
            "more copies than 1 and the crashes in flight": self.beyond_crashes == 0,
        }
        return [sentence for sentence, holds in bounds.items() if not holds]


class Run:
    """Kills web and worker while patients report."""

    def __init__(self, rt: Runtime, service: PushService, *, name: str, port: int) -> None:
        self._rt, self._service, self._port = rt, service, port
        self._verdict = Verdict(name)
        self._settings = {
            **service.environment,
            "COMPANION_DATA_DIR": str(rt.config.data_dir),
            "COMPANION_DATABASE_URL": rt.config.database_url,
            "COMPANION_PORT": str(port),
            "COMPANION_LEASE_SECONDS": "3",
            "COMPANION_PUSH_SECONDS": "1",
        }
        self._crashes: list[float] = []
        self._random_until = 0.0

    def go(self, *, kills: int, each_point: int, tell: Callable[[str], None]) -> Verdict:
        """`kills` at random moments, then `each_point` at every named one."""
        scene = Scene(self._rt, self._service)
        traffic = Traffic(self._rt, f"http://127.0.0.1:{self._port}", scene)
        traffic.start()
        try:
            self._at_random(kills, tell)
            self._random_until = time.monotonic()
            for point in POINTS:
                traffic.steps = point.startswith("step_")
                self._at_point(point, each_point)
                tell(f"{self._verdict.database}: {each_point} kills at {point}")
        finally:
            with self._alive():
                traffic.finish()
                self._drain()
        return self._judge(scene, traffic)

    def _at_random(self, kills: int, tell: Callable[[str], None]) -> None:
        chance = random.Random(7)
        starts = [start_worker, start_worker, start_web]
        running = [start(self._settings) for start in starts]
        try:
            for number in range(kills):
                time.sleep(chance.uniform(0.3, 0.8))
                if chance.random() < 0.3:
                    self._service.inject(chance.choice(_FAULTS), retry_after=1)
                which = chance.randrange(len(running))
                kill(running[which])
                self._crashes.append(time.monotonic())
                self._verdict.random_kills += 1
                running[which] = starts[which](self._settings)
                if number % 50 == 49:
                    tell(f"{self._verdict.database}: {number + 1} kills at random moments")
            self._service.heal()
            self._drain()
        finally:
            for process in running:
                kill(process)

    def _at_point(self, point: str, times: int) -> None:
        for _ in range(times):
            is_web = point in WEB_POINTS
            armed = (start_web if is_web else start_worker)(self._settings, point)
            other = (start_worker if is_web else start_web)(self._settings)
            try:
                armed.join(_PATIENCE_SECONDS)
                if armed.exitcode is None:
                    raise AssertionError(f"nothing came to {point} in {_PATIENCE_SECONDS} s")
                self._crashes.append(time.monotonic())
                self._verdict.point_kills[point] += 1
            finally:
                kill(armed)
                kill(other)
            if not is_web:
                with self._alive(web=False):
                    self._drain()

    @contextmanager
    def _alive(self, *, web: bool = True) -> Iterator[None]:
        running: list[ForkServerProcess] = [start_worker(self._settings)]
        if web:
            running.append(start_web(self._settings))
        try:
            yield
        finally:
            for process in running:
                kill(process)

    def _drain(self) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until and self._is_waiting():
            time.sleep(0.05)

    def _is_waiting(self) -> bool:
        with self._rt.db.reading(EVERY_CLINIC) as db:
            return any(
                db.execute(select(table.message_id).where(table.clinic_id != CANARY_CLINIC).limit(1)).first()
                for table in (DueMessage, LeasedMessage)
            )

    def _judge(self, scene: Scene, traffic: Traffic) -> Verdict:
        verdict, pushes = self._verdict, self._pushes(scene)
        with self._rt.db.reading(EVERY_CLINIC) as db:
            entries = set(db.scalars(select(Reaction.id)))
            told = {(row.id, row.recipient_id) for row in db.execute(_TOLD)}
            alerts = db.execute(_ALERTS).all()
        verdict.entries, verdict.messages = len(traffic.confirmed), len(alerts)
        verdict.entries_lost = sum(entry not in entries for entry, _ in traffic.confirmed)
        verdict.alerts_lost = sum((entry, patient.on_duty) not in told for entry, patient in traffic.confirmed)
        verdict.deliveries_lost = sum(
            alert.state not in ("sent", "shown") or (alert.carried_by or alert.id) not in pushes for alert in alerts
        )
        for times in pushes.values():
            in_flight = sum(times[0] <= crash <= times[-1] for crash in self._crashes)
            at_random = sum(at <= self._random_until for at in times)
            verdict.duplicates += len(times) - 1
            verdict.max_copies = max(verdict.max_copies, len(times))
            verdict.random_duplicates += max(0, at_random - 1)
            verdict.random_max_copies = max(verdict.random_max_copies, at_random)
            verdict.beyond_crashes += len(times) > 1 + in_flight
        return verdict

    def _pushes(self, scene: Scene) -> dict[UUID, list[float]]:
        """When each message was accepted by the push service, by the tag that the device read."""
        keys = {device.endpoint: device.keys for device in scene.devices}
        found: dict[UUID, list[float]] = {}
        for entry in self._service.entries("accepted"):
            if entry.endpoint in keys:
                notification = keys[entry.endpoint].decrypt(entry.body, entry.headers).json["notification"]
                found.setdefault(UUID(notification["tag"]), []).append(entry.at)
        return found


# Entries that were judged, belong to a case, and of which somebody is told: (entry, person).
_TOLD = (
    select(Reaction.id, Message.recipient_id)
    .join(Assessment, (Assessment.clinic_id == Reaction.clinic_id) & (Assessment.reaction_id == Reaction.id))
    .join(
        EscalationEntry,
        (EscalationEntry.clinic_id == Reaction.clinic_id) & (EscalationEntry.subject_id == Reaction.id),
    )
    .join(
        Message,
        (Message.clinic_id == Reaction.clinic_id) & (Message.about_id == EscalationEntry.escalation_id),
    )
    .where(Message.kind == "case_alert")
)
_ALERTS = select(Message.id, Message.state, Message.carried_by).where(
    Message.kind == "case_alert", Message.channel == "push", Message.clinic_id != CANARY_CLINIC
)


@contextmanager
def installation(folder: Path, url: str) -> Iterator[Runtime]:
    """A runtime over a migrated database, with secrets in `folder`."""
    make_secrets(folder / "secrets")
    database = Database(url)
    config = Config(data_dir=folder, database_url=url, push_insecure_loopback=True)
    yield Runtime(config, load_secrets(folder / "secrets"), database, utc_now)
    database.close()


def run(rt: Runtime, *, name: str, kills: int, each_point: int, tell: Callable[[str], None]) -> Verdict:
    """One run with a push service of its own."""
    with PushService.running() as service:
        return Run(rt, service, name=name, port=free_port()).go(kills=kills, each_point=each_point, tell=tell)
