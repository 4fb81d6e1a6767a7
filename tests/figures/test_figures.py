"""Figures: the rule, the reads behind it, the page and the numbers for Prometheus."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from pydantic import SecretStr

from companion.accounts import queries as accounts
from companion.app import create_app
from companion.clinic import queries as clinic
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.figures import queries, rules
from companion.figures.rules import Ended, Noise, Spread, Timed
from companion.runtime import Runtime
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.reactions.test_entries import URGENT, entry, put
from tests.signed_in import browser


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def timed(took: float | None, *, in_hours: bool = True, promised: float = 60) -> Timed:
    reached = {} if took is None else {"contact": NOW + minutes(took)}
    return Timed(NOW, in_hours, NOW + minutes(promised), reached)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([], Spread(0, None, None)),
        ([5], Spread(1, 5, 5)),
        ([1, 2, 3, 4], Spread(4, 2, 4)),
        ([*range(1, 11)], Spread(10, 5, 9)),
        ([30, 1, 2], Spread(3, 2, 30)),
    ],
)
def test_a_spread_names_times_that_were_measured(measured: list[float], expected: Spread) -> None:
    assert rules.spread(measured) == expected


def test_times_are_told_apart_by_opening_hours_and_leave_out_what_has_not_come() -> None:
    found = rules.times([timed(10), timed(20), timed(None), timed(90, in_hours=False)], "contact")
    assert found == {"in": Spread(2, 10, 20), "out": Spread(1, 90, 90)}


def test_a_promise_counts_once_it_is_kept_or_over() -> None:
    one = [timed(10), timed(61), timed(None), timed(None, promised=-1)]
    found = rules.figures(entries=10, alerts=1, timed=one, ended=[], now=NOW)
    assert (found.kept, found.promises) == (1, 3)
    assert (found.alert_share, found.useful_share) == (0.1, None)


def test_the_noisiest_rule_stands_first() -> None:
    ended = [Ended("a", False), Ended("a", True), Ended("b", True), Ended("c", None)]
    found = rules.figures(entries=0, alerts=0, timed=[], ended=ended, now=NOW)
    assert list(found.noise) == [Noise("b", 1, 1), Noise("a", 2, 1)]
    assert (found.useful, found.closed, found.alert_share) == (1, 3, None)


@pytest.fixture
def handled(rt: Runtime, cast: Cast, app: Flask, clock: Clock) -> UUID:
    """Ada's urgent entry: seen after 4 minutes, taken after 6, reached after 9 at the second call, of no use."""
    ada = browser(app, rt, (cast.north, cast.ada))
    assert put(ada, entry(warnings=URGENT)).status_code == 201
    with rt.db.transaction(cast.north) as db:
        case = cases.unresolved_case_of(db, cast.north, cast.ada)
        assert case is not None
        iris = accounts.person(db, cast.north, cast.iris)
        escalation.note_seen(db, case, person_id=cast.iris, now=NOW + minutes(4))
        escalation.acknowledge(db, case, person=iris, now=NOW + minutes(6))
        escalation.contact(db, case, person_id=cast.iris, how="no_answer", now=NOW + minutes(7))
        escalation.contact(db, case, person_id=cast.iris, how="called", now=NOW + minutes(9))
        escalation.resolve(
            db,
            case,
            person_id=cast.iris,
            outcome="not_actionable",
            note="Make-up.",
            noise_reason="mistaken_tap",
            now=NOW + minutes(10),
        )
    clock.now += minutes(15)
    return case.id


def test_the_figures_come_from_what_happened(rt: Runtime, cast: Cast, handled: UUID) -> None:
    with rt.db.reading(cast.north) as db:
        found = queries.figures_since(db, [cast.north], NOW - timedelta(days=1), NOW + minutes(15))
        later = queries.figures_since(db, [cast.north], NOW + minutes(1), NOW + minutes(15))
    assert (found.entries, found.alerts, found.cases, found.closed, found.useful) == (1, 1, 1, 1, 0)
    assert (found.kept, found.promises) == (1, 1)
    assert [found.times[stage]["in"].median for stage in rules.STAGES] == [4, 6, 9]
    assert all(found.times[stage]["out"].count == 0 for stage in rules.STAGES)
    assert [(one.rule, one.noise) for one in found.noise] == [("sign_skin_white_patch", 1)]
    assert (later.entries, later.cases) == (0, 0)


def test_another_clinic_has_its_own_figures(rt: Runtime, cast: Cast, handled: UUID) -> None:
    with rt.db.reading(cast.south) as db:
        assert queries.figures_since(db, [cast.south], NOW - timedelta(days=1), NOW).cases == 0


def test_a_night_counts_as_out_of_hours(rt: Runtime, cast: Cast) -> None:
    night = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=uuid4(),
            level="emergency",
            summary="x",
            now=night,
        )
        escalation.note_seen(db, case, person_id=cast.iris, now=night + minutes(3))
        found = queries.figures_since(db, [cast.north], night, night + minutes(5))
        assert clinic.opens_at(clinic.clinic(db, cast.north), night) is not None
    assert found.times["seen"]["out"] == Spread(1, 3, 3)


def test_a_nurse_reads_which_rule_is_noise_and_a_manager_does_not(
    rt: Runtime, cast: Cast, app: Flask, handled: UUID
) -> None:
    pages = {
        name: browser(app, rt, (cast.north, who)).get("/console/figures?days=7").data.decode()
        for name, who in (("nurse", cast.iris), ("manager", cast.max))
    }
    for page in pages.values():
        assert "9 min" in page
        assert "0 of 1" in page
    assert "sign_skin_white_patch" in pages["nurse"]
    assert "white_patch" not in pages["manager"]
    assert "Ada" not in pages["manager"]


def metrics(rt: Runtime, token: str, shown: str) -> tuple[int, str]:
    config = rt.config.model_copy(update={"metrics_token": SecretStr(token)})
    app = create_app(Runtime(config, rt.secrets, rt.db, rt.clock))
    answer = browser(app, rt).get("/metrics", headers={"Authorization": shown} if shown else {})
    return answer.status_code, answer.data.decode()


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("", "Bearer "),
        ("", ""),
        ("secret", ""),
        ("secret", "secret"),
        ("secret", "Bearer wrong"),
        ("secret", "Bearer ä"),
    ],
)
def test_without_its_token_there_are_no_numbers(rt: Runtime, cast: Cast, token: str, shown: str) -> None:
    assert metrics(rt, token, shown)[0] == 404


def test_prometheus_reads_numbers_and_nothing_about_anybody(rt: Runtime, cast: Cast, handled: UUID) -> None:
    _, text = metrics(rt, "secret", "Bearer secret")
    assert 'companion_case_minutes_30d{hours="in",quantile="0.5",stage="contact"} 9.0' in text
    assert 'companion_cases_open{level="emergency"} 0.0' in text
    assert 'companion_share_30d{of="promise_kept"} 1.0' in text
    assert "companion_coverage_findings" in text
    assert 'companion_health{sign="unreachable_clinics"}' in text
    for private in ("Ada", "Iris", "North", "white_patch", str(cast.north), str(cast.ada)):
        assert private not in text
