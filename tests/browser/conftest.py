"""Chromium for patients, by Playwright; the system's own, since none can be downloaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.installation import Installation, installed
from tests.push_service import PushService


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {**browser_type_launch_args, "executable_path": "/usr/bin/chromium", "args": quiet}


@pytest.fixture(scope="module")
def real_push_service() -> Iterator[PushService]:
    with PushService.running() as service:
        yield service


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, real_push_service: PushService) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    with installed(folder, real_push_service.environment) as installation:
        yield installation


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    yield context.new_page()
    context.close()
