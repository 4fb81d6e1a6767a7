"""A new release of the product while pages of the one before are open on the phone."""

from collections.abc import Iterable
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.browser.clinic import Clinic
from tests.browser.phones import Phone
from tests.browser.store import CACHED

pytestmark = pytest.mark.browser
# Style sheet and script of the page that is open.
FILES = "[...document.querySelectorAll('link[rel=stylesheet], script[type=module]')].map(one => one.href || one.src)"
REGISTERED = "navigator.serviceWorker.getRegistration()"
# All that is kept, as addresses, in the order of the releases.
KEPT_FILES = """(async () => {
  const kept = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) kept.push(new URL(url).pathname);
  }
  return kept;
})()"""


def test_a_page_of_the_release_before_keeps_its_own_files_and_older_ones_go(clinic: Clinic, phone: Phone) -> None:
    clinic.line.release = "first"
    clinic.signed_in(phone, "Ada Release")
    form = half_filled_form(phone)
    first = form.js(FILES)
    take_over(phone, clinic, "second")
    second = phone.js(FILES)
    assert not set(first) & set(second)
    assert [at_clinic(url) for url in first] == [404, 404]
    assert answers(form, first) == answers(phone, second) == [200, 200]
    assert form.js("document.querySelector('[name=area][value=face]').checked")
    take_over(phone, clinic, "third")
    assert answers(form, first) == [404, 404]
    assert answers(form, second) == answers(phone, phone.js(FILES)) == [200, 200]


def test_a_release_that_only_waited_does_not_drive_out_the_one_in_use(clinic: Clinic, phone: Phone) -> None:
    clinic.line.release = "first"
    clinic.signed_in(phone, "Ada Patience")
    form = half_filled_form(phone)
    first = form.js(FILES)
    fetch_release(phone, clinic, "second")
    take_over(phone, clinic, "third")
    assert answers(form, first) == answers(phone, phone.js(FILES)) == [200, 200]
    assert not [path for path in phone.js(KEPT_FILES) if "second" in path]


def test_a_worker_that_changed_without_its_files_keeps_the_release_before(clinic: Clinic, phone: Phone) -> None:
    clinic.line.release = "first"
    clinic.signed_in(phone, "Ada Again")
    form = half_filled_form(phone)
    first = form.js(FILES)
    take_over(phone, clinic, "second")
    clinic.line.worker_prefix = "/* a language more */"
    take_over(phone, clinic, "second")
    assert answers(form, first) == [200, 200]


def test_what_is_kept_of_releases_is_the_same_for_everybody(clinic: Clinic, phone: Phone) -> None:
    clinic.line.release = "first"
    clinic.signed_in(phone, "Ada Private")
    phone.check_in()
    phone.arrives()
    phone.open("/sessions")
    phone.open("/")
    take_over(phone, clinic, "second")
    impersonal = ("/static/dist/", "/shell/", "/releases")
    assert [path for path in phone.js(KEPT_FILES) if not path.startswith(impersonal)] == []
    assert not [word for word in ("Ada Private", "+33 1 99", "Session 1") if word in phone.js(CACHED)]


def half_filled_form(phone: Phone) -> Phone:
    """Another tab with a check-in that nobody wants to lose."""
    form = phone.tab()
    form.open("/reactions/new")
    form.tick("area", "face")
    return form


def fetch_release(phone: Phone, clinic: Clinic, release: str) -> None:
    """The clinic has a new release, and the phone has fetched it: it waits."""
    clinic.line.release = release
    phone.js(f"{REGISTERED}.then(own => own.update()).then(() => true)")
    phone.wait_for(f"{REGISTERED}.then(own => own.waiting && !own.installing)")


def take_over(phone: Phone, clinic: Clinic, release: str) -> None:
    """As `fetch_release`; then the person presses "Update now"."""
    fetch_release(phone, clinic, release)
    phone.click("[data-update-now]")
    phone.wait_for(
        f"{REGISTERED}.then(own => !own.waiting && own.active.state === 'activated') && "
        f"document.readyState === 'complete' && {FILES}.every(url => url.includes('{release}.'))"
    )


def answers(phone: Phone, urls: Iterable[str]) -> list[int]:
    """What a page is answered that asks for files past the browser's own cache, which would have them for a year."""
    asked = "fetch('{}', {{ cache: 'no-store' }}).then(answer => answer.status)"
    return list(phone.js(f"Promise.all([{', '.join(asked.format(url) for url in urls)}])"))


def at_clinic(url: str) -> int:
    try:
        with urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
