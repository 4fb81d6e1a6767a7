"""`docs/faults.md` names a test for every fault, or says why there is none."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECTIONS = re.split(r"^## ", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


def _tests_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_fault_is_there_once() -> None:
    assert [section[:3] for section in SECTIONS] == [f"F{number:02}" for number in range(1, 47)]


def test_every_named_test_exists() -> None:
    for section in SECTIONS:
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", section):
            assert (ROOT / path).is_file(), path
            assert name in _tests_of(ROOT / path), name


def test_a_fault_without_a_test_says_why() -> None:
    for section in SECTIONS:
        assert "::test_" in section or "Cannot be run here: " in section, section
