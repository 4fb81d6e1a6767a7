"""The stories of the queue, and of a lift, once more, in WebKit, the engine of iPhones.

A WebKit that can be driven keeps what it has in memory only, and takes no script that runs before a page's own. So two
stories cannot be told here: of a browser that is killed, and of a phone whose clock is wrong.
"""

from collections.abc import Iterator

import pytest

from companion.web.assets import manifest
from tests.browser.clinic import Clinic
from tests.browser.phone.test_lift import (  # noqa: F401 - as those below
    test_an_answer_that_comes_late_leaves_a_form_alone_and_offers_to_try_again,
    test_an_emergency_in_a_lift_shows_whom_to_call_and_is_sent_once_behind_it,
    test_in_a_lift_the_numbers_to_call_and_the_check_in_open,
)
from tests.browser.phone.test_queue import (  # noqa: F401 - collected here too, with the phone of this file
    test_a_restored_server_gets_back_what_it_had,
    test_a_server_that_dies_after_its_commit_keeps_one_entry,
    test_a_server_that_dies_before_its_commit_gets_the_entry_later,
    test_a_sign_tapped_by_mistake_is_marked_and_asked_anew,
    test_a_store_that_is_held_up_loses_nothing_and_holds_up_no_sender,
    test_after_the_sign_in_has_ended_the_entry_waits_for_the_next,
    test_an_answer_that_is_not_the_clinics_is_not_believed,
    test_another_person_on_the_phone_neither_sees_nor_sends_the_entry,
    test_two_tabs_and_a_double_click_send_each_entry_once,
    test_without_a_network_the_entry_waits_and_is_sent_once,
)
from tests.browser.phones import NOT_SENT, Phone
from tests.browser.webkit import WebKit, missing

pytestmark = [pytest.mark.browser, pytest.mark.long]
# Looks into the store again and again, and goes to another page in the middle of it.
HURRY = """(
  setInterval(() => document.dispatchEvent(new Event('visibilitychange')), 1),
  setTimeout(() => location.assign('/call'), 20),
  true
)"""


@pytest.fixture
def phone(at_rest: Clinic) -> Iterator[Phone]:
    """A phone that nobody has used yet."""
    if without := missing():
        pytest.skip(f"no {', '.join(without)}: apt has no webkit2gtk-driver and xvfb here, or `make webkit` never ran")
    url, picture = at_rest.line.url, manifest()["files"]["icon.svg"]
    with WebKit.running(home=f"{url}/static/dist/{picture}") as driver:
        yield Phone(driver, url)


def test_a_page_that_is_left_in_the_middle_of_its_reads_holds_up_no_entry(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Hurry")
    for count in range(1, 6):
        phone.js(HURRY)
        phone.wait_for("location.pathname === '/call' && document.readyState === 'complete'")
        clinic.line.is_down = True
        phone.check_in()
        phone.sees(NOT_SENT)
        clinic.line.is_down = False
        phone.open("/")
        phone.arrives()
        assert len(clinic.entries(ada)) == count
