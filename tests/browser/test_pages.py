"""Every page in a real browser: accessible, without sideways scrolling, and usable without a script."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.addresses import SignedIn, all_addresses, choose_language
from tests.browser.installation import Installation
from tests.browser.phones import Chromium, Phone

pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", ["nobody", "patient", "nurse"])
def test_axe_finds_nothing(product: Installation, signed_in: SignedIn, role: str, scheme: str, language: str) -> None:
    # Tall enough that the fixed bar at the bottom covers nothing that a person would scroll clear of it.
    context = signed_in(role, viewport={"width": 390, "height": 5000}, color_scheme=scheme)
    choose_language(context, product, language)
    page = context.new_page()
    for address in all_addresses(page, product, role):
        page.goto(product.url + address)
        if not address.startswith("/shell"):
            assert page.locator("html").get_attribute("lang") == language
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, f"{address} {scheme}\n{found.generate_report()}"
    choose_language(context, product, "en")


def test_axe_finds_nothing_in_any_question_of_the_check_in(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("patient", viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{product.url}/reactions/new")
    for answer in _answers(page):
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        answer()
    expect(page.get_by_role("heading", name="Call now")).to_be_focused()
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


def _answers(page: Page) -> Iterator[Callable[[], None]]:
    def go_on() -> None:
        page.get_by_role("button", name="Continue").click()

    def areas() -> None:
        page.get_by_role("checkbox", name="Face").check()
        go_on()

    def symptoms() -> None:
        page.get_by_role("button", name="None of the others here").click()
        go_on()

    def warnings() -> None:
        page.get_by_role("checkbox", name="Trouble breathing, or a swollen tongue or throat").check()
        page.get_by_role("checkbox", name="It is hard to breathe").check()

    yield from (areas, symptoms, warnings)


@pytest.mark.parametrize("role", ["nobody", "patient", "nurse"])
def test_no_page_scrolls_sideways_at_320_pixels(product: Installation, signed_in: SignedIn, role: str) -> None:
    page = signed_in(role, viewport={"width": 320, "height": 640}).new_page()
    for address in all_addresses(page, product, role):
        page.goto(product.url + address)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, f"{address} is {width} px wide"


def test_the_check_in_works_without_a_script(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("patient", java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{product.url}/reactions/new")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_role("checkbox", name="Nowhere, all areas are fine").check()
    page.get_by_role("checkbox", name="None of these").check()
    page.get_by_role("radio", name="It can wait").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=re.compile("Sent to your clinic"))).to_be_visible()


def test_all_fine_takes_at_most_six_taps(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("patient", viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(product.url)
    taps = 0
    for role, name in (
        ("link", "Check in"),
        ("checkbox", "Nowhere, all areas are fine"),
        ("button", "Continue"),
        ("checkbox", "None of these"),
        ("button", "Continue"),
        ("button", "Send"),
    ):
        page.locator("main").get_by_role(role, name=name, exact=True).tap()  # type: ignore[arg-type]
        taps += 1
    expect(page.get_by_role("heading", name=re.compile("Sent to your clinic"))).to_be_visible()
    assert taps <= 6


def test_an_impossible_temperature_is_asked_once_more(product: Installation, signed_in: SignedIn) -> None:
    page = signed_in("patient", viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{product.url}/reactions/new")
    page.get_by_role("checkbox", name="Nowhere, all areas are fine").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox", name="None of these").check()
    page.get_by_label("Temperature in °C").fill("43,1")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name=re.compile("43,1 °C is hardly possible"))).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="How urgent does it feel to you?")).to_be_visible()


def test_a_phone_without_network_keeps_the_entry_and_sends_it_later(product: Installation, signed_in: SignedIn) -> None:
    context = signed_in("patient", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(product.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.goto(f"{product.url}/reactions/new")
    context.set_offline(True)
    page.get_by_role("checkbox", name="Nowhere, all areas are fine").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox", name="None of these").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Saved on this phone, not sent yet").first).to_be_visible(timeout=15_000)
    context.set_offline(False)
    expect(page.get_by_text(re.compile("Sent to your clinic [0-9]")).first).to_be_visible(timeout=30_000)


def test_the_page_without_network_speaks_the_language_of_the_person(product: Installation, signed_in: SignedIn) -> None:
    context = signed_in("patient", viewport={"width": 390, "height": 844})
    choose_language(context, product, "fr")
    page = context.new_page()
    page.goto(product.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.reload()
    Phone(Chromium(context, page), product.url).learns()
    context.set_offline(True)
    page.goto(f"{product.url}/reactions/new")
    expect(page.get_by_role("heading", name="Où remarquez-vous quelque chose aujourd’hui ?")).to_be_visible()
    page.get_by_role("checkbox", name="Visage").check()
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", name=re.compile("^Visage"))).to_be_visible()
    context.set_offline(False)
    choose_language(context, product, "en")


def test_an_emergency_sign_shows_the_call_page_without_network_too(product: Installation, signed_in: SignedIn) -> None:
    context = signed_in("patient", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(product.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.reload()
    Phone(Chromium(context, page), product.url).learns()
    context.set_offline(True)
    page.goto(f"{product.url}/reactions/new")
    for answer in _answers(page):
        answer()
    expect(page.get_by_role("heading", name="Call now")).to_be_visible()
    expect(page.locator("[data-call-layer] a[href='tel:999']")).to_be_visible()
    expect(page.locator("[data-call-state]")).to_have_text("Saved on this phone, not sent yet", timeout=15_000)
    context.set_offline(False)
    expect(page.locator("[data-call-state]")).to_have_text(re.compile("Sent to your clinic"), timeout=30_000)
