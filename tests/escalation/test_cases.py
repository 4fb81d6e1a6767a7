"""The life of a case, told with rows, a clock that only the test moves, and both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from companion.accounts import queries as accounts
from companion.clinic.actions import set_duty
from companion.db import EVERY_CLINIC
from companion.errors import Conflict, NotFound
from companion.escalation import actions, jobs, queries
from companion.escalation.models import Escalation
from companion.ids import new_id
from companion.outbox.models import Message
from companion.runtime import Runtime
from tests.escalation.test_races import open_cases
from tests.people import Cast


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def open_case(rt: Runtime, cast: Cast, now: datetime, level: str = "clinic_urgent_1h") -> UUID:
    with rt.db.transaction(cast.north) as db:
        case = actions.open_case(
            db,
            clinic_id=cast.north,
            patient_id=cast.ada,
            subject_id=new_id(),
            level=level,
            summary="White patch",
            now=now,
        )
        return case.id


def take(rt: Runtime, cast: Cast, case_id: UUID, person_id: UUID, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        person = accounts.person(db, cast.north, person_id)
        actions.acknowledge(db, queries.case(db, cast.north, case_id), person=person, now=now)


def told(rt: Runtime, kind: str = "case_alert") -> list[tuple[UUID, str]]:
    with rt.db.reading(EVERY_CLINIC) as db:
        rows = db.execute(select(Message.recipient_id, Message.state).where(Message.kind == kind))
        return [(row.recipient_id, row.state) for row in rows]


def case_of(rt: Runtime, cast: Cast, case_id: UUID) -> Escalation:
    with rt.db.reading(cast.north) as db:
        return queries.case(db, cast.north, case_id)


def kinds(rt: Runtime, cast: Cast, case_id: UUID) -> list[str]:
    with rt.db.reading(cast.north) as db:
        return [event.kind for event in queries.events(db, cast.north, case_id)]


def test_an_urgent_case_tells_the_nurse_on_duty_at_once(rt: Runtime, cast: Cast, now: datetime) -> None:
    open_case(rt, cast, now)
    assert told(rt) == [(cast.iris, "pending")]


def test_a_routine_case_waits_in_the_queue_and_tells_nobody(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_routine")
    assert told(rt) == []
    with rt.db.reading(cast.north) as db:
        assert [case.id for case in queries.queue(db, cast.north)] == [case_id]


def test_nobody_answers_and_the_ladder_goes_up_and_tells_everybody_again(
    rt: Runtime, cast: Cast, now: datetime
) -> None:
    case_id = open_case(rt, cast, now)
    assert jobs.step_due(rt, now + minutes(9)) == 0
    assert jobs.step_due(rt, now + minutes(10)) == 1
    assert {person for person, _ in told(rt)} == {cast.iris, cast.noor, cast.carla}
    assert told(rt, "case_unanswered") == []
    assert jobs.step_due(rt, now + minutes(20)) == 1
    assert told(rt, "case_unanswered") == [(cast.ada, "pending")]
    before = Counter(person for person, _ in told(rt))
    assert jobs.step_due(rt, now + minutes(30)) == 1
    again = Counter(person for person, _ in told(rt)) - before
    # From now on everybody is told every ten minutes: Carla by push and through the gateway.
    assert again == {cast.iris: 1, cast.noor: 1, cast.carla: 2}
    assert case_of(rt, cast, case_id).round == 2
    assert jobs.step_due(rt, now + minutes(39)) == 0
    assert jobs.step_due(rt, now + minutes(40)) == 1


def test_the_ladder_never_ends_while_nobody_takes_the_case(rt: Runtime, cast: Cast, now: datetime) -> None:
    open_case(rt, cast, now)
    steps = sum(jobs.step_due(rt, now + minutes(10 * number)) for number in range(1, 61))
    assert steps == 60


def test_taking_a_case_cancels_the_others_and_tells_the_patient(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    jobs.step_due(rt, now + minutes(10))
    take(rt, cast, case_id, cast.noor, now + minutes(11))
    assert {state for _, state in told(rt)} == {"cancelled"}
    assert told(rt, "case_taken") == [(cast.ada, "pending")]
    assert jobs.step_due(rt, now + minutes(30)) == 0


def test_second_nurse_is_told_who_was_first(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    with pytest.raises(Conflict, match="Iris"):
        take(rt, cast, case_id, cast.noor, now)


def test_of_eight_nurses_at_once_one_takes_the_case(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)

    def try_to(number: int) -> bool:
        try:
            take(rt, cast, case_id, cast.iris if number % 2 else cast.noor, now)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to, range(8))) == 1


def test_a_taken_case_without_an_action_goes_back_on_the_ladder(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    assert jobs.step_due(rt, now + minutes(59)) == 0
    assert jobs.step_due(rt, now + minutes(60)) == 1
    case = case_of(rt, cast, case_id)
    assert (case.state, case.taken_by) == ("open", None)
    assert "lapsed" in kinds(rt, cast, case_id)


def test_a_recorded_call_stops_the_ladder(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.contact(db, case, person_id=cast.iris, how="called", now=now + minutes(5))
    assert jobs.step_due(rt, now + minutes(600)) == 0


def test_no_answer_puts_the_case_back_on_the_ladder(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.contact(db, case, person_id=cast.iris, how="no_answer", now=now + minutes(5))
    assert case_of(rt, cast, case_id).state == "open"
    assert jobs.step_due(rt, now + minutes(15)) == 1


def test_a_worse_entry_raises_the_case_and_tells_again(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_same_day")
    take(rt, cast, case_id, cast.iris, now)
    assert open_case(rt, cast, now + minutes(30), "emergency") == case_id
    case = case_of(rt, cast, case_id)
    assert (case.level, case.state, case.taken_by) == ("emergency", "open", None)
    assert (cast.iris, "pending") in told(rt)


def test_a_milder_entry_never_lowers_a_case(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "emergency")
    assert open_case(rt, cast, now + minutes(30), "clinic_routine") == case_id
    assert case_of(rt, cast, case_id).level == "emergency"


def test_same_day_waits_for_the_morning_but_not_for_monday(rt: Runtime, cast: Cast, now: datetime) -> None:
    evening = now + timedelta(hours=10)  # Monday 21:00 in Paris; opens at 09:00, in twelve hours
    open_case(rt, cast, evening, "clinic_same_day")
    assert told(rt) == []
    assert jobs.step_due(rt, evening + timedelta(hours=12)) == 1
    assert told(rt) == [(cast.iris, "pending")]


def test_same_day_on_friday_night_tells_somebody_now(rt: Runtime, cast: Cast, now: datetime) -> None:
    friday = now + timedelta(days=4, hours=10)
    open_case(rt, cast, friday, "clinic_same_day")
    assert told(rt) == [(cast.iris, "pending")]


def test_nobody_on_duty_means_the_next_audience_at_once(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        set_duty(db, clinic_id=cast.north, person_id=cast.iris, is_on=False, now=now)
    open_case(rt, cast, now)
    assert {person for person, _ in told(rt)} == {cast.iris, cast.noor, cast.carla}


def test_a_nurse_without_a_device_does_not_hold_up_the_ladder(rt: Runtime, cast: Cast, now: datetime) -> None:
    open_case(rt, cast, now)
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Message).values(state="unreachable"))
    assert jobs.step_due(rt, now + minutes(1)) == 1
    assert cast.noor in {person for person, _ in told(rt)}


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=400)])
def test_a_clock_set_back_holds_up_no_step(rt: Runtime, cast: Cast, now: datetime, back: timedelta) -> None:
    open_case(rt, cast, now)
    assert jobs.step_due(rt, now - back) == 1


def test_two_workers_take_a_step_once(rt: Runtime, cast: Cast, now: datetime) -> None:
    open_case(rt, cast, now)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: jobs.step_due(rt, now + minutes(10)), range(4))) == 1


def test_a_closed_case_is_quiet_and_the_next_entry_opens_another(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.resolve(db, case, person_id=cast.iris, outcome="seen_in_clinic", note="Fine.", now=now + minutes(5))
    assert {state for _, state in told(rt)} == {"cancelled"}
    assert jobs.step_due(rt, now + timedelta(days=2)) == 0
    assert open_case(rt, cast, now + timedelta(days=3)) != case_id


def test_a_case_of_another_clinic_does_not_exist(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    with pytest.raises(NotFound), rt.db.reading(cast.south) as db:
        queries.case(db, cast.south, case_id)


def test_the_most_urgent_case_stands_first(rt: Runtime, cast: Cast, now: datetime) -> None:
    first = open_case(rt, cast, now, "clinic_same_day")
    with rt.db.reading(cast.north) as db:
        assert [case.id for case in queries.queue(db, cast.north)] == [first]


def act(rt: Runtime, cast: Cast, case_id: UUID, how: str, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        actions.contact(db, queries.case(db, cast.north, case_id), person_id=cast.iris, how=how, now=now)


def test_a_call_for_a_case_that_nobody_has_takes_it(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    act(rt, cast, case_id, "called", now + minutes(5))
    case = case_of(rt, cast, case_id)
    assert (case.state, case.taken_by, case.acted_at) == ("acknowledged", cast.iris, now + minutes(5))
    assert {state for _, state in told(rt)} == {"cancelled"}


def test_a_case_that_was_acted_on_and_forgotten_comes_back_to_its_taker(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    act(rt, cast, case_id, "called", now)
    for day in (1, 2):
        assert jobs.step_due(rt, now + timedelta(days=day)) == 1
        assert len(told(rt, "case_left")) == day
    assert case_of(rt, cast, case_id).taken_by == cast.iris
    with rt.db.transaction(cast.north) as db:
        accounts.person(db, cast.north, cast.iris).deactivated_at = now
    assert jobs.step_due(rt, now + timedelta(days=3)) == 1
    assert (case_of(rt, cast, case_id).state, len(told(rt, "case_left"))) == ("open", 2)


def test_another_entry_asks_whoever_has_acted_to_look_again(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    act(rt, cast, case_id, "called", now)
    open_case(rt, cast, now + timedelta(hours=3))
    assert (cast.iris, "pending") in told(rt)
    assert jobs.step_due(rt, now + timedelta(hours=4)) == 1
    assert case_of(rt, cast, case_id).state == "open"


def test_what_is_urgent_does_not_wait_for_somebody_who_has_gone_home(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    act(rt, cast, case_id, "called", now)
    later = now + timedelta(hours=3)
    with rt.db.transaction(cast.north) as db:
        for person, on in ((cast.iris, False), (cast.noor, True)):
            set_duty(db, clinic_id=cast.north, person_id=person, is_on=on, now=later)
    open_case(rt, cast, later)
    assert (cast.noor, "pending") in told(rt)
    assert case_of(rt, cast, case_id).state == "open"


def test_a_reminder_that_reached_nobody_is_no_reminder(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    act(rt, cast, case_id, "called", now)
    assert jobs.step_due(rt, now + timedelta(days=1)) == 1
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.execute(update(Message).where(Message.kind == "case_left").values(state="unreachable"))
    assert jobs.step_due(rt, now + timedelta(days=2)) == 1
    assert case_of(rt, cast, case_id).state == "open"
    assert len(told(rt, "case_left")) == 1


def test_a_case_that_cannot_be_read_holds_up_no_other(rt: Runtime, cast: Cast, now: datetime) -> None:
    broken, other = open_cases(rt, cast, now, 2)
    with rt.db.transaction(EVERY_CLINIC) as db:
        case = queries.case(db, cast.north, broken)
        case.policy = {**case.policy, "steps": [{**step, "of_a_newer_version": 1} for step in case.policy["steps"]]}
        db.execute(update(Message).where(Message.about_id == broken).values(state="unreachable"))
    assert jobs.step_due(rt, now + minutes(10)) == 1
    assert case_of(rt, cast, other).step == 2


def test_a_case_is_handed_to_a_colleague_who_is_told_and_has_their_own_time(
    rt: Runtime, cast: Cast, now: datetime
) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now)
    with rt.db.transaction(cast.north) as db:
        noor, case = accounts.person(db, cast.north, cast.noor), queries.case(db, cast.north, case_id)
        actions.hand_over(db, case, person_id=cast.iris, colleague=noor, now=now + minutes(50))
    assert told(rt, "case_handed") == [(cast.noor, "pending")]
    assert jobs.step_due(rt, now + minutes(60)) == 0
    assert case_of(rt, cast, case_id).taken_by == cast.noor
    assert jobs.step_due(rt, now + minutes(110)) == 1
    assert case_of(rt, cast, case_id).state == "open"


def put_off(rt: Runtime, cast: Cast, case_id: UUID, length: int, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.snooze(db, case, person_id=cast.iris, minutes=length, reason="planned_call", now=now)


def test_a_case_put_off_comes_back_to_everybody(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_same_day")
    put_off(rt, cast, case_id, 120, now)
    assert {state for _, state in told(rt)} == {"cancelled"}
    assert jobs.step_due(rt, now + minutes(119)) == 0
    assert jobs.step_due(rt, now + minutes(120)) == 1
    case = case_of(rt, cast, case_id)
    assert (case.snoozed_until, case.step) == (None, 1)
    assert (cast.iris, "pending") in told(rt)


def test_another_entry_ends_a_rest(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_same_day")
    put_off(rt, cast, case_id, 120, now)
    open_case(rt, cast, now + minutes(5), "clinic_same_day")
    assert (cast.iris, "pending") in told(rt)
    assert case_of(rt, cast, case_id).snoozed_until is None


@pytest.mark.parametrize(
    ("level", "length", "later"), [("emergency", 30, 0), ("clinic_urgent_1h", 30, 0), ("clinic_same_day", 240, 0)]
)
def test_what_is_urgent_is_never_put_off_and_nothing_for_longer_than_its_level_allows(
    rt: Runtime, cast: Cast, now: datetime, level: str, length: int, later: int
) -> None:
    case_id = open_case(rt, cast, now, level)
    with pytest.raises(Conflict):
        put_off(rt, cast, case_id, length, now + minutes(later))


def test_nothing_is_put_off_beyond_what_was_promised(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_same_day")
    put_off(rt, cast, case_id, 120, now + minutes(180))
    assert case_of(rt, cast, case_id).snoozed_until == now + minutes(240)
    with pytest.raises(Conflict):
        put_off(rt, cast, case_id, 30, now + minutes(240))


def close(rt: Runtime, cast: Cast, case_id: UUID, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.resolve(db, case, person_id=cast.iris, outcome="reassured", note="Fine.", now=now)


def reopen(rt: Runtime, cast: Cast, case_id: UUID, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        case = queries.case(db, cast.north, case_id)
        actions.reopen(db, case, person_id=cast.noor, reason="The lab called back", now=now)


def test_a_closed_case_is_opened_again_for_whoever_does_it(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    close(rt, cast, case_id, now)
    reopen(rt, cast, case_id, now + timedelta(days=1))
    case = case_of(rt, cast, case_id)
    assert (case.state, case.taken_by, case.outcome) == ("acknowledged", cast.noor, None)
    assert jobs.step_due(rt, now + timedelta(days=1, minutes=60)) == 1
    with pytest.raises(Conflict):
        reopen(rt, cast, case_id, now + timedelta(days=2))


def test_a_patient_has_one_open_case_also_when_an_old_one_is_opened_again(
    rt: Runtime, cast: Cast, now: datetime
) -> None:
    first = open_case(rt, cast, now)
    close(rt, cast, first, now)
    open_case(rt, cast, now + minutes(5))
    with pytest.raises(Conflict, match="another case"):
        reopen(rt, cast, first, now + minutes(10))


def test_a_promise_that_is_about_to_break_is_said_before_it_does(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    take(rt, cast, case_id, cast.iris, now + minutes(20))
    assert jobs.warn_late(rt, now + minutes(49)) == 0
    assert jobs.warn_late(rt, now + minutes(50)) == 1
    assert jobs.warn_late(rt, now + minutes(51)) == 0
    assert told(rt, "case_late") == [(cast.ada, "pending")]


def test_a_kept_promise_warns_nobody(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now)
    act(rt, cast, case_id, "called", now + minutes(20))
    assert jobs.warn_late(rt, now + minutes(59)) == 0


def test_a_routine_case_that_nobody_looks_at_does_not_end_in_silence(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_routine")
    promised = case_of(rt, cast, case_id).respond_by
    assert jobs.warn_late(rt, promised - minutes(61)) == 0
    assert jobs.warn_late(rt, promised - minutes(60)) == 1
    assert told(rt) == [(cast.iris, "pending")]
    assert jobs.step_due(rt, promised) == 1


def test_a_raised_case_tells_its_patient_again_when_nobody_answers(rt: Runtime, cast: Cast, now: datetime) -> None:
    open_case(rt, cast, now, "clinic_same_day")
    open_case(rt, cast, now + minutes(5), "clinic_urgent_1h")
    for later in (15, 25):
        jobs.step_due(rt, now + minutes(later))
    assert told(rt, "case_unanswered") == [(cast.ada, "pending")]


def test_a_routine_case_whose_taker_has_left_alerts_the_others(rt: Runtime, cast: Cast, now: datetime) -> None:
    case_id = open_case(rt, cast, now, "clinic_routine")
    with rt.db.transaction(cast.north) as db:
        actions.contact(db, queries.case(db, cast.north, case_id), person_id=cast.noor, how="wrote", now=now)
        accounts.person(db, cast.north, cast.noor).deactivated_at = now
    assert jobs.step_due(rt, now + timedelta(days=1)) == 1
    assert told(rt) == [(cast.iris, "pending")]
    assert told(rt, "case_unanswered") == []
