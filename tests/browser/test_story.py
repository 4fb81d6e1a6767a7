"""The main job on real parts: a patient's phone, the server, the worker, a push service, a nurse's Firefox."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.firefox import Firefox
from tests.browser.installation import Installation
from tests.push_service import PushService

pytestmark = pytest.mark.browser


def sign_in(page: Page, product: Installation, name: str) -> None:
    page.goto(product.link(name))
    page.get_by_role("button", name="Sign in on this phone").click()
    expect(page.get_by_role("heading", name=f"Hello {name}")).to_be_visible()


def test_a_reaction_reaches_a_nurse_and_the_patient_sees_who(
    product: Installation, real_push_service: PushService, phone: Page
) -> None:
    with Firefox.running(push_url=real_push_service.websocket_url) as nurse:
        nurse.open(product.link("Iris Vale"))
        nurse.click("form[data-join] button")
        nurse.wait_for("location.pathname === '/console/'")
        nurse.wait_for("document.querySelector('[data-push]').dataset.state === 'push_off'")
        nurse.allow_notifications(product.url)
        nurse.click("[data-push-ask]")
        nurse.wait_for("document.querySelector('[data-push]').dataset.state === 'push_on'")
        real_push_service.log.clear()

        sign_in(phone, product, "Elif Stone")
        phone.goto(f"{product.url}/reactions/new")
        phone.get_by_role("checkbox", name="Under the chin").check()
        phone.get_by_role("button", name="Continue").click()
        phone.get_by_role("button", name="None of the others here").click()
        phone.get_by_role("button", name="Continue").click()
        phone.get_by_role("checkbox", name="Skin that is white, grey, blue, purple, black or blotchy").check()
        phone.get_by_role("checkbox", name="A patch that is white or very pale and cold").check()
        phone.get_by_role("button", name="Continue").click()
        phone.get_by_role("radio", name="I would like an answer today").check()
        phone.get_by_role("button", name="Send").click()
        expect(phone.get_by_role("heading", name="Call your clinic now")).to_be_visible()
        entry_url = phone.url

        (accepted,) = real_push_service.wait_for("accepted", count=1)
        assert accepted.status == 201
        nurse.wait_for("navigator.serviceWorker.ready.then(r => r.getNotifications()).then(l => l.length)")
        shown = nurse.notifications()
        assert [one["title"] for one in shown] == ["Aftercare Companion"]
        assert "Elif" not in str(shown)

        nurse.open(shown[0]["data"]["url"])
        nurse.wait_for("document.querySelector('h1').innerText.includes('Elif Stone')")
        assert "White patch: possible blocked vessel" in nurse.text("main")
        nurse.wait_for("!document.querySelector('[data-opening]')")  # the clinic knows
        phone.reload()
        expect(phone.get_by_text("Seen by Iris Vale")).to_be_visible()

        nurse.click("form[action$='/acknowledgement'] button")
        nurse.wait_for("document.body.innerText.includes('Taken by Iris Vale')")
        phone.goto(entry_url)
        expect(phone.get_by_text("Iris Vale looks after it")).to_be_visible()
