"""The short form of `make faults`: a dozen kills at random moments, and one at every named point."""

import pytest

from companion.clock import utc_now
from companion.crash import POINTS
from companion.runtime import Runtime
from tests.faults.harness import run

pytestmark = pytest.mark.slow


def test_web_and_worker_are_killed_and_nothing_is_lost(rt: Runtime) -> None:
    real = Runtime(rt.config, rt.secrets, rt.db, utc_now)
    verdict = run(real, name=rt.db.engine.dialect.name, kills=12, each_point=1, tell=lambda _: None)
    assert (verdict.random_kills, dict(verdict.point_kills)) == (12, dict.fromkeys(POINTS, 1))
    assert verdict.entries > 0
    assert (verdict.entries_lost, verdict.alerts_lost, verdict.deliveries_lost) == (0, 0, 0), verdict.line
    assert verdict.random_max_copies <= 3, verdict.line
    assert verdict.beyond_crashes == 0, verdict.line
