"""Would an alert reach somebody: what is said ahead, on the page and once a day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, update

from companion.accounts.models import Person
from companion.clinic import actions as clinic_actions
from companion.clinic.rules import Shift
from companion.config import Config
from companion.coverage import jobs, queries, rules
from companion.coverage.rules import Carer, Facts
from companion.db import EVERY_CLINIC
from companion.outbox.models import Message
from companion.policies import actions as policies
from companion.policies.rules import Step
from companion.push.models import Subscription
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.outbox.test_delivery import subscribe
from tests.people import NOW, Cast
from tests.push_service import PushService
from tests.signed_in import Browser, browser

WELL = Facts(
    has_rota=True,
    gaps=(),
    empty_steps=(),
    carers=(Carer("Iris", 1, NOW), Carer("Noor", 1, NOW)),
    is_set_up=frozenset({"email"}),
    is_watched=True,
    proven={"email": NOW},
)
LONG_AGO = NOW - timedelta(days=31)


def codes(facts: Facts) -> list[str]:
    return [finding.code for finding in rules.findings(facts, NOW)]


def test_a_clinic_that_is_covered_has_nothing_in_the_way() -> None:
    assert codes(WELL) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"has_rota": False}, "no_rota"),
        ({"gaps": ((NOW, NOW + timedelta(hours=1)),)}, "gap"),
        ({"empty_steps": (("emergency", 3),)}, "empty_step"),
        ({"carers": (Carer("Iris", 1, NOW),)}, "few_people"),
        ({"carers": (Carer("Iris", 1, NOW), Carer("Noor", 0, None))}, "no_device"),
        ({"carers": (Carer("Iris", 1, NOW), Carer("Noor", 1, None))}, "unproven_device"),
        ({"carers": (Carer("Iris", 1, NOW), Carer("Noor", 1, LONG_AGO))}, "unproven_device"),
        ({"is_set_up": frozenset()}, "no_fallback"),
        ({"is_watched": False}, "unwatched"),
        ({"proven": {}}, "unproven_fallback"),
        ({"proven": {"email": NOW - timedelta(days=91)}}, "unproven_fallback"),
        ({"proven": {"webhook": NOW}}, "unproven_fallback"),
    ],
)
def test_each_thing_that_stands_in_the_way_is_said(change: dict[str, Any], code: str) -> None:
    assert codes(replace(WELL, **change)) == [code]


@pytest.mark.parametrize(
    "change",
    [
        {"carers": (Carer("Iris", 1, NOW), Carer("Noor", 2, NOW - timedelta(days=30)))},
        {"proven": {"email": NOW - timedelta(days=90)}},
    ],
)
def test_what_was_proven_lately_enough_is_not_said(change: dict[str, Any]) -> None:
    assert codes(replace(WELL, **change)) == []


@pytest.fixture
def max_(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.max))


def found(rt: Runtime, cast: Cast, config: Config | None = None) -> list[tuple[str, dict[str, object]]]:
    with rt.db.reading(cast.north) as db:
        own = queries.findings(db, cast.north, config or rt.config, NOW)
        return [(finding.code, dict(finding.params)) for finding in own]


def test_the_facts_come_from_rota_ladders_and_devices(rt: Runtime, cast: Cast, push_service: PushService) -> None:
    subscribe(rt, push_service, cast.north, cast.iris)
    subscribe(rt, push_service, cast.north, cast.noor)
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Subscription).where(Subscription.person_id == cast.iris).values(proven_at=NOW))
        for day in range(6):
            shift = Shift(cast.noor, day, "00:00", "00:00")
            clinic_actions.add_shift(db, clinic_id=cast.north, shift=shift, actor_id=cast.max, now=NOW)
        named = (Step(0, "on_duty"), Step(5, "nurses"), Step(9, "person", ("push",), str(cast.max)))
        policies.set_policy(
            db,
            clinic_id=cast.north,
            level="emergency",
            steps=named,
            repeat_minutes=10,
            version=0,
            actor_id=cast.carla,
            now=NOW,
        )
    sunday = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    gaps = [(start, start + timedelta(days=1)) for start in (sunday, sunday + timedelta(days=7))]
    assert found(rt, cast) == [
        *(("gap", {"starts_at": start, "ends_at": end}) for start, end in gaps),
        ("empty_step", {"level": "emergency", "number": 3}),
        ("no_device", {"names": ["Carla"]}),
        ("unproven_device", {"names": ["Noor"]}),
        ("no_fallback", {}),
        ("unwatched", {}),
    ]


def test_the_manager_is_told_once_a_day_and_not_by_push(rt: Runtime, cast: Cast) -> None:
    morning = NOW - timedelta(hours=4)  # 07:00 in Paris
    for when in (morning - timedelta(hours=1), morning, morning + timedelta(hours=3), morning + timedelta(days=1)):
        jobs.tell_daily(rt, when)
    with rt.db.reading(cast.north) as db:
        told = db.scalars(select(Message).where(Message.kind == "coverage").order_by(Message.created_at)).all()
    assert [(one.recipient_id, one.channel, one.created_at) for one in told] == [
        (cast.max, "email", morning),
        (cast.max, "email", morning + timedelta(days=1)),
    ]


def test_without_a_manager_the_clinicians_are_told(rt: Runtime, cast: Cast) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Person).where(Person.id == cast.max).values(deactivated_at=NOW))
    jobs.tell_daily(rt, NOW)
    with rt.db.reading(cast.north) as db:
        assert list(db.scalars(select(Message.recipient_id))) == [cast.carla]


def test_every_page_of_the_console_says_that_something_stands_in_the_way(
    app: Flask, rt: Runtime, cast: Cast, max_: Browser
) -> None:
    iris = browser(app, rt, (cast.north, cast.iris))
    assert "things may keep an alert from reaching somebody" in iris.get("/console/").data.decode()
    page = max_.get("/console/coverage").data.decode()
    for sentence in (
        "There is no rota",
        "No device gets notifications: Carla, Iris, Noor",
        "Notifications are the only way",
    ):
        assert sentence in page
    assert "Ada" not in page


def test_another_way_counts_once_a_person_says_that_its_test_came(
    rt: Runtime, cast: Cast, max_: Browser, clock: Clock
) -> None:
    config = rt.config.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:25")})
    assert ("unproven_fallback", {"days": 90}) in found(rt, cast, config)
    assert max_.post("/console/coverage/email/test").status_code == 303
    with rt.db.reading(cast.north) as db:
        sent = db.scalars(select(Message).where(Message.kind == "fallback_test")).one()
    assert (sent.recipient_id, sent.channel, sent.url) == (cast.max, "email", "/console/coverage/email")
    assert "Yes, it came by e-mail" in max_.get(sent.url).data.decode()
    assert max_.post("/console/coverage/email/proof").status_code == 303
    assert "unproven_fallback" not in [code for code, _ in found(rt, cast, config)]
    assert max_.post("/console/coverage/push/proof").status_code == 404
