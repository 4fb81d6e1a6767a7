"""When a clinic is open, in its own zone, through changes of the clocks."""

from datetime import UTC, datetime

from companion.clinic.rules import after_working_days, is_open, next_opening

WEEKDAYS = {str(day): ["09:00", "18:00"] for day in range(5)}
PARIS = "Europe/Paris"


def test_open_from_the_first_minute_to_the_last() -> None:
    assert not is_open(WEEKDAYS, PARIS, datetime(2026, 11, 23, 7, 59, tzinfo=UTC))
    assert is_open(WEEKDAYS, PARIS, datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    assert is_open(WEEKDAYS, PARIS, datetime(2026, 11, 23, 16, 59, tzinfo=UTC))
    assert not is_open(WEEKDAYS, PARIS, datetime(2026, 11, 23, 17, 0, tzinfo=UTC))


def test_friday_night_opens_on_monday() -> None:
    friday = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
    assert next_opening(WEEKDAYS, PARIS, friday) == datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def test_the_hour_follows_the_clock_on_the_wall() -> None:
    # Summer time ends in Paris on 25 October 2026.
    saturday = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert next_opening(WEEKDAYS, PARIS, saturday) == datetime(2026, 10, 26, 8, 0, tzinfo=UTC)
    friday = datetime(2026, 10, 23, 6, 0, tzinfo=UTC)
    assert next_opening(WEEKDAYS, PARIS, friday) == datetime(2026, 10, 23, 7, 0, tzinfo=UTC)


def test_a_clinic_that_never_opens_has_no_opening() -> None:
    assert next_opening({}, PARIS, datetime(2026, 11, 23, 8, 0, tzinfo=UTC)) is None


def test_two_working_days_skip_the_weekend() -> None:
    friday = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert after_working_days(WEEKDAYS, PARIS, friday, 2) == datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
