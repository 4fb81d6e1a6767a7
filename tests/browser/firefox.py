"""Drives the system's Firefox over WebDriver BiDi: real pages, real push, real notifications."""

import collections
import contextlib
import copy
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE_SECONDS = 30.0

PREFERENCES: dict[str, object] = {
    "remote.prefs.recommended": False,  # else the remote agent switches push off
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.retryBaseInterval": 200,
    "alerts.useSystemBackend": False,
    # Quiet: nothing leaves this machine.
    "app.update.auto": False,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.sessionstore.resume_from_crash": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.manage-offline-status": False,
    "security.remote_settings.crlite_filters.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "https://127.0.0.1:9/",
}


class BrowserError(AssertionError):
    """The browser refused, or did not do in time what was waited for."""


class Firefox:
    """One running Firefox with one page. Every wait has a deadline."""

    process: "subprocess.Popen[str]"

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, name="bidi", daemon=True).start()
        self._asked: dict[str, list[str]] = collections.defaultdict(list)
        self._call("session.new", capabilities={"alwaysMatch": {"unhandledPromptBehavior": {"default": "accept"}}})
        self._call("session.subscribe", events=["browsingContext.userPromptOpened"])
        self._page = self._call("browsingContext.getTree")["contexts"][0]["context"]
        self._user: str | None = None

    @classmethod
    @contextlib.contextmanager
    def running(cls, *, push_url: str = "", profile: Path | None = None, **more: object) -> Iterator["Firefox"]:
        """Start one whose push service is at `push_url`; in a profile of its own, or in `profile`, which then stays.

        `more` are further preferences, with `__` for a dot.
        """
        is_own, profile = profile is None, profile or Path(tempfile.mkdtemp(prefix="firefox-"))
        others = {name.replace("__", "."): value for name, value in more.items()}
        values = {**PREFERENCES, "dom.push.serverURL": push_url, **others}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in values.items())
        (profile / "user.js").write_text("\n".join(lines))
        process = _start(profile)
        try:
            with connect(f"{_address(process)}/session", max_size=None, proxy=None) as socket:
                firefox = cls(socket)
                firefox.process = process
                yield firefox
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if process.stderr:
                process.stderr.close()
            if is_own:
                shutil.rmtree(profile, ignore_errors=True)

    def apart(self) -> "Firefox":
        """Another page that shares nothing with this one: as on somebody else's phone."""
        user = self._call("browser.createUserContext")["userContext"]
        return self._opened(user)

    def tab(self) -> "Firefox":
        """Another page of the same phone."""
        return self._opened(self._user)

    def _opened(self, user: str | None) -> "Firefox":
        page = copy.copy(self)
        where: dict[str, Any] = {"userContext": user} if user else {}
        page._page, page._user = self._call("browsingContext.create", type="tab", **where)["context"], user
        return page

    @property
    def questions(self) -> list[str]:
        """What this page has put to the person in a box of its own; each is answered with OK."""
        return self._asked[self._page]

    def close_page(self) -> None:
        """Close this page."""
        self._call("browsingContext.close", context=self._page)

    def reload(self) -> None:
        """Load the page again and wait until it has loaded."""
        self._call("browsingContext.reload", context=self._page, wait="complete")

    def back(self) -> None:
        """As the phone's back button."""
        self._call("browsingContext.traverseHistory", context=self._page, delta=-1)

    def set_cookie(self, name: str, value: str, *, domain: str) -> None:
        """Keep a cookie as the server would have set it."""
        cookie = {"name": name, "value": {"type": "string", "value": value}, "domain": domain, "httpOnly": True}
        user = {"type": "storageKey", "userContext": self._user}
        where: dict[str, Any] = {"partition": user} if self._user else {}
        self._call("storage.setCookie", cookie=cookie, **where)

    def before_every_page(self, script: str) -> None:
        """Run a script before those of every page that this page opens."""
        self._call("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}", contexts=[self._page])

    def open(self, url: str) -> None:
        """Go to a page and wait until it has loaded."""
        self._call("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def js(self, expression: str, *, patience: float = PATIENCE_SECONDS) -> Any:
        """The value of an expression (awaited) in the page, as a person's gesture; JSON only."""
        given = self._call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._page},
            awaitPromise=True,
            userActivation=True,
            patience=patience,
        )
        if given["type"] == "exception":
            raise BrowserError(given["exceptionDetails"]["text"])
        value = given["result"].get("value")
        return None if value is None else json.loads(value)

    def wait_for(self, condition: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Until an expression (awaited) is true in the page, whichever page that is by then."""
        deadline = time.monotonic() + seconds
        loop = (
            "new Promise(resolve => { const end = Date.now() + 500; const look = async () => "
            f"{{ let yes = false; try {{ yes = Boolean(await ({condition})); }} catch {{}} "
            "if (yes || Date.now() > end) resolve(yes); else setTimeout(look, 50); }; look(); })"
        )
        while time.monotonic() < deadline:
            with contextlib.suppress(BrowserError):  # the page went away while we looked: look at the next
                # A page that is left while it evaluates may never answer.
                if self.js(loop, patience=2):
                    return
        raise BrowserError(f"never true: {condition}\n{self.text('body')[:2000]}")

    def click(self, selector: str) -> None:
        """Press the first element that fits, once it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"{found} && !{found}.hidden")
        self.js(f"{found}.click()")

    def text(self, selector: str) -> str:
        """The text of the first element that fits, as it is shown."""
        return str(self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def notifications(self) -> list[dict[str, Any]]:
        """What the page's service worker shows."""
        return list(
            self.js(
                "navigator.serviceWorker.ready.then(r => r.getNotifications()).then(list => "
                "list.map(n => ({title: n.title, body: n.body, tag: n.tag, data: n.data})))"
            )
        )

    def click_notification(self) -> None:
        """Press the notification on the desktop, as a person would."""
        windows: dict[str, Any] = {"moz:scope": "chrome"}
        for context in self._call("browsingContext.getTree", **windows)["contexts"]:
            if "alerts/alert.xhtml" in context["url"]:
                target = {"context": context["context"]}
                self._call("script.evaluate", expression="onAlertClick()", target=target, awaitPromise=False)
                return
        raise BrowserError("no notification is on the desktop")

    def allow_notifications(self, url: str) -> None:
        """Press "Allow", as a person would when the page at this address asks."""
        self._call("permissions.setPermission", descriptor={"name": "notifications"}, state="granted", origin=url)

    def pages(self) -> list[str]:
        """The addresses of all open pages."""
        return [context["url"] for context in self._call("browsingContext.getTree")["contexts"]]

    def _call(self, method: str, *, patience: float = PATIENCE_SECONDS, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers, patience):
                raise BrowserError(f"{method}: no answer")
            answer = self._answers.pop(number)
        if answer["type"] == "error":
            raise BrowserError(f"{method}: {answer['error']}: {answer['message']}")
        return dict(answer["result"])

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # the browser is killed at the end
            for raw in self._socket:
                message = json.loads(raw)
                if message.get("method") == "browsingContext.userPromptOpened":
                    self._asked[message["params"]["context"]].append(message["params"]["message"])
                if "id" in message:
                    with self._changed:
                        self._answers[message["id"]] = message
                        self._changed.notify_all()


def _start(profile: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "HOME": str(profile), "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}
    command = ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    return subprocess.Popen(
        [*command, "--remote-allow-system-access", "about:blank"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            # Somebody must go on reading, or Firefox stops when the pipe is full.
            threading.Thread(target=process.stderr.read, name="firefox-errors", daemon=True).start()
            return found[1]
    raise BrowserError("Firefox ended before it listened")
