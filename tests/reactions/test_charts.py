"""Charts: time to the right, grades upwards, every entry a point and a row."""

from datetime import UTC, datetime, timedelta

from companion.reactions.rules import HEIGHT, MARGIN, WIDTH, Noted, charts

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
