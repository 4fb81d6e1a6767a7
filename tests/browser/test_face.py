"""What the face promises: few taps, few bytes, a keyboard is enough, large targets, large text, little motion."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.addresses import SignedIn, all_addresses, choose_language
from tests.browser.installation import Installation

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
ROLES = ["nobody", "patient", "nurse"]
VNU = Path(__file__).with_name("node_modules") / "vnu-jar" / "build" / "dist" / "vnu.jar"
# Every control and the size of what a finger can hit: a label counts for the control in it.
TARGETS = """() => [...document.querySelectorAll('a, button, input, summary, textarea, select')].filter((one) => {
  if (!one.checkVisibility({ visibilityProperty: true })) return false;
  if (one.closest('.skip, .nhsuk-u-visually-hidden')) return false;
  const sentence = one.closest('p, li, dd');
  return !(one.matches('a') && sentence && sentence.textContent.trim() !== one.textContent.trim());
}).map((one) => {
  const box = (one.closest('label') ?? one).getBoundingClientRect();
  return { name: one.textContent.trim() || one.name, width: box.width, height: box.height };
}).filter(({ width, height }) => width > 0 && (width < 44 || height < 44))"""


@pytest.mark.parametrize("role", ROLES)
def test_every_target_is_as_large_as_a_thumb_needs(product: Installation, signed_in: SignedIn, role: str) -> None:
    page = signed_in(role, viewport=PHONE).new_page()
    for address in all_addresses(page, product, role):
        page.goto(product.url + address)
        assert page.evaluate(TARGETS) == [], address


@pytest.mark.parametrize("role", ROLES)
def test_text_of_twice_the_size_fits(product: Installation, signed_in: SignedIn, role: str) -> None:
    page = signed_in(role, viewport=PHONE, bypass_csp=True).new_page()
    for address in all_addresses(page, product, role):
        page.goto(product.url + address)
        page.add_style_tag(content="html { font-size: 200% }")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{address} is {width} px wide"


def test_nothing_moves_for_those_who_asked_for_it(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("nobody", viewport=PHONE).new_page()
    for motion, is_moving in (("no-preference", True), ("reduce", False)):
        page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
        page.goto(f"{product.url}/style")
        assert bool(page.evaluate("document.getAnimations().length")) is is_moving


def test_a_keyboard_is_enough_and_shows_where_it_is(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("patient", viewport={"width": 1280, "height": 800}).new_page()
    page.goto(product.url)
    _press_on(page, "link", "Check in", "Enter")
    page.wait_for_url("**/reactions/new")
    _press_on(page, "checkbox", "Nowhere, all areas are fine", "Space")
    _press_on(page, "button", "Continue", "Enter")
    _press_on(page, "checkbox", "None of these", "Space")
    _press_on(page, "button", "Continue", "Enter")
    _press_on(page, "button", "Send", "Enter")
    expect(page.get_by_role("heading", name=re.compile("Sent to your clinic"))).to_be_visible()


def _press_on(page: Page, role: str, name: str, key: str) -> None:
    wanted = page.locator("main").get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    expect(wanted).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "(() => { const one = document.activeElement.closest('label') ?? document.activeElement;"
            " const style = getComputedStyle(one);"
            " return one === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none'; })()"
        ), "the focus cannot be seen"
        if wanted.evaluate("element => element === document.activeElement"):
            page.keyboard.press(key)
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def test_a_check_in_with_two_symptoms_takes_at_most_twelve_taps(
    product: Installation,
    signed_in: SignedIn,
) -> None:
    page = signed_in("patient", viewport=PHONE, has_touch=True).new_page()
    page.goto(product.url)
    taps = 0

    def tap(role: str, name: str) -> None:
        nonlocal taps
        page.locator("main").get_by_role(role, name=name, exact=True).tap()  # type: ignore[arg-type]
        taps += 1

    tap("link", "Check in")
    tap("checkbox", "Face")
    tap("button", "Continue")
    for symptom in ("swelling", "redness"):
        page.locator(f"label:has([name='face.{symptom}'][value='2'])").tap()
        taps += 1
    tap("button", "None of the others here")
    tap("button", "Continue")
    tap("checkbox", "None of these")
    tap("button", "Continue")
    tap("radio", "It can wait")
    tap("button", "Send")
    expect(page.get_by_role("heading", name=re.compile("Sent to your clinic"))).to_be_visible()
    assert taps <= 12


@pytest.mark.parametrize("address", ["/", "/reactions/new"])
def test_a_first_visit_costs_at_most_sixty_kilobytes(
    product: Installation,
    signed_in: SignedIn,
    address: str,
) -> None:
    context = signed_in("patient", viewport=PHONE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(product.url + address, wait_until="networkidle")
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    # What the service worker keeps for offline is fetched beside the page, and counts as well.
    kept = page.evaluate(
        """async () => { const name = (await caches.keys())[0]; const cache = await caches.open(name);
        return (await cache.keys()).map(({ url }) => url).filter((url) => !/png|svg/.test(url)) }"""
    )
    shells = sum(_wire_bytes(context, url) for url in kept if "/shell/" in url)
    total = shells + sum(size for key, size in sizes.items() if kinds.get(key) != "Image")
    assert 10_000 < total <= 60_000


def _wire_bytes(context: BrowserContext, url: str) -> int:
    answer = context.request.get(url, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    return int(answer.headers.get("content-length") or len(answer.body()))


@pytest.mark.skipif(not (VNU.exists() and shutil.which("java")), reason="needs Java and `make browsers`")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_markup_checker_finds_nothing(
    product: Installation,
    signed_in: SignedIn,
    tmp_path: Path,
    language: str,
) -> None:
    for role in ROLES:
        context = signed_in(role)
        choose_language(context, product, language)
        for number, address in enumerate(all_addresses(context.new_page(), product, role)):
            body = context.request.get(product.url + address, headers={"Accept": "text/html"}).text()
            (tmp_path / f"{role}-{number}.html").write_text(body)
        choose_language(context, product, "en")
    command = ["java", "-jar", str(VNU), "--format", "json", "--stdout", "--exit-zero-always", str(tmp_path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=240).stdout)
    # The check-in holds three titles of which one is shown at a time: question, call page, "sent".
    faults = [
        f"{one['url'].rsplit('/')[-1]}: {one['message']} {one.get('extract', '')}"
        for one in found["messages"]
        if not one["message"].startswith("Consider using the “h1” element as a top-level heading only")
    ]
    assert faults == []


def test_the_status_line_turns_red_by_itself_when_the_server_falls_silent(
    product: Installation, signed_in: SignedIn
) -> None:
    page = signed_in("nurse", viewport={"width": 1280, "height": 800}).new_page()
    page.clock.install()
    page.goto(f"{product.url}/console/patients")
    status = page.locator("#alerting-status")
    expect(status).not_to_contain_text("Not updated since")
    page.route("**/console/alerting", lambda route: route.abort())
    page.clock.run_for(62_000)
    expect(status).to_contain_text("Not updated since")
    expect(status).to_have_attribute("data-state", "bad")


def test_on_a_phone_the_console_leaves_the_screen_to_the_work(product: Installation, signed_in: SignedIn) -> None:
    context = signed_in("nurse", viewport=PHONE)
    page = context.new_page()
    choose_language(context, product, "fr")
    page.goto(f"{product.url}/console/")
    assert page.locator(".masthead").evaluate("one => one.offsetHeight") <= 120
    choose_language(context, product, "en")
    page.goto(f"{product.url}/console/")
    page.locator(".case:not(:has-text('Taken by')) h2 a").first.click()
    take = page.get_by_role("button", name="I take it")
    assert take.evaluate("one => one.getBoundingClientRect().bottom") <= PHONE["height"]
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_touch_on_the_body_map_ticks_the_area_and_shows_it(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("nobody", viewport=PHONE).new_page()
    page.goto(product.link("Orla Quick"))
    page.locator("form[data-join] button").click()
    page.wait_for_url(f"{product.url}/")
    page.goto(f"{product.url}/reactions/new")
    chest = page.locator("[data-body-map] [data-area='decollete']")
    chest.click()
    expect(page.get_by_role("checkbox", name="Upper chest")).to_be_checked()
    expect(chest).to_have_class(re.compile("is-on"))
    page.get_by_role("checkbox", name="Upper chest").uncheck()
    expect(chest).not_to_have_class(re.compile("is-on"))
