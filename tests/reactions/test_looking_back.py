"""Looking back: another protocol on past entries, and the silence after something severe."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from companion.db import EVERY_CLINIC
from companion.escalation import actions as escalation
from companion.escalation.models import Escalation
from companion.figures import queries as figures
from companion.reactions.jobs import look_after_silence, replay, replay_to_publish
from companion.reactions.models import Assessment
from companion.reactions.rules import Replay
from companion.runtime import Runtime
from companion.triage.observation import SYMPTOMS
from companion.triage.reader import SHIPPED, load_shipped_protocol, parse
from tests.conftest import Clock
from tests.people import Cast
from tests.reactions.test_entries import entry, put
from tests.signed_in import Browser, browser


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def send(ada: Browser, clock: Clock, **grades: int) -> None:
    at, report = clock.now.isoformat(), {**dict.fromkeys(SYMPTOMS, 0), **grades, "patch_cm": None}
    assert put(ada, entry(areas={"face": report}, noted_at=at, sent_at=at)).status_code == 201


def cases(rt: Runtime) -> list[Escalation]:
    with rt.db.reading(EVERY_CLINIC) as db:
        return list(db.scalars(select(Escalation)))


def test_a_replay_counts_what_another_protocol_would_say_and_changes_nothing(
    rt: Runtime, clock: Clock, ada: Browser
) -> None:
    for grade in (1, 1, 0):
        send(ada, clock, redness=grade)
        clock.now += timedelta(hours=4)
    content = SHIPPED.read_text(encoding="utf-8").replace("redness = [96, 48, 24]", "redness = [0, 0, 0]", 1)
    stricter = parse(
        content.replace('1 = "clinic_routine"', '1 = "clinic_same_day"', 1).replace(
            '2 = "clinic_routine"', '2 = "clinic_same_day"', 1
        ),
        "s",
    )
    steps: list[tuple[int, int]] = []
    found = replay(rt, stricter, days=10, now=clock.now, advance=lambda done, total: steps.append((done, total)))
    assert (found.entries, found.alerts_before, found.alerts_after) == (3, 0, 2)
    assert (found.raised, found.lowered) == (2, 0)
    assert steps == [(1, 1)]
    assert "alerts a day: 0.00 before, 0.20 after" in found.lines()
    same = replay(rt, load_shipped_protocol(), days=10, now=clock.now)
    assert (same.raised, same.lowered) == (0, 0)
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalar(select(func.count()).select_from(Assessment)) == 3
    clock.now += timedelta(days=20)
    assert replay(rt, stricter, days=10, now=clock.now).lines() == ["No entry in the last 10 days."]


def test_before_publishing_the_clinics_own_entries_are_replayed_all_of_them_or_90_days(
    rt: Runtime, clock: Clock, cast: Cast, app: Flask, ada: Browser
) -> None:
    def found() -> Replay:
        shipped = load_shipped_protocol()
        return replay_to_publish(rt, shipped, cast.north, now=clock.now, advance=lambda _done, _total: None)

    assert (found().entries, found().lines()) == (0, ["No entry in the last 90 days."])
    send(ada, clock, redness=1)
    ben = browser(app, rt, (cast.south, cast.ben))
    assert put(ben, entry(subject="subject-of-ben")).status_code == 201  # another clinic's
    clock.now += timedelta(days=4, hours=1)
    send(ada, clock, redness=0)
    assert (found().entries, found().days) == (2, 5)
    clock.now += timedelta(days=87)
    assert (found().entries, found().days) == (1, 90)


def test_silence_after_something_severe_opens_a_case_once(rt: Runtime, clock: Clock, ada: Browser, cast: Cast) -> None:
    clock.now -= timedelta(hours=20)  # early enough that a severe swelling is still expected
    send(ada, clock, swelling=3)
    assert cases(rt) == []
    clock.now += timedelta(hours=71, minutes=59)
    assert look_after_silence(rt, clock.now) == 0
    clock.now += timedelta(minutes=1)
    assert look_after_silence(rt, clock.now) == 1
    assert look_after_silence(rt, clock.now) == 0
    (case,) = cases(rt)
    assert (case.level, case.state) == ("clinic_routine", "open")
    with rt.db.transaction(cast.north) as db:
        found = db.get_one(Escalation, (cast.north, case.id))
        escalation.resolve(db, found, person_id=cast.iris, outcome="reassured", note="Called.", now=clock.now)
    assert look_after_silence(rt, clock.now + timedelta(days=1)) == 0


def test_a_later_entry_ends_the_silence(rt: Runtime, clock: Clock, ada: Browser) -> None:
    clock.now -= timedelta(hours=20)
    send(ada, clock, swelling=3)
    clock.now += timedelta(hours=30)
    send(ada, clock, swelling=1)
    clock.now += timedelta(hours=80)
    assert look_after_silence(rt, clock.now) == 0


def test_a_case_about_a_silence_does_not_stop_the_figures(rt: Runtime, cast: Cast, clock: Clock, ada: Browser) -> None:
    send(ada, clock, swelling=3)  # as expected on that day: an entry without a reason
    clock.now += timedelta(days=4)
    assert look_after_silence(rt, clock.now) == 1
    with rt.db.reading(cast.north) as db:
        assert figures.figures_since(db, [cast.north], clock.now - timedelta(days=7), clock.now).entries == 1
