"""The points at which a test can end a process."""

import re
from pathlib import Path

import pytest

from companion import crash

COMPANION = Path(crash.__file__).parent


def test_a_point_that_nobody_armed_does_nothing() -> None:
    for point in crash.POINTS:
        crash.here(point)


def test_an_unknown_point_cannot_be_armed() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        crash.arm("nowhere")


def test_every_point_stands_once_in_the_code_and_only_tests_arm_one() -> None:
    sources = [path.read_text(encoding="utf-8") for path in COMPANION.rglob("*.py") if path.name != "crash.py"]
    found = [point for text in sources for point in re.findall(r'crash\.here\("(\w+)"\)', text)]
    assert sorted(found) == sorted(crash.POINTS)
    assert not any("crash.arm" in text for text in sources)
