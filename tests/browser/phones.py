"""A patient's phone with Chromium or Firefox in it, driven alike: what it is told is JavaScript in the page."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright

from tests.browser.firefox import BrowserError, Firefox
from tests.browser.store import ENTRIES, KNOWN

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
KINDS = ["chromium", "firefox"]
NOT_SENT = "Saved on this phone, not sent yet"
SIZE = {"width": 390, "height": 844}
# A phone's clock that is wrong, for the pages of our own.
CLOCK = """const Real = Date, shift = {seconds} * 1000;
globalThis.Date = class extends Real {{
  constructor(...given) {{ if (given.length) super(...given); else super(Real.now() + shift); }}
  static now() {{ return Real.now() + shift; }}
}};"""


class Driver(Protocol):
    """What a browser must be able to do."""

    @property
    def questions(self) -> list[str]: ...
    def open(self, url: str) -> None: ...
    def js(self, expression: str, *, patience: float = 20) -> Any: ...
    def tab(self) -> "Driver": ...
    def reload(self) -> None: ...
    def back(self) -> None: ...
    def set_cookie(self, name: str, value: str, *, domain: str) -> None: ...
    def before_every_page(self, script: str) -> None: ...


class Chromium:
    """One page of a Chromium."""

    def __init__(self, context: BrowserContext, page: Page | None = None) -> None:
        self.context, self.page = context, page or context.new_page()
        self.questions: list[str] = []
        self.page.on("dialog", self._accept)

    def _accept(self, dialog: Any) -> None:
        self.questions.append(dialog.message)
        dialog.accept()

    def open(self, url: str) -> None:
        self.page.goto(url)

    def js(self, expression: str, *, patience: float = 20) -> Any:
        late = f"new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), {patience * 1000}))"
        given = self.page.evaluate(f"(async () => JSON.stringify(await Promise.race([({expression}), {late}])))()")
        return None if given is None else json.loads(given)

    def tab(self) -> "Chromium":
        return Chromium(self.context)

    def reload(self) -> None:
        self.page.reload()

    def back(self) -> None:
        self.page.go_back()

    def set_cookie(self, name: str, value: str, *, domain: str) -> None:
        cookie = {"name": name, "value": value, "domain": domain, "path": "/", "httpOnly": True}
        self.context.add_cookies([cookie])  # type: ignore[list-item] # its type wants every field

    def before_every_page(self, script: str) -> None:
        self.page.add_init_script(script)


class Phone:
    """One page on a phone, at one clinic. Every wait has a deadline."""

    def __init__(self, driver: Driver, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        """Go to a page of the clinic; a page that was just on its way somewhere else may cut the first try off."""
        try:
            self.driver.open(self.url + path)
        except (Error, BrowserError):
            self.driver.open(self.url + path)

    def sign_in(self, token: str) -> None:
        """Sign in as the person of this token, with the worker in place for what comes."""
        self.driver.set_cookie("sign-in", token, domain="127.0.0.1")
        self.open("/")
        self.js("navigator.serviceWorker.ready.then(() => true)")
        if not self.js("Boolean(navigator.serviceWorker.controller)"):
            self.driver.reload()
        self.wait_for("navigator.serviceWorker.controller")

    def learns(self) -> None:
        """Until the phone holds what the pages show of its person without a network."""
        self.wait_for(f"({KNOWN}).then(keys => keys.includes('person'))")

    def set_clock(self, *, wrong_by_seconds: int) -> str:
        """Let the phone's clock be wrong from the next page on; says what a worker needs for the same."""
        script = CLOCK.format(seconds=wrong_by_seconds)
        self.driver.before_every_page(script)
        return script

    def tab(self) -> "Phone":
        """Another tab of the same browser."""
        return Phone(self.driver.tab(), self.url)

    def js(self, expression: str) -> Any:
        """The value of an expression (awaited) in the page; JSON only."""
        return self.driver.js(expression)

    def wait_for(self, condition: str, *, seconds: float = 20) -> None:
        """Until an expression (awaited) is true in the page, whichever page that is by then."""
        deadline = time.monotonic() + seconds
        loop = (
            "new Promise(resolve => { const end = Date.now() + 1000; const look = async () => "
            f"{{ let yes = false; try {{ yes = Boolean(await ({condition})); }} catch {{}} "
            "if (yes || Date.now() > end) resolve(yes); else setTimeout(look, 30); }; look(); })"
        )
        while time.monotonic() < deadline:
            with contextlib.suppress(Error, BrowserError):  # the page went away while we looked: look at the next
                # A page that is left while it evaluates may never answer.
                if self.driver.js(loop, patience=3):
                    return
        raise AssertionError(f"never true: {condition}\n{self.text('body')[:2000]}")

    def sees(self, text: str, *, seconds: float = 20) -> None:
        """Until the text is on the page, as a person sees it."""
        self.wait_for(f"document.body.innerText.includes({json.dumps(text)})", seconds=seconds)

    def is_told(self, words: str, *, seconds: float = 20) -> None:
        """Until the page has put this to the person in a box of its own, which they have answered with OK."""
        deadline = time.monotonic() + seconds
        while not any(words in one for one in self.driver.questions):
            assert time.monotonic() < deadline, self.driver.questions
            self.js("new Promise(resolve => setTimeout(resolve, 50, true))")

    def arrives(self) -> None:
        """Until the page says that the entry is at the clinic: on its list, or as the page that the form leads to."""
        listed = (
            "!document.querySelector('[data-check-in]') && document.querySelector('[data-waiting] li[data-state=sent]')"
        )
        self.wait_for(f"({listed}) || /^.reactions.[0-9a-f-]{{36}}$/.test(location.pathname)")

    def text(self, selector: str) -> str:
        """The text of the first element that fits, as it is shown."""
        return str(self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        """Press the first shown element that fits, once it is there."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].find(one => one.checkVisibility())"
        self.wait_for(found)
        self.js(f"{found}.click()")

    def tick(self, name: str, value: str) -> None:
        """Choose an answer of the form."""
        self.click(f'[name="{name}"][value="{value}"]')

    def answer_all_fine(self) -> None:
        """Through the questions of an open check-in, up to its last page: nothing anywhere."""
        self.tick("area", "nowhere")
        self.click("[data-next]")
        self.tick("group", "none")
        self.click("[data-next]")
        self.wait_for("document.querySelector('[data-send]').checkVisibility()")

    def answer_face(self, **grades: int) -> None:
        """As `answer_all_fine`, with some symptoms of the face."""
        self.tick("area", "face")
        self.click("[data-next]")
        for symptom, grade in grades.items():
            self.tick(f"face.{symptom}", str(grade))
        self.answer_rest()

    def answer_rest(self) -> None:
        """From an open area to the last page: nothing else there, and no sign."""
        self.click("[data-fill-none]")
        self.click("[data-next]")
        self.tick("group", "none")
        self.click("[data-next]")
        self.tick("feels", "can_wait")

    def send(self) -> None:
        """Press Send."""
        self.click("[data-send]")

    def check_in(self) -> None:
        """A whole check-in with nothing to report."""
        self.open("/reactions/new")
        self.answer_all_fine()
        self.send()

    def states(self) -> list[str]:
        """How far each entry on this page's list has come."""
        return list(self.js("[...document.querySelectorAll('[data-waiting] li')].map(one => one.dataset.state)"))

    def kept(self) -> list[dict[str, Any]]:
        """What lies in the phone's store, as it lies there: bytes by their length."""
        return list(self.js(ENTRIES))


class Killable:
    """A browser with a profile of its own on the disk, that can die at any moment and be started again."""

    def __init__(self, start: Callable[[], "contextlib.AbstractContextManager[tuple[Driver, int]]"], url: str) -> None:
        self._start, self._url = start, url
        self._stack = contextlib.ExitStack()
        self._pid = 0

    def start(self) -> Phone:
        """The phone, switched on."""
        driver, self._pid = self._stack.enter_context(self._start())
        return Phone(driver, self._url)

    def kill(self) -> None:
        """End every process of this browser at once, as a power cut would."""
        os.killpg(self._pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let go of what is left of it."""
        stack, self._stack = self._stack, contextlib.ExitStack()
        with contextlib.suppress(Error, BrowserError, OSError):
            stack.close()


@contextlib.contextmanager
def killable(
    kind: str, playwright: Playwright, profile: Path, url: str, *, is_full: bool = False
) -> Iterator[Killable]:
    """A browser of this kind that can be killed; what is left of it ends with the block. A full one keeps nothing."""

    def start() -> "contextlib.AbstractContextManager[tuple[Driver, int]]":
        if kind == "firefox":
            return _own_firefox(profile, is_full=is_full)
        return _own_chromium(playwright, profile, full_for=url if is_full else None)

    browser = Killable(start, url)
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def _own_chromium(playwright: Playwright, profile: Path, *, full_for: str | None) -> Iterator[tuple[Driver, int]]:
    for lock in profile.glob("Singleton*"):  # as left behind by the one that was killed
        lock.unlink()
    profile.mkdir(exist_ok=True)
    (profile / "DevToolsActivePort").unlink(missing_ok=True)
    flags = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run"]
    command = [CHROMIUM, *FLAGS, *flags, "about:blank"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{_debugging_port(profile)}")
        context = browser.contexts[0]
        if full_for:
            limit = {"origin": full_for, "quotaSize": 1}
            context.new_cdp_session(context.pages[0]).send("Storage.overrideQuotaForOrigin", limit)
        yield Chromium(context, context.pages[0]), process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _debugging_port(profile: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int((profile / "DevToolsActivePort").read_text().splitlines()[0])
        threading.Event().wait(0.05)  # another process starts: there is nothing of ours to wait on
    raise AssertionError("Chromium does not say where it listens")


@contextlib.contextmanager
def _own_firefox(profile: Path, *, is_full: bool) -> Iterator[tuple[Driver, int]]:
    profile.mkdir(exist_ok=True)
    kilobytes = 1 if is_full else -1  # -1 is the browser's own limit
    with Firefox.running(profile=profile, dom__quotaManager__temporaryStorage__fixedLimit=kilobytes) as browser:
        yield browser, browser.process.pid


def fresh(kind: str, browser: Browser, firefox: Callable[[], Firefox], url: str) -> Iterator[Phone]:
    """A phone that nobody has used yet, in a browser that is running already."""
    if kind == "firefox":
        page = firefox().apart()
        yield Phone(page, url)
        page.close_page()
        return
    context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type] # a plain dictionary is one
    yield Phone(Chromium(context), url)
    context.close()
