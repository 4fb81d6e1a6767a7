"""`make pictures`: every page, phone and desk, light and dark, and a sheet of them; also the README's pictures."""

import base64
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.installation import Installation, installed
from tests.push_service import PushService

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
README = {("patient-home", "phone", "light"), ("patient-call", "phone", "light"), ("nurse-queue", "desk", "light")}
PEOPLE = {"patient": "Clara Moss", "nurse": "Iris Vale"}


def main() -> None:
    """Write pictures/ and docs/pictures/."""
    folder = ROOT / "pictures"
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        PushService.running() as service,
        installed(Path(data), service.environment) as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        states = {role: _sign_in(browser, product, name) for role, name in PEOPLE.items()}
        taken = [
            path
            for size in SIZES
            for scheme in ("light", "dark")
            for path in _take(browser, product, states, folder, size=size, scheme=scheme)
        ]
        _sheet(browser, taken, folder / "sheet.png")
        browser.close()
    sys.stdout.write(f"{len(taken)} pictures and a sheet are in {folder.name}/\n")


def _sign_in(browser: Browser, product: Installation, name: str) -> object:
    context = browser.new_context()
    page = context.new_page()
    page.goto(product.link(name))
    page.get_by_role("button", name="Sign in on this phone").click()
    page.wait_for_url(re.compile(r"/(console/)?$"))
    state = context.storage_state()
    context.close()
    return state


def _take(
    browser: Browser, product: Installation, states: dict[str, object], folder: Path, *, size: str, scheme: str
) -> Iterator[Path]:
    for role in ("nobody", "patient", "nurse"):
        context: BrowserContext = browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=states.get(role),  # type: ignore[arg-type]
        )
        page = context.new_page()
        for name in _visit(page, product, role):
            path = folder / f"{role}-{name}-{size}-{scheme}.png"
            page.screenshot(path=path, full_page=(role, name) != ("patient", "home"))
            if (f"{role}-{name}", size, scheme) in README:
                page.screenshot(path=_readme(f"{role}-{name}.png"))
            yield path
            sys.stdout.write(f"  {path.name}\n")
        context.close()


def _visit(page: Page, product: Installation, role: str) -> Iterator[str]:
    pages = {
        "nobody": {"sign-in": "/sign-in", "join": "/join", "error": "/nothing-here"},
        "patient": {"home": "/", "sessions": "/sessions", "call": "/call"},
        "nurse": {"queue": "/console/", "patients": "/console/patients"},
    }[role]
    for name, path in pages.items():
        page.goto(product.url + path, wait_until="networkidle")
        yield name
    if role == "nurse":
        yield from _follow(page, product, "/console/", ".case a", "case")
        yield from _follow(page, product, "/console/patients", "main ul a", "patient")
        page.get_by_role("button", name="Show the code").click()
        yield "code"
    if role == "patient":
        yield from _follow(page, product, "/", "a[href^='/reactions/']:not([href$='new'])", "result")
        yield from _check_in(page, product)


def _follow(page: Page, product: Installation, start: str, link: str, name: str) -> Iterator[str]:
    page.goto(product.url + start)
    page.locator(link).first.click()
    page.wait_for_load_state("networkidle")
    yield name


def _check_in(page: Page, product: Installation) -> Iterator[str]:
    page.goto(f"{product.url}/reactions/new")
    yield "check-in-1"
    page.get_by_role("button", name="Continue").click()
    yield "check-in-fault"
    page.get_by_role("checkbox", name="Face").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="None of the others here").click()
    yield "check-in-2"
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox", name="Skin that is white, grey, blue, purple, black or blotchy").check()
    page.get_by_role("checkbox", name="A patch that is white or very pale and cold").check()
    yield "check-in-3"
    page.get_by_role("button", name="Continue").click()
    yield "check-in-4"
    page.go_back()
    page.get_by_role("checkbox", name="Skin is blue, grey or blotchy in many places").check()
    page.get_by_role("heading", name="Call now").wait_for()
    yield "call-layer"


def _readme(name: str) -> Path:
    path = ROOT / "docs" / "pictures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


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
