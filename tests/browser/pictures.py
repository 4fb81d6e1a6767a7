"""`make pictures`: every page, phone and desk, light and dark, in each language and one that nobody speaks.

Writes `pictures/<page>-<size>-<scheme>-<language>.png`, one sheet a language, and the pictures that the
README and the web manifest show.
"""

import base64
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from rich.progress import MofNCompleteColumn, Progress

from tests import catalogues
from tests.browser.installation import Installation, installed
from tests.push_service import PushService

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
LANGUAGES = ("en", "fr", catalogues.PSEUDO)
README = {
    ("patient-home", "phone", "light", "en"),
    ("check-in-call", "phone", "light", "en"),
    ("patient-history", "phone", "dark", "fr"),
    ("nurse-queue", "desk", "light", "en"),
}
# What the web manifest shows of the app before somebody installs it.
MANIFEST = {
    ("patient-home", "phone", "light", "en"): "screen-home.png",
    ("patient-call", "phone", "light", "en"): "screen-call.png",
    ("nurse-queue", "desk", "light", "en"): "screen-queue.png",
}
PEOPLE = {
    "patient": "Ada Winter",
    "urgent": "Clara Moss",
    "check-in": "Orla Quick",
    "late": "Quinn Alder",
    "reached": "Femi Brook",
    "nurse": "Iris Vale",
    "clinician": "Carla Reed",
    "manager": "Max Thorn",
}
# Roles whose pages are looked at, with an address for each name; `_walk` adds what is only found by going there.
PAGES = {
    "nobody": {
        "sign-in": "/sign-in",
        "join": "/join",
        "enter-code": "/app",
        "error": "/nothing-here",
        "style": "/style",
    },
    "patient": {
        "home": "/",
        "history": "/reactions",
        "sessions": "/sessions",
        "aftercare": "/aftercare",
        "call": "/call",
        "install": "/install",
        "phones": "/phones",
        "inbox": "/inbox",
        "reminders": "/reminders",
    },
    "urgent": {"home": "/"},
    "check-in": {"1": "/reactions/new"},
    "late": {"check": "/"},
    "reached": {"home": "/"},
    "nurse": {
        "queue": "/console/",
        "patients": "/console/patients",
        "enrolment": "/console/patients/new",
        "protocol": "/console/protocol",
        "policies": "/console/policies",
        "figures": "/console/figures",
    },
    "clinician": {"policy": "/console/policies/clinic_urgent_1h"},
    "manager": {
        "coverage": "/console/coverage",
        "test-came": "/console/coverage/email",
        "rota": "/console/rota",
        "hours": "/console/hours",
    },
}


def main() -> None:
    """Write pictures/ and docs/pictures/."""
    folder = ROOT / "pictures"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, PushService.running() as service:
        words = catalogues.write_with_pseudo(Path(data) / "translations")
        environment = {**service.environment, "COMPANION_TRANSLATIONS": str(words)}
        with installed(Path(data) / "data", environment) as product, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            states = {role: _sign_in(browser, product, name) for role, name in PEOPLE.items()}
            with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
                for language in LANGUAGES:
                    task = bar.add_task(f"Pictures, {language}", total=None)
                    taken = []
                    for path in _take_all(browser, product, states, folder, language):
                        taken.append(path)
                        bar.advance(task)
                    bar.update(task, total=len(taken))
                    _sheet(browser, taken, folder / f"sheet-{language}.png")
            browser.close()


