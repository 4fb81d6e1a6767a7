"""Many small clinics, each with one patient who reports an emergency and staff with devices; and who reports it."""

import json
import random
import threading
import time
import urllib.request
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from companion.accounts import actions as accounts
from companion.clinic import actions as clinics
from companion.clock import utc_now
from companion.config import vapid_key_id
from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation
from companion.ids import new_id
from companion.push.models import Subscription
from companion.runtime import Runtime
from companion.triage.observation import SYMPTOMS
from tests.push_service import Device, PushService

# The first of them is on duty.
STAFF = ("nurse", "nurse", "clinician")


@dataclass(frozen=True, slots=True)
class Patient:
    """Who reports, from which clinic, signed in by which token; and who is on duty there."""

    clinic_id: UUID
    subject: str
    token: str
    on_duty: UUID


class Scene:
    """The people of one run: a clinic for each patient, so that hardly ever two alerts of one person share a push."""

    def __init__(self, rt: Runtime, service: PushService) -> None:
        self.devices: list[Device] = []
        self._rt, self._service = rt, service

    def new_patient(self) -> Patient:
        """A patient of a new clinic."""
        with self._rt.db.transaction(EVERY_CLINIC) as db:
            return self._clinic(db)

    def _clinic(self, db: Session) -> Patient:
        now = utc_now()
        clinic = clinics.add_clinic(
            db,
            name="Clinic",
            now=now,
            zone="UTC",
            opening={},
            is_demonstration=True,
            phone="1",
            out_of_hours_phone="2",
            emergency_number="3",
        )
        patient, *staff = (
            accounts.add_person(db, clinic_id=clinic.id, name=role, roles=[role], now=now)
            for role in ("patient", *STAFF)
        )
        db.flush()
        for person in staff:
            db.add(self._device(clinic.id, person.id))
        clinics.set_duty(db, clinic_id=clinic.id, person_id=staff[0].id, is_on=True, now=now)
        token = accounts.start_sign_in(db, patient, now=now).token
        return Patient(clinic.id, patient.subject_key, token, staff[0].id)

    def _device(self, clinic_id: UUID, person_id: UUID) -> Subscription:
        key = self._rt.secrets.vapid_public_key
        device = self._service.device(key)
        self.devices.append(device)
        now = utc_now()
        return Subscription(
            clinic_id=clinic_id,
            id=new_id(),
            person_id=person_id,
            endpoint=device.endpoint,
            key_id=vapid_key_id(key),
            created_at=now,
            seen_at=now,
            proven_at=None,
            **device.keys.public,
        )


class Traffic:
    """Patients who report one after the other, each until the answer comes; while `steps`, ladders fall due as well."""

    def __init__(self, rt: Runtime, url: str, scene: Scene, *, threads: int = 1) -> None:
        self.confirmed: list[tuple[UUID, Patient]] = []
        self.steps = True
        self._rt, self._url, self._scene = rt, url, scene
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._report_all, args=(seed,)) for seed in range(threads)]
        self._threads.append(threading.Thread(target=self._step))

    def start(self) -> None:
        """Begin to report."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Report nothing new, and wait until what was begun is answered."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _report_all(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._stop.wait(chance.uniform(0.4, 1.0)):
            patient = self._scene.new_patient()
            reaction_id, body = new_id(), _entry(patient)
            while not _put(self._url, patient, reaction_id, body):
                time.sleep(0.02)
            self.confirmed.append((reaction_id, patient))

    def _step(self) -> None:
        chance = random.Random(0)
        while not self._stop.wait(1.5):
            if self.steps and self.confirmed:
                _, patient = chance.choice(self.confirmed[-20:])
                due = update(Escalation).where(
                    Escalation.clinic_id == patient.clinic_id, Escalation.state == "open", Escalation.step < 2
                )
                with self._rt.db.transaction(patient.clinic_id) as db:
                    db.execute(due.values(next_step_at=utc_now()))


def report(url: str, patient: Patient, reaction_id: UUID) -> bool:
    """Send an entry with an emergency sign; False if it must be sent again."""
    return _put(url, patient, reaction_id, _entry(patient))


def _put(url: str, patient: Patient, reaction_id: UUID, body: bytes) -> bool:
    headers = {
        "Content-Type": "application/json",
        "Cookie": f"sign-in={patient.token}",
        "Sec-Fetch-Site": "same-origin",
    }
    request = urllib.request.Request(f"{url}/reactions/{reaction_id}", data=body, headers=headers, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bool(answer.status in (200, 201))
    except HTTPError as error:
        with error:
            if error.code < 500:
                raise AssertionError(f"refused with {error.code}: {error.read()!r}") from None
        return False
    except (URLError, OSError):
        return False


def _entry(patient: Patient) -> bytes:
    at = utc_now().isoformat()
    return json.dumps(
        {
            "subject": patient.subject,
            "noted_at": at,
            "sent_at": at,
            "areas": {"face": {**dict.fromkeys(SYMPTOMS, 0), "patch_cm": None}},
            "warnings": {"none": False, "signs": ["collapse"], "not_sure": []},
            "feels": "now",
        }
    ).encode()
