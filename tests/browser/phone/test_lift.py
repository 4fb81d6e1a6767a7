"""A network that is there and does not work, as in a lift or behind a dead gateway: the phone shows what it has."""

import pytest

from tests.browser.clinic import Clinic
from tests.browser.phones import NOT_SENT, Phone
from tests.browser.store import KNOWN

pytestmark = pytest.mark.browser
SHELL = "document.body.dataset.page === 'shell'"
TOLD = "!document.querySelector('[data-shell-online]').hidden"


@pytest.mark.parametrize("fault", ["dead", "bad gateway"])
def test_in_a_lift_the_numbers_to_call_and_the_check_in_open(clinic: Clinic, phone: Phone, fault: str) -> None:
    clinic.signed_in(phone, "Ada Lift")
    spoil(clinic, fault)
    phone.open("/call")
    phone.sees("+33 1 99 00 00 02", seconds=10)
    phone.open("/")
    phone.sees("Session 1:", seconds=10)
    phone.open("/reactions/new")
    phone.wait_for(f"{SHELL} && document.querySelector('[name=area]').checkVisibility()", seconds=10)


def test_an_emergency_in_a_lift_shows_whom_to_call_and_is_sent_once_behind_it(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Shaft")
    spoil(clinic, "dead")
    phone.open("/reactions/new")
    phone.tick("area", "nowhere")
    phone.click("[data-next]")
    phone.tick("group", "breathing")
    phone.tick("sign", "breathing_difficulty")
    phone.sees("Call now")
    phone.sees(NOT_SENT)
    clinic.line.is_open.set()
    phone.sees("Sent to your clinic")
    assert [entry.body["feels"] for entry in clinic.entries(ada)] == ["now"]


def test_an_answer_that_comes_late_leaves_a_form_alone_and_offers_to_try_again(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Slow")
    other = phone.tab()
    spoil(clinic, "dead")
    phone.open("/reactions/new")
    phone.tick("area", "face")
    other.open("/")
    other.wait_for(SHELL)
    clinic.line.is_open.set()
    other.sees("The network is back")
    phone.wait_for(TOLD)
    assert phone.js(f"{SHELL} && document.querySelector('[name=area][value=face]').checked")
    phone.click("[data-next]")
    phone.answer_rest()
    phone.send()
    phone.arrives()
    assert len(clinic.entries(ada)) == 1
    other.click("[data-shell-online] a")
    other.sees("Hello Ada Slow")


def test_an_error_page_of_our_own_stays(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Error")
    phone.driver.set_cookie("sign-in", clinic.cookie(clinic.cast.iris), domain="127.0.0.1")
    phone.open("/health/alerting")  # no worker runs: 503
    phone.wait_for("document.contentType === 'application/json' || document.body.innerText.length > 0")
    assert not phone.js(SHELL)
    phone.open("/nowhere")
    phone.sees("Page not found")


@pytest.mark.long
def test_in_a_lift_nobody_is_signed_out_by_halves(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Stuck")
    spoil(clinic, "dead")
    phone.click("form[data-sign-out] button")
    phone.is_told("That did not work. Check your network and try again", seconds=40)
    assert not phone.js(SHELL)
    assert "person" in phone.js(KNOWN)


def spoil(clinic: Clinic, fault: str) -> None:
    """From now on the line is taken and gives no answer, or something on the way answers in the clinic's place."""
    if fault == "dead":
        clinic.line.is_open.clear()
    else:
        clinic.line.is_bad_gateway = True
