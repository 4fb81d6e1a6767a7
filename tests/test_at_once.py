"""Eight browsers at the same moment: on both databases each is answered, and nothing is there twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest
from flask import Flask

from companion.escalation.models import Escalation
from companion.reactions.models import Reaction
from companion.runtime import Runtime
from tests.people import Cast
from tests.push_service import PushService
from tests.reactions.test_entries import URGENT, count, entry
from tests.signed_in import browser
from tests.test_hostile_inputs import ENROLMENT, LADDER

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Race:
    """What eight browsers of one person send at the same moment, and every status that may come."""

    id: str
    who: str
    path: str
    statuses: set[int]
    data: Callable[[int], dict[str, str]] = lambda _: {}


ENROLLED = str(uuid4())
RACES = (
    Race("enrolled", "iris", "/console/patients", {201, 303}, lambda _: {**ENROLMENT, "name": "Vera", "id": ENROLLED}),
    Race("a session", "iris", "/console/patients/{}/courses/{ada_course}/visits", {303}, lambda _: {
        "date": "2026-12-15", "time": "10:00"}),
    Race("on duty", "noor", "/console/duty", {303}, lambda _: {"on": "1"}),
    Race("on and off duty", "noor", "/console/duty", {303}, lambda turn: {"on": str(turn % 2)}),
    Race("numbers", "iris", "/console/patients/{}/numbers", {303}, lambda _: {"phone": "+33 1 99 00 00 09"}),
    Race("a proof", "max", "/console/coverage/email/proof", {303}),
    Race("a ladder", "carla", "/console/policies/clinic_same_day", {303, 409}, lambda _: {
        **LADDER, "minutes-0": "0", "repeat": "10"}),
    Race("codes", "ada", "/app/code", {200, 429}),
    Race("invitations", "iris", "/console/patients/{}/invitation", {200}),
)  # fmt: skip


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.id)
def test_eight_at_once_are_no_error(app: Flask, rt: Runtime, cast: Cast, race: Race) -> None:
    clients = [browser(app, rt, (cast.north, getattr(cast, race.who))) for _ in range(8)]
    path = race.path.replace("{}", str(cast.ada)).replace("{ada_course}", str(cast.ada_course))
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda turn: clients[turn].post(path, data=race.data(turn)).status_code, range(8)))
    assert found <= race.statuses
    assert found & {200, 201, 303}


def test_eight_urgent_entries_at_once_are_one_case(app: Flask, rt: Runtime, cast: Cast) -> None:
    phones = [browser(app, rt, (cast.north, cast.ada)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda phone: phone.put(f"/reactions/{uuid4()}", json=entry(warnings=URGENT)), phones)
        assert [answer.status_code for answer in sent] == [201] * 8
    assert (count(rt, Reaction), count(rt, Escalation)) == (8, 1)


def test_eight_entries_that_cannot_be_read_are_one_case(app: Flask, rt: Runtime, cast: Cast) -> None:
    phones = [browser(app, rt, (cast.north, cast.ada)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda phone: phone.put(f"/reactions/{uuid4()}", json=entry(feels="x")), phones)
        assert [answer.status_code for answer in sent] == [422] * 8
    assert (count(rt, Reaction), count(rt, Escalation)) == (0, 1)


def test_a_device_that_subscribes_eight_times_at_once_is_one(
    app: Flask, rt: Runtime, cast: Cast, push_service: PushService
) -> None:
    body = {**push_service.device().subscription, "key": rt.secrets.vapid_public_key}
    clients = [browser(app, rt, (cast.north, cast.iris)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.post("/push/subscriptions", json=body), clients))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.get_json()["id"] for answer in answers}) == 1
