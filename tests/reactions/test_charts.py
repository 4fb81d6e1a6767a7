"""Charts: time to the right, grades upwards, every entry a point and a row."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from companion.reactions.rules import HEIGHT, MARGIN, WIDTH, Expectation, Noted, band, charts, most_telling
from companion.triage.protocol import Window

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def noted(hours: float, **areas: dict[str, int]) -> Noted:
    return Noted(START + timedelta(hours=hours), areas)


def test_points_lie_by_time_and_grade_whatever_order_they_come_in() -> None:
    entries = [noted(hours, face={"pain": grade, "itch": 0}) for hours, grade in ((48, 0), (0, 4), (12, 2))]
    (chart,) = charts(entries, {})
    (line,) = chart.lines  # itch was never noticed
    assert line.symptom == "pain"
    assert [point.grade for point in line.points] == [4, 2, 0]
    assert [point.x for point in line.points] == [MARGIN, MARGIN + (WIDTH - 2 * MARGIN) / 4, WIDTH - MARGIN]
    assert [point.y for point in line.points] == [MARGIN, HEIGHT / 2, HEIGHT - MARGIN]
    assert [at for at, _ in chart.rows] == [START + timedelta(hours=hours) for hours in (48, 12, 0)]


def test_the_session_before_the_first_entry_is_drawn_and_older_ones_are_not() -> None:
    sessions = {"face": [START - timedelta(days=30), START - timedelta(hours=6), START + timedelta(days=9)]}
    (chart,) = charts([noted(0, face={"pain": 1}), noted(6, face={"pain": 1})], sessions)
    assert chart.visits == (MARGIN,)
    assert [point.x for point in chart.lines[0].points] == [WIDTH / 2, WIDTH - MARGIN]


def test_one_entry_stands_in_the_middle_and_areas_stand_apart() -> None:
    found = charts([noted(0, face={"pain": 1}, neck={"pain": 0})], {})
    assert [(chart.area, len(chart.lines)) for chart in found] == [("face", 1), ("neck", 0)]
    assert found[0].lines[0].points[0].x == WIDTH / 2


WINDOW = Window((96.0, 48.0, 24.0), "PTEDU", "n", "p")


@dataclass(slots=True)
class Level:
    grade: int
    until_at: datetime
    area: str = "face"
    symptom: str = "redness"
    set_at: datetime = START
    ended_at: datetime | None = None


def expectation(grade: int, hours: float, *, level: Level | None = None, area: str = "face") -> Expectation:
    return Expectation(area, "redness", grade, hours=hours, window=WINDOW, level=level)


def test_the_band_falls_in_steps_where_the_windows_end() -> None:
    found = band(expectation(1, 48), [(0.0, 3), (48.0, 1)], START)
    x = [MARGIN + (WIDTH - 2 * MARGIN) * share for share in (0.25, 0.5, 1)]
    y = [MARGIN + (HEIGHT - 2 * MARGIN) * (4 - grade) / 4 for grade in (3, 2, 1)]
    assert found.course == f"M14 70V{y[0]:g}H{x[0]:g}V{y[1]:g}H{x[1]:g}V{y[2]:g}H{x[2]:g}V70Z"
    assert [(point.x, point.grade) for point in found.points] == [(MARGIN, 3), (x[1], 1)]
    assert (found.days, found.level) == (4, "")


def test_the_band_is_as_long_as_what_was_told_and_as_a_nurse_expects() -> None:
    late = band(expectation(1, 192), [(192.0, 1)], START)
    assert (late.days, late.points[0].x) == (8, WIDTH - MARGIN)
    own = band(expectation(2, 72, level=Level(2, START + timedelta(hours=120))), [(72.0, 2)], START)
    assert own.days == 8
    assert own.level == "M116 70V42H286V70Z"
    assert own.expectation.is_within
    assert band(expectation(1, 24, level=Level(1, START + timedelta(hours=9))), [], START).level == ""


def test_the_symptom_that_stands_out_most_speaks_for_its_area() -> None:
    strong, outside, other = expectation(3, 10), expectation(2, 60), expectation(1, 10, area="neck")
    assert most_telling([strong, outside, other]) == [outside, other]
    assert most_telling([expectation(1, 10), strong]) == [strong]
