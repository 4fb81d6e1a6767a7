"""Chromium for patients, by Playwright; the system's own, since none can be downloaded."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.addresses import SignedIn
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


@pytest.fixture(scope="module")
def states(product: Installation, browser: Browser) -> dict[str, object]:
    """Cookies of a patient, a nurse and nobody, so that each sign-in link is used once."""
    found: dict[str, object] = {"nobody": None}
    for role, name in (("patient", "Clara Moss"), ("nurse", "Iris Vale")):
        context = browser.new_context()
        page = context.new_page()
        page.goto(product.link(name))
        page.get_by_role("button", name="Sign in on this phone").click()
        page.wait_for_url(re.compile(r"/(console/)?$"))
        found[role] = context.storage_state()
        context.close()
    return found


@pytest.fixture
def signed_in(browser: Browser, states: dict[str, object]) -> Iterator[SignedIn]:
    opened: list[BrowserContext] = []

    def open_(role: str, **options: object) -> BrowserContext:
        context = browser.new_context(storage_state=states[role], **options)  # type: ignore[arg-type]
        opened.append(context)
        return context

    yield open_
    for context in opened:
        context.close()
