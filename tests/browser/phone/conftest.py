"""A clinic over a line, and a phone with each browser in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.browser.clinic import Clinic
from tests.browser.firefox import Firefox
from tests.browser.phones import KINDS, Phone, fresh


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with Clinic.running(tmp_path_factory.mktemp("clinic")) as running:
        yield running


@pytest.fixture(scope="session")
def firefox() -> Iterator[Callable[[], Firefox]]:
    """The one Firefox of these tests, started when the first asks for it."""
    with ExitStack() as stack:
        running: list[Firefox] = []

        def start() -> Firefox:
            if not running:
                running.append(stack.enter_context(Firefox.running()))
            return running[0]

        yield start


@pytest.fixture
def at_rest(clinic: Clinic) -> Clinic:
    """The clinic, running, over a line with nothing in its way."""
    clinic.start()
    line = clinic.line
    line.is_down, line.instead, line.before_put, line.after_put = False, None, None, None
    line.worker_prefix, line.release, line.is_bad_gateway = "", "", False
    line.is_open.set()
    line.puts.clear()
    return clinic


@pytest.fixture(params=KINDS)
def phone(
    request: pytest.FixtureRequest, browser: Browser, firefox: Callable[[], Firefox], at_rest: Clinic
) -> Iterator[Phone]:
    yield from fresh(request.param, browser, firefox, at_rest.line.url)
