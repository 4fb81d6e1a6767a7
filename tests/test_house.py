"""What a machine can hold of the house rules."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "companion").rglob("*.py"))
PURE = [path for path in SOURCES if path.parent.name == "triage" or path.name in ("rules.py", "words.py")]
ALLOWED = {"__init__", "transport", "rules", "words", "models", "queries", "actions", "forms", "routes", "jobs"}
FREE_NAMES = {"web", "console", "triage"}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PURE, ids=_name)
def test_rules_words_and_triage_are_pure(path: Path) -> None:
    for name in _imports(path):
        is_pure = name.split(".")[0] in sys.stdlib_module_names or re.fullmatch(
            r"companion\.(triage(\.\w+)?|\w+\.(rules|words)|\w+)", name
        )
        assert is_pure, f"{name} is no pure import"
        assert name not in ("companion.db", "companion.clock", "companion.runtime", "companion.config")


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_only_the_database_commits_and_only_the_clock_reads_the_clock(path: Path) -> None:
    text = path.read_text()
    assert path.name == "db.py" or ".commit(" not in text
    assert path.name == "clock.py" or not re.search(r"datetime\.(now|utcnow)\(|\btime\.time\(", text)


def test_domain_packages_use_the_known_file_names_only() -> None:
    for path in SOURCES:
        if path.parent.parent == ROOT / "companion" and path.parent.name not in FREE_NAMES:
            assert path.stem in ALLOWED, path


def test_no_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix in (".png", ".woff2", ".mo") or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(root|work|farm)/\w", text), name
        if name.startswith("requirements/"):
            assert "http" not in re.sub(r"aiohttp|httpx?\b", "", text), name


def test_migrations_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_every_test_that_the_hazard_log_names_is_there() -> None:
    log = (ROOT / "docs" / "hazard-log.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", log)
    assert len(named) > 60
    missing = [f"{path}::{name}" for path, name in named if name not in _functions_of(ROOT / path)]
    assert missing == [], "a control lost its test: name the test that shows it now in docs/hazard-log.md"


def _functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
