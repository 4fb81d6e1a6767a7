"""Whom a ladder tells and when: the pure rule, and the engine beside it."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from companion.clinic import actions as clinic_actions
from companion.clinic import queries as clinic
from companion.clinic.models import Duty
from companion.clinic.rules import Shift
from companion.db import EVERY_CLINIC
from companion.errors import Conflict
from companion.escalation import actions as escalation
from companion.escalation import jobs
from companion.escalation.models import Escalation
from companion.ids import new_id
from companion.outbox.models import Message
from companion.policies import actions, queries
from companion.policies.rules import DEFAULTS, Policy, Staff, Step, advance, faults_of, walk
from companion.runtime import Runtime
from tests.people import NOW, Cast, id_of

IRIS, NOOR, CARLA = id_of("iris"), id_of("noor"), id_of("carla")
EVERYBODY = Staff(frozenset({IRIS}), frozenset({IRIS, NOOR, CARLA}), frozenset({CARLA}))
NOBODY_ON_DUTY = Staff(frozenset(), EVERYBODY.nurses, EVERYBODY.clinicians)
URGENT = Policy(DEFAULTS["clinic_urgent_1h"], repeat_minutes=10, act_minutes=60)
SUNDAY_THREE = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)  # 03:00 in Paris


def set_policy(rt: Runtime, cast: Cast, steps: tuple[Step, ...], *, version: int = 0, repeat: int = 10) -> None:
    with rt.db.transaction(cast.north) as db:
        actions.set_policy(
            db,
            clinic_id=cast.north,
            level="clinic_urgent_1h",
            steps=steps,
            repeat_minutes=repeat,
            version=version,
            actor_id=cast.carla,
            now=NOW,
        )


def test_steps_are_told_in_order_and_then_everybody_again_and_again() -> None:
    moves = list(islice(walk(URGENT, NOW, lambda _: EVERYBODY), 5))
    assert [(at - NOW) // timedelta(minutes=1) for at, _ in moves] == [0, 10, 20, 30, 40]
    assert [{person for one in move.tellings for person in one.people} for _, move in moves] == [
        {IRIS},
        {IRIS, NOOR, CARLA},
        {CARLA},
        {IRIS, NOOR, CARLA},
        {IRIS, NOOR, CARLA},
    ]
    assert [move.completes for _, move in moves] == [False, False, True, False, False]


def test_an_empty_audience_holds_nothing_up() -> None:
    move = advance(URGENT, round_=1, step=0, staff=NOBODY_ON_DUTY, now=NOW)
    assert [sorted(one.people) for one in move.tellings] == [[], sorted([IRIS, NOOR, CARLA])]
    assert (move.position.step, move.position.next_step_at) == (2, NOW + timedelta(minutes=10))
    nobody = Staff(frozenset(), frozenset(), frozenset())
    assert advance(URGENT, round_=1, step=0, staff=nobody, now=NOW).completes


def test_one_person_in_two_steps_is_told_once_in_a_round() -> None:
    move = advance(URGENT, round_=1, step=3, staff=EVERYBODY, now=NOW)
    (telling,) = move.tellings
    assert [channel for person, channel in telling.targets if person == CARLA] == ["push", "webhook"]
    assert [channel for person, channel in telling.targets if person == IRIS] == ["push"]


def test_a_named_person_is_told_while_they_work_here() -> None:
    one = Policy((Step(0, "person", ("email",), str(NOOR)),), repeat_minutes=10, act_minutes=60)
    assert advance(one, round_=1, step=0, staff=EVERYBODY, now=NOW).tellings[0].targets == ((NOOR, "email"),)
    gone = Staff(frozenset(), frozenset({IRIS}), frozenset())
    assert advance(one, round_=1, step=0, staff=gone, now=NOW).tellings[0].targets == ()


@pytest.mark.parametrize(
    ("steps", "repeat", "faults"),
    [
        (DEFAULTS["emergency"], 10, []),
        ((), 10, ["no_steps", "one_audience"]),
        ((Step(5, "on_duty"), Step(10, "nurses")), 10, ["starts_late"]),
        ((Step(0, "on_duty"), Step(0, "nurses")), 10, ["out_of_order"]),
        ((Step(0, "on_duty"), Step(10, "on_duty")), 10, ["one_audience"]),
        ((Step(0, "on_duty"), Step(90, "nurses")), 10, ["too_slow"]),
        ((Step(0, "on_duty", ()), Step(10, "nurses")), 10, ["no_channel"]),
        ((Step(0, "on_duty"), Step(10, "nurses")), 0, ["repeats"]),
        ((Step(0, "on_duty"), Step(10, "nurses")), 90, ["repeats"]),
    ],
)
def test_a_ladder_that_could_end_in_silence_is_refused(steps: tuple[Step, ...], repeat: int, faults: list[str]) -> None:
    assert faults_of("clinic_urgent_1h", steps, repeat) == faults


def test_the_simulation_tells_what_the_engine_does(rt: Runtime, cast: Cast) -> None:
    with rt.db.transaction(cast.north) as db:
        db.execute(delete(Duty))
        for shift in (Shift(cast.noor, 5, "18:00", "03:20"), Shift(cast.iris, 6, "03:20", "20:00")):
            clinic_actions.add_shift(db, clinic_id=cast.north, shift=shift, actor_id=cast.max, now=NOW)
        policy = queries.policy(db, cast.north, "clinic_urgent_1h")
        staff_at = queries.staff_ahead(db, cast.north, NOW)
    foreseen = {
        (at, person, channel)
        for at, move in islice(walk(policy, SUNDAY_THREE, staff_at), 6)
        for telling in move.tellings
        for person, channel in telling.targets
    }
    with rt.db.transaction(cast.north) as db:
        escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=new_id(),
            level="clinic_urgent_1h",
            summary="White patch",
            now=SUNDAY_THREE,
        )
    for minute in range(1, 51):
        jobs.step_due(rt, SUNDAY_THREE + timedelta(minutes=minute))
    with rt.db.reading(EVERY_CLINIC) as db:
        alerts = db.scalars(select(Message).where(Message.kind == "case_alert"))
        told = {(one.created_at, one.recipient_id, one.channel) for one in alerts}
    assert told == foreseen
    assert {person for at, person, _ in told if at == SUNDAY_THREE} == {cast.noor}


def test_a_switch_by_hand_does_not_count_for_next_sunday(rt: Runtime, cast: Cast) -> None:
    with rt.db.reading(cast.north) as db:
        assert queries.staff(db, cast.north, NOW).on_duty == {cast.iris}
        assert queries.staff_ahead(db, cast.north, NOW)(SUNDAY_THREE).on_duty == frozenset()
        assert clinic.rota(db, cast.north, NOW).switched_on == {cast.iris}


def test_a_case_keeps_the_ladder_it_was_opened_with(rt: Runtime, cast: Cast) -> None:
    set_policy(rt, cast, (Step(0, "person", ("push",), str(cast.noor)), Step(5, "nurses")))
    with rt.db.transaction(cast.north) as db:
        case = escalation.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=new_id(),
            level="clinic_urgent_1h",
            summary="White patch",
            now=NOW,
        )
        case_id: UUID = case.id
    set_policy(rt, cast, (Step(0, "on_duty"), Step(30, "clinicians")), version=1)
    jobs.step_due(rt, NOW + timedelta(minutes=5))
    with rt.db.reading(cast.north) as db:
        alerts = select(Message.recipient_id).where(Message.kind == "case_alert").order_by(Message.created_at)
        told = list(db.scalars(alerts))
        kept = db.get_one(Escalation, (cast.north, case_id))
    assert told[0] == cast.noor
    assert set(told[1:]) == {cast.iris, cast.noor, cast.carla}
    assert [step["after_minutes"] for step in kept.policy["steps"]] == [0, 5]


def test_of_two_who_change_a_ladder_the_second_is_told(rt: Runtime, cast: Cast) -> None:
    steps = (Step(0, "on_duty"), Step(5, "nurses"))
    set_policy(rt, cast, steps)
    with pytest.raises(Conflict):
        set_policy(rt, cast, steps)
    set_policy(rt, cast, steps, version=1)
    with pytest.raises(Conflict):
        set_policy(rt, cast, steps, version=1)