def _sign_in(browser: Browser, product: Installation, name: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(product.link(name))
    page.locator("form[data-join] button").click()
    page.wait_for_url(re.compile(r"/(console/(coverage)?)?$"))
    state = context.storage_state()
    context.close()
    return state


def _take_all(
    browser: Browser, product: Installation, states: dict[str, Any], folder: Path, language: str
) -> Iterator[Path]:
    for size, viewport in SIZES.items():
        for scheme in ("light", "dark"):
            for role in PAGES:
                context = browser.new_context(
                    viewport=viewport,  # type: ignore[arg-type]
                    color_scheme=scheme,
                    storage_state=states.get(role),
                    reduced_motion="reduce",
                )
                page = context.new_page()
                _choose(page, product, role, language)
                for name in _walk(page, product, role):
                    key = (f"{role}-{name}", size, scheme, language)
                    yield _picture(page, folder / f"{'-'.join(key)}.png", viewport, shown=_shown(key))
                context.close()


def _choose(page: Page, product: Installation, role: str, language: str) -> None:
    page.goto(product.url + next(iter(PAGES[role].values())))
    button = page.locator(f"button[name=language][value={language}]")
    if button.count():
        button.click()
        page.wait_for_load_state("networkidle")


def _picture(page: Page, path: Path, viewport: dict[str, int], *, shown: list[Path]) -> Path:
    page.evaluate("scrollTo(0, 0)")
    for place in shown:
        page.screenshot(path=place)
    # As tall as the page, so that the bar at the bottom stands at its end.
    height = max(viewport["height"], page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": viewport["width"], "height": height})
    page.screenshot(path=path)
    page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
    return path


def _walk(page: Page, product: Installation, role: str) -> Iterator[str]:
    for name, address in PAGES[role].items():
        page.goto(product.url + address, wait_until="networkidle")
        yield name
    if role == "nurse":
        yield from _follow(page, product, "/console/", ".case a", "case")
        yield from _follow(page, product, "/console/", ".case a:has-text('Femi Brook')", "case-line")
        yield from _expected(page, product)
        yield from _follow(page, product, "/console/patients", "main li a", "patient")
        page.locator("form[action$='/invitation'] button").click()
        yield "code"
    if role == "urgent":
        yield from _follow(page, product, "/reactions", "main li a", "result")
    if role == "patient":
        yield from _follow(page, product, "/reactions", "main li a", "result")
    if role == "check-in":
        yield from _check_in(page, product)


def _follow(page: Page, product: Installation, start: str, link: str, name: str) -> Iterator[str]:
    page.goto(product.url + start)
    page.locator(link).first.click()
    page.wait_for_load_state("networkidle")
    yield name


def _expected(page: Page, product: Installation) -> Iterator[str]:
    yield from _follow(page, product, "/console/patients", "main li a:has-text('Elif Stone')", "patient-treated")
    page.locator("a[href$='/expected-levels']").click()
    page.wait_for_load_state("networkidle")
    yield "expected-levels"
    page.locator("form.card button").click()
    page.locator("[data-error-summary]").wait_for()
    yield "expected-levels-fault"


def _check_in(page: Page, product: Installation) -> Iterator[str]:
    go_on = page.locator("[data-next]")
    page.goto(f"{product.url}/reactions/new")
    go_on.click()
    yield "fault"
    page.locator("[name=area][value=face]").check()
    go_on.click()
    page.locator("[data-fill-none]:visible").click()
    yield "2"
    go_on.click()
    page.locator("[name=group][value=none]").check()
    page.locator("[name=temperature_c]").fill("43.9")
    go_on.click()
    yield "3-odd"
    page.locator("[name=group][value=skin_colour]").check()
    page.locator("[name=sign][value=skin_white_patch]").check()
    yield "3"
    go_on.click()
    yield "4"
    page.go_back()
    page.locator("[name=sign][value=mottled_or_blue_skin_generalised]").check()
    page.locator("[data-call-layer] h1").wait_for()
    yield "call"


def _shown(key: tuple[str, str, str, str]) -> list[Path]:
    readme = [ROOT / "docs" / "pictures" / f"{'-'.join(key)}.png"] if key in README else []
    manifest = [ROOT / "static" / "src" / "screens" / MANIFEST[key]] if key in MANIFEST else []
    for place in (*readme, *manifest):
        place.parent.mkdir(parents=True, exist_ok=True)
    return readme + manifest


def _sheet(browser: Browser, paths: list[Path], target: Path) -> None:
    cells = "".join(
        f"<figure style='margin:8px;display:inline-block;vertical-align:top'><img style='height:420px' "
        f"src='data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}'>"
        f"<figcaption>{path.stem}</figcaption></figure>"
        for path in paths
    )
    page = browser.new_page(viewport={"width": 2400, "height": 1200})
    page.set_content(f"<body style='font:14px sans-serif;background:#bbb'>{cells}</body>")
    page.screenshot(path=target, full_page=True)
    page.close()


if __name__ == "__main__":
    main()
