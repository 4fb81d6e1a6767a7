"""The protocol's loader: a broken file is refused, by name, line and fault."""

import copy
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.triage import publishable
from companion.triage.reader import SHIPPED, ProtocolError, load, parse
from companion.triage.sections import read
from companion.triage.values import Fault
from tests.triage.situations import SITUATIONS

GOOD = SHIPPED.read_text()


def _marked(find: str, put: str) -> tuple[str, int]:
    """The shipped file with one place changed, and the line where "¶" stood in it."""
    assert GOOD.count(find) >= 1, find
    assert put.count("¶") == 1, put
    text = GOOD.replace(find, put, 1)
    before, _, after = text.partition("¶")
    return before + after, before.count("\n") + 1


_SEIZURE = '[[sign]]\nid = "seizure"\ngroup = "sight_brain"\nlevel = "emergency"\nline = "I had a fit"\n'
_BOOSTER = '[windows.booster]\nsource = "ASJOF2022"\n'
_FEVER = '[[combination]]\nid = "fever"\n'


@pytest.mark.parametrize(
    ("find", "put", "fault"),
    [
        (
            'group = "breathing"\nlevel = "emergency"',
            'group = "breathing"\n¶level = "clinic_routine"',
            "level of sign \"breathing_difficulty\" must stay 'emergency'",
        ),
        (
            '[[sign]]\nid = "breathing_difficulty"',
            '¶[[sign]]\nid = "breathing"',
            "sign lacks 'breathing_difficulty', which must stay an emergency sign",
        ),
        (
            _SEIZURE,
            _SEIZURE.replace('"I had', '¶3 # "I had').replace("line = ¶3", "¶line = 3"),
            'line of sign "seizure"',
        ),
        ('id = "collapse"\nline = "Fainted', 'id = "collapse"\n¶line = ["Fainted"] # "', 'line of group "collapse"'),
        ('id = "worst_pain"', '¶id = "fever"', 'id of combination "fever" stands twice'),
        ('id = "worst_pain"', '¶id = "collapse"', r"stands twice, also under \[\[sign\]\]"),
        ('id = "silence"', '¶id = "quiet"', "unknown rule, 'quiet'"),
        ('[[trend]]\nid = "two_rises"', '[[trend]]\n¶id = "two_rise"', "unknown trend, .*did you mean 'two_rises'"),
        ("redness = [96, 48, 24]", "¶redness = [24, 48, 96]", "windows.light.redness must be three numbers"),
        (_BOOSTER + "redness = [168,", _BOOSTER + "¶redness = [16,", "windows.booster.redness must be three numbers"),
        ("[area_windows.lips]\nswelling = [168", "[area_windows.lips]\n¶swelling = [1", "area_windows.lips.swelling"),
        ("[area_windows.lips]", "¶[area_windows.lip]", "unknown area, 'lip'; did you mean 'lips'"),
        (_BOOSTER + "redness = [168, 72, 24]\n", "¶" + _BOOSTER, "windows.booster lacks 'redness'"),
        ("bumps = [336, 168, 48]", "¶bump = [336, 168, 48]", "windows.booster.bump is an unknown key; did you mean"),
        ('mark = "sourced"', '¶mark = "guessed"', "must be one of"),
        ('1 = "clinic_routine"', '¶1 = "whatever"', "outside.1 names an unknown level; the levels are self_care"),
        ("[area_windows.lips]", "¶[colours]\n[area_windows.lips]", "colours is an unknown key"),
        ("fever = 38.0", "¶fevers = 38.0", "temperature.fevers is an unknown key; did you mean 'fever'"),
        ("fever = 38.0", "¶fever = 35.0", "temperature.fever must be above low"),
        ("low = 36.0", "¶low = 33.0", "temperature.low must lie between"),
        ('symptom = "redness"', '¶symptom = "reddness"', "unknown symptom"),
        ('areas = ["periorbital"]', '¶areas = ["periorbial"]', "unknown area"),
        ('any_sign = ["pus_or_discharge"', '¶any_sign = ["puss_or_discharge"', "unknown sign"),
        ('agents = ["ha_crosslinked_booster"', '¶agents = ["ha_crosslinked_boster"', "unknown agent"),
        ("limit = 5.0", "¶limit = nan", 'limit of trend "large_patch" must be a number'),
        ('nurse = "Fever"', '¶nurse = ""', "must be a text"),
        ('nurse = "Fever"', '¶nurse = "Fe\\u202ever"', "must be a text"),
        (
            "[peaks.lipolytic]\nswelling",
            "[peaks.lipolytic]\n¶swellin",
            "lipolytic.swellin names an unknown symptom",
        ),
        ('3 = "clinic_same_day"', '¶3 = "self_care"', "outside.3 must not be a lower level"),
        (
            _FEVER + 'level = "clinic_same_day"\ntemperature = "fever"\n',
            '¶[[combination]]\nid = "fever"\nlevel = "clinic_same_day"\n',
            "needs a sign, a temperature or a symptom: else it would always hold",
        ),
        ('id = "fever"\nlevel = "clinic_same_day"\n', 'id = "fever"\n¶level = 3\n', "names an unknown level"),
        (
            '[[combination]]\nid = "fever"\nlevel = "clinic_same_day"\n',
            '¶[[combination]]\nid = "fever"\n',
            "lacks 'level'",
        ),
        ('source = "WAO2020"', '¶source = "HEARSAY"', "unknown source, 'HEARSAY'"),
        ('temperature = "low"', '¶temperature = "cold"', "'fever' or 'low'"),
        ("clinic_same_day = { ack", "¶self_care = { ack", "service.self_care names an unknown level"),
        ("[service]", "¶[service]\nclinic_routines = 3\n[x]", "clinic_routines|unknown"),
        ("{ contact_working_days = 2 }", "{ contact_working_days = 0 }¶", "a whole number above 0"),
        ("{ acknowledge_minutes = 60, contact_minutes = 240", "{ ¶contact_minutes = 240", "needs acknowledge_minutes"),
        (
            "emergency = { acknowledge_minutes = 10, contact_minutes = 60",
            "¶emergency = { acknowledge_minutes = 10, contact_minutes = 90",
            "service.emergency must be answered no later than clinic_urgent_1h",
        ),
        ("act_minutes = 240 }", "act_minutes = 240, ¶contact_working_days = 1 }", "needs acknowledge_minutes"),
        ('lipolytic = ["', '¶lipolytic = ["vitamins", "', "agents.lipolytic names 'vitamins', which stands before"),
        ('group = "eye"\nlevel', '¶group = "eyes"\nlevel', "unknown group, 'eyes'"),
        # No TOML: the line in which the statement begins.
        ("redness = [96, 48, 24]", "¶redness = [96, 48, 24", "this is not written as TOML has it"),
        ("redness = [96, 48, 24]", "redness = [96, 48, 24]\n¶redness = [96, 48, 24]", "not written as TOML"),
        ('nurse = "Fever"', '¶nurse = "Fever', "not written as TOML"),
        ('nurse = "Fever"', '¶nurse = """Fever', "not written as TOML"),
        ("[peaks.lipolytic]", "[peaks.lipolytic]\n¶[peaks.lipolytic]", "not written as TOML"),
        ("redness = 48", f"¶redness = {'9' * 5000}", "a number with too many digits"),
        ("redness = 48", f"¶redness = {'[' * 5000}{']' * 5000}", "too many brackets within brackets"),
        ("redness = 48", f"¶redness = 1{'0' * 400}.5", "must be a number from 0"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, find: str, put: str, fault: str) -> None:
    text, line = _marked(find, put)
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=rf"^broken\.toml, line {line}: .*{fault}"):
        load(path)


def test_a_fault_in_one_line_of_a_list_of_many_lines_is_named_where_the_list_begins() -> None:
    text, line = _marked('early = ["redness", "pain"]', '¶early = [\n  "redness",\n  # a remark\n  "pian",\n]')
    with pytest.raises(ProtocolError, match=rf"^own.toml, line {line}: early of trend \"rise_by_two\" .*'pian'"):
        parse(text, "own.toml")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_end_of_line_are_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", end).encode())
    assert load(path) == load(SHIPPED)
    assert parse("\ufeff" + GOOD, "pasted.toml") == load(SHIPPED)


@pytest.mark.parametrize(("code", "shift"), [("latin-1", 0), ("utf-16", None)])
def test_a_file_in_another_code_is_named(tmp_path: Path, code: str, shift: int | None) -> None:
    text, line = _marked('nurse = "Fever"', '¶nurse = "Fièvre"')
    path = tmp_path / "old.toml"
    text = text.encode("ascii", "ignore").decode() if shift is None else "".join(c for c in text if ord(c) < 256)
    path.write_bytes(text.encode(code))
    wanted = 1 if shift is None else line
    with pytest.raises(ProtocolError, match=rf"^old\.toml, line {wanted}: this is no text in UTF-8"):
        load(path)


def test_the_version_changes_with_any_number(tmp_path: Path) -> None:
    path = tmp_path / "edited.toml"
    path.write_text(GOOD.replace("fever = 38.0", "fever = 38.1", 1))
    assert load(path).version != load(SHIPPED).version


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


_CONTENT = tomllib.loads(GOOD)


@settings(max_examples=400)
@given(
    st.sampled_from(list(_paths(_CONTENT))),
    st.sampled_from(["", 0, -1, 1.5, True, [], {}, [1], ["x"], [[1]], {"a": 1}, float("nan"), float("inf"), 10**30]),
)
def test_a_value_of_the_wrong_kind_is_a_named_fault_or_a_protocol_that_triage_can_use(
    path: tuple[Any, ...], value: Any
) -> None:
    content = copy.deepcopy(_CONTENT)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        protocol = read(content)
    except Fault:
        return
    with suppress(Fault):
        publishable.check(content, protocol)
    for situation, _ in SITUATIONS.values():
        assert situation.judge(protocol).protocol_version == protocol.version


@pytest.mark.parametrize("section", sorted(_CONTENT))
def test_a_missing_section_is_named(section: str) -> None:
    with pytest.raises(Fault, match=section):
        read({name: rows for name, rows in _CONTENT.items() if name != section})
