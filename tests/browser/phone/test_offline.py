"""The product without a network: what opens, what it asks, what it keeps, and what is left after sign-out."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import Playwright

from companion.accounts import queries as people
from companion.clock import utc_now
from companion.protocols.actions import publish
from companion.triage.reader import SHIPPED
from tests.browser.clinic import Clinic
from tests.browser.phones import KINDS, NOT_SENT, Phone, killable
from tests.browser.store import CACHED, KNOWN, in_store

pytestmark = pytest.mark.browser
FORGET_KEY = in_store("writing.objectStore('known').delete('key')")
DRAFT_BYTES = in_store(
    "writing.objectStore('known').getAll(IDBKeyRange.bound('draft:', 'draft:~'))",
    "drafts => drafts[0]?.bytes.byteLength ?? 0",
)
PLAIN_BODIES = in_store("writing.objectStore('entries').getAll()", "all => all.filter(one => one.body).length")
# The store as its first version left it: an entry in plain text.
OLD_STORE = """new Promise((resolve, reject) => {
  indexedDB.deleteDatabase('aftercare').onsuccess = () => {
    const asked = indexedDB.open('aftercare', 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('entries', { keyPath: 'id' }).createIndex('subject', 'subject');
      asked.result.createObjectStore('known');
    };
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const writing = asked.result.transaction('entries', 'readwrite');
      writing.objectStore('entries').put(ENTRY);
      writing.oncomplete = () => { asked.result.close(); resolve(true); };
    };
  };
})"""
# The form is sent a hundred times, each time as another entry, noted 43 minutes after the one before.
MANY = """(async () => {
  const form = document.querySelector('form[data-check-in]');
  const sent = () => new Promise((resolve) => {
    const look = () => (form.dataset.busy ? setTimeout(look, 5) : resolve());
    setTimeout(look, 5);
  });
  for (let n = 0; n < 100; n += 1) {
    form.elements.id.value = crypto.randomUUID();
    form.elements.noted_at.value = new Date(Date.now() - (100 - n) * 43 * 60_000).toISOString();
    form.requestSubmit();
    await sent();
  }
  return true;
})()"""


def test_sessions_aftercare_and_numbers_open_without_a_network(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Plane")
    clinic.line.is_down = True
    phone.open("/sessions")
    phone.sees("Session 1:")
    phone.open("/aftercare")
    phone.sees("No hard exercise. A walk is fine")
    assert "Do not wash your hair" not in phone.text("main")
    phone.open("/call")
    phone.sees("+33 1 99 00 00 02")
    assert phone.js("document.querySelector('main [data-call=clinic]').href") == "tel:+33199000001"
    assert "Session 1:" not in phone.text("main")
    phone.open("/")
    phone.sees("Session 1:")


def test_without_a_network_the_clinics_own_signs_are_asked(clinic: Clinic, phone: Phone) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    line = "It is hard to breathe"
    own = "Breathing is hard for me, even at rest"
    assert f'"{line}"' in shipped
    with clinic.rt.db.transaction(clinic.cast.north) as db:
        carla = people.person(db, clinic.cast.north, clinic.cast.carla)
        text = shipped.replace(f'"{line}"', f'"{own}"')
        publish(db, carla, text, name="own signs", replayed={"entries": 0}, now=utc_now())
    ada = clinic.signed_in(phone, "Ada Signs")
    phone.open("/reactions/new")
    boxes = "[...document.querySelectorAll('[name=group], [name=sign]')]"
    asked = f"{boxes}.map(one => one.closest('label').textContent.trim())"
    online = phone.js(asked)
    assert own in online
    clinic.line.is_down = True
    phone.open("/reactions/new")
    phone.wait_for("document.body.dataset.shellSubject")  # the phone has put in what it knows
    assert phone.js(asked) == online
    assert phone.js("document.querySelector('.masthead__call').checkVisibility()")
    assert phone.js("document.querySelector('[data-done-call] [data-call=out_of_hours]').href") == "tel:+33199000002"
    phone.answer_all_fine()
    clinic.line.is_down = False
    phone.send()
    phone.arrives()
    assert clinic.entries(ada)[0].body["warnings"]["none"] is True


def test_an_emergency_sign_shows_whom_to_call_and_is_sent_behind_it(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Breath")
    clinic.line.is_down = True
    phone.open("/reactions/new")
    phone.tick("area", "nowhere")
    phone.click("[data-next]")
    phone.tick("group", "breathing")
    phone.tick("sign", "breathing_difficulty")
    phone.sees("Call now")
    phone.sees(NOT_SENT)
    assert phone.js("document.querySelector('[data-call-layer] [data-call=emergency]').href") == "tel:112"
    clinic.line.is_down = False
    phone.js("document.dispatchEvent(new Event('visibilitychange'))")
    phone.sees("Sent to your clinic")
    assert [entry.body["feels"] for entry in clinic.entries(ada)] == ["now"]
    phone.click("[data-called]")
    phone.sees("See what to do now")
    assert phone.js("document.querySelector('[data-done-call]').hidden")  # nobody is told twice to call


def test_what_lies_on_the_phone_says_nothing_and_caches_hold_nothing_personal(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Secret")
    clinic.line.is_down = True
    phone.open("/reactions/new")
    phone.answer_face(redness=3)
    phone.send()
    phone.sees(NOT_SENT)
    (kept,) = phone.kept()
    assert set(kept) == {"id", "subject", "state", "attempts", "tryAt", "savedAt", "sealed"}
    assert "bytes" in kept["sealed"]["bytes"]
    assert not any(word in json.dumps(kept) for word in ("redness", "face", "Ada"))
    cached = phone.js(CACHED)
    assert "No network" in cached
    assert not any(word in cached for word in ("Ada Secret", "+33 1 99", "Session 1"))


def test_after_sign_out_nothing_personal_is_left_and_back_shows_nothing(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Gone")
    phone.check_in()
    phone.arrives()
    phone.open("/sessions")
    phone.open("/")
    phone.sees("Hello Ada Gone")
    phone.click("form[data-sign-out] button")
    phone.wait_for("location.pathname === '/sign-in'")
    assert phone.driver.questions == []
    phone.driver.back()
    phone.wait_for("document.readyState === 'complete' && /sign in/i.test(document.body.innerText)")
    assert "Ada Gone" not in phone.text("body")
    assert "Ada Gone" not in phone.js(CACHED)
    assert phone.kept() == []
    assert phone.js(KNOWN) == ["key"]
    clinic.line.is_down = True
    phone.open("/")
    phone.sees("This page needs a network")
    assert "Session 1" not in phone.text("body")


def test_without_a_network_nobody_is_signed_out_by_halves(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada Halves")
    clinic.line.is_down = True
    phone.click("form[data-sign-out] button")
    phone.is_told("That did not work. Check your network and try again")
    clinic.line.is_down = False
    phone.open("/")
    phone.sees("Hello Ada Halves")
    assert "person" in phone.js(KNOWN)


def test_signing_out_with_an_unsent_entry_warns_and_keeps_it(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Warned")
    clinic.line.instead = "server error"
    phone.check_in()
    phone.sees(NOT_SENT)
    phone.open("/")
    phone.click("form[data-sign-out] button")
    phone.wait_for("location.pathname === '/sign-in'")
    phone.is_told("A check-in is not sent yet. It stays on this phone")
    clinic.line.instead = None
    assert clinic.entries(ada) == []
    phone.sign_in(clinic.cookie(ada))
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_half_filled_in_survives_a_killed_browser(
    kind: str, playwright: Playwright, clinic: Clinic, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ada = clinic.patient("Ada Draft")
    clinic.line.is_down = False
    with killable(kind, playwright, tmp_path_factory.mktemp("profile") / "p", clinic.line.url) as browser:
        phone = browser.start()
        phone.sign_in(clinic.cookie(ada))
        phone.open("/reactions/new")
        phone.tick("area", "face")
        phone.click("[data-next]")
        phone.wait_for(f"({DRAFT_BYTES}).then(bytes => bytes > 100)")
        before = phone.js(DRAFT_BYTES)
        phone.tick("face.redness", "2")
        phone.wait_for(f"({DRAFT_BYTES}).then(bytes => bytes > {before})")
        browser.kill()
        phone = browser.start()
        phone.sign_in(clinic.cookie(ada))
        phone.open("/reactions/new")
        phone.sees("What you had filled in is still here.")
        assert phone.js("document.querySelector('[name=\"face.redness\"]:checked').value") == "2"
        phone.click("[data-fill-none]")
        phone.click("[data-next]")
        phone.tick("group", "none")
        phone.click("[data-next]")
        phone.tick("feels", "can_wait")
        phone.send()
        phone.arrives()
        phone.open("/reactions/new")
        assert phone.js("document.querySelector('[data-restored]').hidden")
    assert [entry.body["areas"]["face"]["redness"] for entry in clinic.entries(ada)] == [2]


def test_the_last_answers_are_offered_again_but_never_the_warning_signs(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Same")
    phone.open("/reactions/new")
    phone.answer_face(redness=2, itch=1)
    phone.send()
    phone.arrives()
    phone.open("/reactions/new")
    phone.click("[data-same] button")
    phone.click("[data-next]")
    phone.click("[data-next]")
    assert phone.js("document.querySelectorAll('[name=group]:checked, [name=sign]:checked').length") == 0
    phone.tick("group", "none")
    phone.click("[data-next]")
    phone.tick("feels", "can_wait")
    phone.send()
    phone.wait_for("document.body.dataset.page === 'result'")
    first, second = (entry.body["areas"] for entry in clinic.entries(ada))
    assert first == second


def test_a_new_version_waits_while_a_form_is_open_and_is_asked_for_after_it(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Update")
    phone.open("/reactions/new")
    phone.tick("area", "face")
    clinic.line.worker_prefix = "/* release 2 */"
    waits = "navigator.serviceWorker.getRegistration().then(own => own.waiting)"
    phone.js("navigator.serviceWorker.getRegistration().then(own => own.update()).then(() => true)")
    phone.wait_for(waits)
    assert phone.js("document.querySelector('[data-update]').hidden")
    assert phone.js("document.querySelector('[name=area][value=face]').checked")
    phone.click("[data-next]")
    phone.answer_rest()
    phone.send()
    phone.arrives()
    phone.click("[data-update-now]")
    phone.wait_for(f"({waits}).then(worker => !worker) && document.querySelector('[data-update]').hidden")
    assert len(clinic.entries(ada)) == 1


def test_an_entry_whose_key_is_lost_is_not_lost_in_silence(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Key")
    clinic.line.is_down = True
    phone.check_in()
    phone.sees(NOT_SENT)
    phone.js(FORGET_KEY)
    clinic.line.is_down = False
    phone.open("/")
    phone.sees("it can no longer be read. Please check in again, or call your clinic")
    assert clinic.line.puts == []
    phone.open("/")
    phone.sees("it can no longer be read")
    phone.click("[data-waiting] button")
    phone.wait_for("!document.querySelector('[data-waiting] li')")
    phone.check_in()
    phone.arrives()
    assert len(clinic.entries(ada)) == 1


def test_an_entry_of_the_first_version_of_the_store_is_sealed_and_sent(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Old")
    subject = phone.js("document.body.dataset.subject")
    phone.driver.open(phone.js("document.querySelector('link[rel=icon]').href"))  # without scripts that open the store
    report = {"swelling": 0, "bruising": 0, "redness": 1, "pain": 0, "itch": 0, "bumps": 0, "numbness": 0}
    body = {
        "subject": subject,
        "noted_at": (utc_now() - timedelta(hours=2)).isoformat(),
        "areas": {"face": {**report, "patch_cm": None}},
        "temperature_c": None,
        "warnings": {"none": True, "signs": [], "not_sure": []},
        "feels": "can_wait",
        "words": "",
    }
    entry = {"id": "5f2b1f6e-5d0c-4c8e-9d63-0c6f6f1f7a10", "subject": subject, "body": body, "state": "queued"}
    entry |= {"attempts": 0, "tryAt": 0, "savedAt": 1}
    clinic.line.instead = "server error"
    phone.js(OLD_STORE.replace("ENTRY", json.dumps(entry)))
    phone.open("/")
    phone.sees(NOT_SENT)
    phone.wait_for(f"({PLAIN_BODIES}).then(plain => plain === 0)")
    clinic.line.instead = None
    phone.open("/")
    phone.arrives()
    assert [row.body["areas"]["face"]["redness"] for row in clinic.entries(ada)] == [1]


def test_a_refused_entry_says_to_call_until_the_person_has(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Refused")
    phone.open("/reactions/new")
    phone.answer_all_fine()
    phone.js("document.querySelector('[name=noted_at]').value = '2020-01-01T10:00:00Z'")
    phone.send()
    phone.sees("your clinic could not take it. Please call your clinic")
    phone.open("/")
    phone.sees("your clinic could not take it. Please call your clinic")
    assert clinic.entries(ada) == []
    phone.click("[data-waiting] button")
    phone.wait_for("!document.querySelector('[data-waiting] li')")


def test_a_hundred_entries_of_three_days_arrive_in_order_within_a_minute(clinic: Clinic, phone: Phone) -> None:
    ada = clinic.signed_in(phone, "Ada Trek")
    clinic.line.is_down = True
    phone.open("/reactions/new")
    phone.answer_all_fine()
    phone.js(MANY)
    phone.wait_for("document.querySelectorAll('section[data-done] [data-waiting] li').length === 100", seconds=60)
    began = utc_now()
    clinic.line.is_down = False
    phone.open("/")
    phone.wait_for("document.querySelectorAll('[data-waiting] li[data-state=sent]').length === 100", seconds=60)
    assert utc_now() - began < timedelta(seconds=60)
    noted = [entry.noted_at for entry in clinic.entries(ada)]
    assert len(noted) == 100
    assert noted == sorted(noted)
    assert noted[-1] - noted[0] > timedelta(days=2, hours=20)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_phone_sends_at_once_or_says_that_it_could_not_keep_anything(
    kind: str, playwright: Playwright, clinic: Clinic, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ada = clinic.patient("Ada Full")
    clinic.line.is_down = False
    with killable(kind, playwright, tmp_path_factory.mktemp("profile") / "p", clinic.line.url, is_full=True) as browser:
        phone = browser.start()
        phone.driver.set_cookie("sign-in", clinic.cookie(ada), domain="127.0.0.1")
        phone.open("/reactions/new")
        phone.answer_all_fine()
        phone.tick("feels", "today")
        clinic.line.is_down = True
        phone.send()
        phone.sees("This phone could not save your answers. Free some space and try again, or call your clinic")
        assert phone.js("document.querySelector('[name=feels]:checked').value") == "today"
        assert clinic.entries(ada) == []
        clinic.line.is_down = False
        phone.send()
        phone.arrives()
    assert [entry.body["feels"] for entry in clinic.entries(ada)] == ["today"]
