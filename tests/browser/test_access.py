"""From the browser into the app: a code, then a passkey; and when the app is offered at all. In Chromium."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from companion.accounts.models import Person
from companion.clock import utc_now
from companion.db import EVERY_CLINIC
from companion.ids import new_id
from companion.outbox import actions as outbox
from companion.wiring import build_runtime
from tests.browser.installation import Installation, installed
from tests.push_service import PushService

pytestmark = pytest.mark.browser
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, real_push_service: PushService) -> Iterator[Installation]:
    # Passkeys are bound to a name; an address in numbers has none.
    with installed(tmp_path_factory.mktemp("named"), real_push_service.environment, host="localhost") as installation:
        yield installation


def opened(browser: Browser, user_agent: str | None = None) -> BrowserContext:
    return browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, user_agent=user_agent)


def sign_in(page: Page, product: Installation, name: str) -> None:
    page.goto(product.link(name))
    page.get_by_role("button", name="Sign in on this phone").click()
    expect(page.get_by_role("heading", name=f"Hello {name}")).to_be_visible()


def add_authenticator(context: BrowserContext, page: Page) -> None:
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_a_code_takes_the_sign_in_into_the_app_and_a_passkey_keeps_it(product: Installation, browser: Browser) -> None:
    # Two contexts share no cookies, as a browser and the app on an iPhone's Home Screen do not.
    in_browser, in_app = opened(browser), opened(browser)
    page, app = in_browser.new_page(), in_app.new_page()
    add_authenticator(in_app, app)
    sign_in(page, product, "Clara Moss")
    page.goto(f"{product.url}/install")
    page.get_by_role("button", name="Show a code for the app").click()
    code = page.locator(".code").inner_text()
    assert re.fullmatch(r"\d{3} \d{3}", code)

    app.goto(f"{product.url}/sign-in")
    app.get_by_role("link", name="I have 6 numbers from my browser").click()
    field = app.get_by_label("The 6 numbers from your browser")
    assert (field.get_attribute("autocomplete"), field.get_attribute("inputmode")) == ("one-time-code", "numeric")
    field.fill(code)
    app.get_by_role("button", name="Sign in").click()
    app.get_by_role("button", name="Save a passkey").click()
    expect(app.get_by_role("heading", name="Hello Clara Moss")).to_be_visible()

    app.get_by_role("button", name="Sign out").click()
    app.get_by_role("button", name="Sign in with a passkey").click()
    expect(app.get_by_role("heading", name="Hello Clara Moss")).to_be_visible()
    app.goto(f"{product.url}/phones")
    expect(app.get_by_text("Last used").last).to_be_visible()
    app.get_by_role("button", name="Save a passkey").click()
    expect(app.get_by_text("A passkey is saved on this device already")).to_be_visible()
    app.locator("form[action^='/passkeys/'] button").click()
    app.get_by_role("button", name="Sign out", exact=True).click()
    app.get_by_role("button", name="Sign in with a passkey").click()
    expect(app.get_by_text("This passkey does not work here. Sign in another way.")).to_be_visible()
    in_browser.close()
    in_app.close()


ASK = (
    "window.dispatchEvent(Object.assign("
    "new Event('beforeinstallprompt', { cancelable: true }), { prompt() { window.asked = true; } }))"
)


def test_the_app_is_offered_after_the_first_sent_entry_and_never_before(
    product: Installation, browser: Browser
) -> None:
    context = opened(browser)
    page = context.new_page()
    sign_in(page, product, "Orla Quick")
    offer = page.get_by_role("heading", name="Keep this on your phone")
    assert page.evaluate(f"!{ASK}"), "the browser's own question is kept back"
    expect(offer).to_be_hidden()
    page.get_by_role("link", name="Check in").first.click()
    page.get_by_role("checkbox", name="Nowhere, all areas are fine").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("checkbox", name="None of these").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=re.compile("Sent to your clinic"))).to_be_visible()
    page.evaluate(ASK)
    expect(offer).to_be_visible()
    page.get_by_role("button", name="Install the app").click()
    assert page.evaluate("window.asked")
    expect(offer).to_be_hidden()
    page.goto(product.url)
    page.evaluate(ASK)
    page.get_by_role("button", name="Not now").click()
    page.reload()
    page.evaluate(ASK)
    expect(page.get_by_role("heading", name="Hello Orla Quick")).to_be_visible()
    expect(offer).to_be_hidden()
    context.close()


def test_an_iphone_is_shown_the_steps(product: Installation, browser: Browser) -> None:
    context = opened(browser, IPHONE)
    page = context.new_page()
    sign_in(page, product, "Ada Winter")
    page.get_by_role("link", name="See how, step by step").first.click()
    expect(page.get_by_text("Tap the square with the arrow: Share.")).to_be_visible()
    expect(page.get_by_text("Tap the three dots.")).to_be_hidden()
    context.close()


def test_what_is_new_is_counted_on_the_page_and_on_the_apps_icon(product: Installation, browser: Browser) -> None:
    context = opened(browser)
    # What this browser would write on the icon, since nobody can look at it here.
    context.add_init_script("navigator.setAppBadge = async (count) => { window.badge = count; };")
    page = context.new_page()
    sign_in(page, product, "Ada Winter")
    before = page.evaluate("window.badge")
    rt = build_runtime(product.config)
    now = utc_now()
    with rt.db.transaction(EVERY_CLINIC) as db:
        ada = db.scalars(select(Person).where(Person.name == "Ada Winter")).one()
        outbox.enqueue(
            db,
            (ada.clinic_id, ada.id),
            kind="visit_moved",
            about=("visit", new_id()),
            url="/sessions",
            dedupe_key=str(new_id()),
            now=now,
            expires_at=now + timedelta(hours=1),
        )
    rt.db.close()
    page.goto(product.url)
    assert page.evaluate("window.badge") == before + 1
    page.get_by_role("link", name="new message").click()
    page.get_by_role("link", name="An appointment has changed. Open the app.").first.click()
    expect(page.get_by_role("heading", name="Your sessions")).to_be_visible()
    page.goto(product.url)
    assert page.evaluate("window.badge") == before
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert page.evaluate("window.badge") == 0
    context.close()
