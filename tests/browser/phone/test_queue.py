"""Whatever happens between "saved" and the clinic: exactly one entry there, or one that is visibly not sent.

Each story is told in Chromium and in Firefox, over a line that can be down, cut off, or answer in the clinic's place.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from companion.clock import utc_now
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from tests.browser.clinic import Clinic
from tests.browser.line import ANSWERS
from tests.browser.phones import KINDS, NOT_SENT, Phone, killable
from tests.browser.store import ENTRIES

pytestmark = pytest.mark.browser
# Writes to the entries and does not come to an end, as a page may that a browser has parked.
HOLD_UP = """new Promise((resolve, reject) => {
  const asked = indexedDB.open('aftercare');
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const entries = asked.result.transaction('entries', 'readwrite').objectStore('entries');
    const goOn = () => { if (globalThis.holds) entries.count().onsuccess = goOn; else asked.result.close(); };
    globalThis.holds = true;
    goOn();
    resolve(true);
  };
})"""


def test_without_a_network_the_entry_waits_and_is_sent_once(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Field")
    clinic.line.is_down = True
    phone.check_in()
    phone.sees(NOT_SENT)
    phone.open("/")
    phone.sees(NOT_SENT)
    assert clinic.entries(ada) == []
    clinic.line.is_down = False
    phone.open("/")
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


def test_a_server_that_dies_before_its_commit_gets_the_entry_later(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Early")
    clinic.line.before_put = clinic.kill
    phone.check_in()
    phone.sees(NOT_SENT)
    clinic.line.before_put = None
    clinic.start()
    assert clinic.entries(ada) == []
    phone.open("/")
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


def test_a_server_that_dies_after_its_commit_keeps_one_entry(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Late")
    clinic.line.after_put = clinic.kill
    phone.check_in()
    phone.sees(NOT_SENT)
    assert len(clinic.entries(ada)) == 1
    clinic.line.after_put = None
    clinic.start()
    phone.open("/")
    phone.arrives()
    assert len(set(clinic.line.puts)) == 1
    assert len(clinic.line.puts) >= 2
    assert len(clinic.entries(ada)) == 1


def test_two_tabs_and_a_double_click_send_each_entry_once(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Twice")
    other = phone.tab()
    for one in (phone, other):
        one.open("/reactions/new")
        one.wait_for("!document.querySelector('[data-progress]').hidden")
        one.kept()  # after the page has looked into the store: what the first is told is not the other's draft
    for one in (phone, other):
        one.answer_all_fine()
    clinic.line.is_down = True
    phone.js("(button => { button.click(); button.click(); })(document.querySelector('[data-send]'))")
    other.send()
    for one in (phone, other):
        one.wait_for("document.querySelectorAll('section[data-done] [data-waiting] li').length === 2")
    assert phone.states().count("queued") == len(phone.states())
    clinic.line.puts.clear()
    clinic.line.is_down = False
    for one in (phone, other):
        one.js("document.dispatchEvent(new Event('visibilitychange'))")
    phone.wait_for("![...document.querySelectorAll('[data-waiting] li')].some(one => one.dataset.state !== 'sent')")
    assert len(clinic.entries(ada)) == 2
    assert sorted(clinic.line.puts) == sorted(set(clinic.line.puts))


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_that_is_killed_after_saved_still_sends(
    kind: str, playwright: Playwright, clinic: Clinic, tmp_path: Path
) -> None:
    ada = clinic.patient("Ada Power")
    clinic.line.is_down = False
    with killable(kind, playwright, tmp_path / "profile", clinic.line.url) as browser:
        phone = browser.start()
        phone.sign_in(clinic.cookie(ada))
        phone.open("/reactions/new")
        phone.answer_all_fine()
        clinic.line.is_down = True
        phone.send()
        phone.sees(NOT_SENT)
        browser.kill()
        phone = browser.start()
        phone.open("/")
        phone.sees(NOT_SENT)
        clinic.line.is_down = False
        phone.sign_in(clinic.cookie(ada))
        phone.arrives()
    assert len(clinic.entries(ada)) == 1


def test_after_the_sign_in_has_ended_the_entry_waits_for_the_next(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Expired")
    phone.open("/reactions/new")
    phone.answer_all_fine()
    clinic.end_sign_ins(ada)
    phone.send()
    phone.sees("Sign in to send it")
    assert clinic.entries(ada) == []
    phone.sign_in(clinic.cookie(ada))
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


def test_another_person_on_the_phone_neither_sees_nor_sends_the_entry(clinic: Clinic, phone: Phone) -> None:
    ada, other = clinic.patient("Ada Shared"), clinic.patient("Bea Shared")
    phone.sign_in(clinic.cookie(ada))
    phone.open("/reactions/new")
    phone.answer_all_fine()
    clinic.line.is_down = True
    phone.send()
    phone.sees(NOT_SENT)
    clinic.line.is_down = False
    phone.sign_in(clinic.cookie(other))
    phone.sees("A check-in is saved on this phone. Sign in to send it")
    assert "Check-in of" not in phone.text("main")
    phone.wait_for("document.querySelector('[data-waiting] li').dataset.state === 'needs_sign_in'")
    assert clinic.entries(other) == clinic.entries(ada) == []
    phone.sign_in(clinic.cookie(ada))
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


@pytest.mark.long
def test_a_store_that_is_held_up_loses_nothing_and_holds_up_no_sender(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Held")
    phone.open("/reactions/new")
    phone.answer_all_fine()
    other = phone.tab()
    other.driver.open(phone.js("document.querySelector('link[rel=icon]').href"))  # without scripts that send
    other.js(HOLD_UP)
    clinic.line.is_down = True
    phone.js("document.dispatchEvent(new Event('visibilitychange'))")
    phone.wait_for("navigator.locks.query().then(({ held }) => held.length)")
    phone.send()
    phone.sees("This phone could not save your answers")
    assert phone.js("navigator.locks.request('send-entries', () => true)")  # the one before has given up
    assert phone.js("document.querySelector('[name=group][value=none]').checked")
    other.js("!(globalThis.holds = false)")
    phone.send()
    phone.sees(NOT_SENT)
    clinic.line.is_down = False
    phone.js("document.dispatchEvent(new Event('visibilitychange'))")
    phone.sees("Sent to your clinic")
    assert len(clinic.entries(ada)) == 1


@pytest.mark.parametrize("answer", sorted(ANSWERS))
def test_an_answer_that_is_not_the_clinics_is_not_believed(clinic: Clinic, phone: Phone, answer: str) -> None:
    ada = clinic.patient(f"Ada {answer}")
    phone.sign_in(clinic.cookie(ada))
    clinic.line.instead = answer
    phone.check_in()
    phone.sees(NOT_SENT)
    assert len(clinic.line.puts) >= 1
    clinic.line.instead = None
    phone.open("/")
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


@pytest.mark.parametrize("days", [-1, 1])
def test_a_phone_whose_clock_is_wrong_by_a_day_reports_the_right_time(clinic: Clinic, phone: Phone, days: int) -> None:
    ada = clinic.patient("Ada Clock")
    clinic.line.worker_prefix = phone.set_clock(wrong_by_seconds=days * 86_400)
    phone.sign_in(clinic.cookie(ada))
    phone.check_in()
    phone.arrives()
    (entry,) = clinic.entries(ada)
    assert abs(entry.skew_seconds + days * 86_400) < 60
    assert abs(utc_now() - entry.noted_at) < timedelta(minutes=2)


def test_a_restored_server_gets_back_what_it_had(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Backup")
    backup = clinic.backup()
    phone.check_in()
    phone.arrives()
    (before,) = clinic.entries(ada)
    clinic.restore(backup)
    assert clinic.entries(ada) == []
    phone.open("/")
    phone.arrives()
    (after,) = clinic.entries(ada)
    assert after.id == before.id
    assert after.body == before.body


def report_breathing(phone: Phone) -> None:
    phone.open("/reactions/new")
    phone.tick("area", "nowhere")
    phone.click("[data-next]")
    phone.tick("group", "breathing")
    phone.tick("sign", "breathing_difficulty")
    phone.sees("Sent to your clinic")


def test_a_sign_tapped_by_mistake_is_marked_and_asked_anew(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Slip")
    report_breathing(phone)
    phone.click("[data-mistake]")
    phone.wait_for("!document.querySelector('form[data-check-in]').hidden")
    assert phone.js("document.querySelectorAll('[name=group]:checked, [name=sign]:checked').length") == 0
    phone.click("[data-next]")
    phone.sees("There is a problem")  # asked anew, and not the call page again
    phone.tick("group", "none")
    phone.click("[data-next]")
    phone.send()
    phone.wait_for("location.pathname !== '/reactions/new'")
    first, second = clinic.entries(ada)
    assert (first.mistaken_at is not None, second.mistaken_at) == (True, None)
    assert second.body["warnings"]["none"] is True


def test_who_has_seen_an_entry_stands_on_the_phone_also_without_a_network(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Seen")
    report_breathing(phone)
    north = clinic.cast.north
    with clinic.rt.db.transaction(north) as db:
        case = cases.unresolved_case_of(db, north, ada)
        assert case is not None
        escalation.note_seen(db, case, person_id=clinic.cast.iris, now=utc_now())
    phone.open("/")
    phone.wait_for(f"({ENTRIES}).then(kept => kept.some(one => one.seenAt))")
    clinic.line.is_down = True
    phone.open("/")
    phone.sees("Seen by Iris")
