"""The phone's pure decisions have tests of their own, in JavaScript."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_the_phones_rules_hold() -> None:
    found = sorted(Path(__file__).with_name("js").glob("*.test.js"))
    done = subprocess.run(["node", "--test", *map(str, found)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
