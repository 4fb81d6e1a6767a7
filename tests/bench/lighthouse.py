"""Lighthouse, mobile, on the start page and the check-in of a signed-in patient."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.bench.machine import machine
from tests.browser.installation import installed

VERSION = "13.5.0"
RUNS = 5
PAGES = ("/", "/reactions/new", "/sign-in")
CATEGORIES = ("performance", "accessibility", "best-practices")
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    """Print the median scores, 0 to 100."""
    if not shutil.which("npx"):
        raise SystemExit("Lighthouse needs Node.")
    console = Console()
    table = Table(title=f"Lighthouse {VERSION}, mobile, median of {RUNS}. {machine()}")
    for name in ("page", *CATEGORIES):
        table.add_column(name, justify="left" if name == "page" else "right")
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder) / "data", {}) as product:
        cookie = _cookie(product.url, product.link("Ada Winter"))
        with Progress(console=console) as bar:
            task = bar.add_task("Lighthouse", total=RUNS * len(PAGES))
            for address in PAGES:
                scores = []
                for _ in range(RUNS):
                    scores.append(_scores(product.url + address, "" if address == "/sign-in" else cookie, Path(folder)))
                    bar.advance(task)
                table.add_row(address, *(f"{median(one[name] for one in scores):.0f}" for name in CATEGORIES))
    console.print(table)


def _cookie(url: str, link: str) -> str:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        page.locator("form[data-join] button").click()
        page.wait_for_url(f"{url}/")
        cookie = "; ".join(f"{one.get('name')}={one.get('value')}" for one in context.cookies())
        browser.close()
    return cookie


def _scores(url: str, cookie: str, folder: Path) -> dict[str, float]:
    report = folder / "report.json"
    command = [
        "npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json", f"--output-path={report}",
        f"--only-categories={','.join(CATEGORIES)}", "--chrome-flags=--headless=new --no-sandbox",
    ]  # fmt: skip
    if cookie:
        headers = folder / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookie}))
        command.append(f"--extra-headers={headers}")
    subprocess.run(command, check=True, timeout=240, env={**os.environ, "CHROME_PATH": CHROMIUM})
    found = json.loads(report.read_text())
    for audit in found["audits"].values():
        if audit.get("score") is not None and audit["score"] < 0.9 and audit["scoreDisplayMode"] == "binary":
            Console(stderr=True).print(f"  {audit['id']}: {audit['title']}")
    return {name: 100 * found["categories"][name]["score"] for name in CATEGORIES}


if __name__ == "__main__":
    main()
