"""The list of one's own check-ins without a network: from the phone's own store, and never the form by mistake."""

import pytest

from tests.browser.clinic import Clinic
from tests.browser.phones import NOT_SENT, Phone
from tests.browser.store import in_store

pytestmark = pytest.mark.browser
# Lets the one entry that is kept have been sent so long ago.
AGE = in_store(
    "(entries => { const all = entries.getAll(); all.addEventListener('success', () => { for (const one of all.result) "
    "entries.put({ ...one, savedAt: one.savedAt - AGE_MS, sentAt: one.sentAt - AGE_MS }); }); return all; })"
    "(writing.objectStore('entries'))",
    "() => true",
)
SHOWN_STATES = (
    "[...document.querySelectorAll('[data-waiting] li')].filter(one => one.checkVisibility())"
    ".map(one => one.dataset.state)"
)


def test_without_a_network_the_list_of_check_ins_is_the_phones_own(clinic: Clinic, phone: Phone) -> None:
    clinic.signed_in(phone, "Ada List")
    clinic.line.is_down = True
    phone.open("/reactions")
    phone.sees("No check-in was sent from this phone in the last 30 days.")
    clinic.line.is_down = False
    phone.check_in()
    phone.arrives()
    ten_days = 10 * 86_400_000
    phone.js(AGE.replace("AGE_MS", str(ten_days)))
    clinic.line.is_down = True
    phone.check_in()
    phone.sees(NOT_SENT)
    (old, new) = sorted(phone.kept(), key=lambda entry: entry["savedAt"])
    for address in ("/reactions", f"/reactions/{old['id']}"):
        phone.open(address)
        phone.sees("Your check-ins")
        phone.wait_for("document.querySelectorAll('[data-shell-part=entries] li').length === 2")
        assert [new["state"], old["state"]] == ["queued", "sent"] == phone.js(SHOWN_STATES)
        assert phone.js(f"document.querySelector('main').innerText.includes(new Date({old['savedAt']}).getDate())")
        assert not phone.js("document.querySelector('form[data-check-in]').checkVisibility()")
        assert not phone.js("document.querySelector('[data-waiting] a')")  # what it leads to needs a network
        assert "No check-in was sent" not in phone.text("main")
    phone.open("/")
    phone.sees(NOT_SENT)
    assert phone.js(SHOWN_STATES) == ["queued"]
    phone.open("/reactions/new")
    phone.wait_for("document.querySelector('form[data-check-in]').checkVisibility()")
