"""The committed static/dist is what the sources give, and holds nothing of somebody else's identity."""

import filecmp
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "static" / "dist"
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="rebuilding needs Node, which running does not")


@pytest.mark.slow
@needs_node
def test_the_committed_build_is_what_the_sources_give(tmp_path: Path) -> None:
    copy = tmp_path / "static"
    shutil.copytree(ROOT / "static", copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    for command in (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=300)
    built = filecmp.dircmp(copy / "dist", DIST, ignore=[])
    assert (built.left_only, built.right_only, built.diff_files) == ([], [], []), "run `make assets` and commit"


@needs_node
def test_the_phones_pure_decisions_hold() -> None:
    subprocess.run(["node", "--test", "tests/js"], cwd=ROOT, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("path", sorted(DIST.glob("*.[jcs]*")), ids=lambda path: path.name)
def test_nothing_of_the_nhs_identity_is_in_a_built_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    for forbidden in ("#005eb8", "frutiger", "nhs.uk", "nhs-logo", "nhsuk-logo", "nhsuk-header"):
        assert forbidden not in text


def test_the_lock_names_no_registry() -> None:
    assert "http" not in "".join(
        line
        for line in (ROOT / "static" / "package-lock.json").read_text().splitlines(keepends=True)
        if "resolved" in line
    )
