"""Real push: a real Firefox, the product's web and worker, and a push service that is as strict as the real ones."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from companion.accounts.models import Person
from companion.clock import utc_now
from companion.config import load_secrets, make_secrets, rotate_vapid_key, vapid_key_id
from companion.db import EVERY_CLINIC
from companion.ids import new_id
from companion.outbox import actions
from companion.outbox.models import Attempt, Message
from companion.push.models import Subscription
from companion.push.transport import PAYLOAD_BYTES, Push, Result, Transport, payload
from companion.runtime import Runtime
from companion.wiring import build_runtime
from tests.browser.firefox import Firefox
from tests.browser.installation import Installation, prepared, running
from tests.outbox.test_delivery import send_all
from tests.push_messages import MAX_BODY_BYTES
from tests.push_service import PushService

pytestmark = pytest.mark.browser
NURSE = "Iris Vale"
READY = "navigator.serviceWorker.ready.then(r => r.getNotifications())"


@pytest.fixture(scope="module")
def installation(product: Installation) -> Iterator[Runtime]:
    """The running product's database and secrets."""
    rt = build_runtime(product.config)
    yield rt
    rt.db.close()


@pytest.fixture(scope="module")
def firefox(product: Installation, real_push_service: PushService) -> Iterator[Firefox]:
    """A nurse's Firefox; its notifications are allowed, and its page has subscribed."""
    with Firefox.running(push_url=real_push_service.websocket_url) as browser:
        switch_on(browser, product)
        yield browser


@pytest.fixture
def nurse(firefox: Firefox, product: Installation, real_push_service: PushService) -> Firefox:
    """The same, on the queue's page, with nothing shown yet and a quiet push service."""
    real_push_service.heal()
    firefox.open(f"{product.url}/console/")
    until_on(firefox)
    firefox.js(f"{READY}.then(list => list.forEach(one => one.close()))")
    real_push_service.log.clear()
    return firefox


Send = Callable[[list[Push]], list[Result]]


@pytest.fixture
def send(installation: Runtime) -> Iterator[Send]:
    """Sends from a thread of its own, as the worker does: in this one a browser's event loop may run."""
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(Transport, installation.config, installation.secrets, utc_now).result()
        yield lambda pushes: thread.submit(send_all, made, pushes).result()
        thread.submit(made.close).result()


def switch_on(browser: Firefox, product: Installation) -> None:
    """Sign in, and press what switches notifications on."""
    sign_in(browser, product)
    browser.wait_for("document.querySelector('[data-push]').dataset.state === 'push_off'")
    browser.allow_notifications(product.url)
    browser.click("[data-push-ask]")
    until_on(browser)


def sign_in(browser: Firefox, product: Installation) -> None:
    browser.open(product.link(NURSE))
    browser.click("form[data-join] button")
    browser.wait_for("location.pathname === '/console/'")


def until_on(browser: Firefox) -> None:
    browser.wait_for("['push_on', 'push_proven'].includes(document.querySelector('[data-push]').dataset.state)")


def device_of(rt: Runtime) -> Subscription:
    with rt.db.reading(EVERY_CLINIC) as db:
        own = select(Subscription).join(Person, Person.id == Subscription.person_id).where(Person.name == NURSE)
        return db.scalars(own.order_by(Subscription.seen_at.desc())).first()  # type: ignore[return-value] # there is


def tell(rt: Runtime, url: str = "/console/patients") -> UUID:
    """Write a message to the nurse; the product's worker sends it."""
    now = utc_now()
    with rt.db.transaction(EVERY_CLINIC) as db:
        nurse = db.scalars(select(Person).where(Person.name == NURSE)).one()
        message_id = actions.enqueue(
            db,
            (nurse.clinic_id, nurse.id),
            kind="visit_moved",
            about=("person", new_id()),
            url=url,
            dedupe_key=str(new_id()),
            now=now,
            expires_at=now + timedelta(hours=1),
            is_urgent=True,
        )
    assert message_id is not None
    return message_id


def until_state(rt: Runtime, message_id: UUID, *states: str) -> str:
    """The message's state once it is one of these; AssertionError when that takes too long."""

    def state() -> str:
        with rt.db.reading(EVERY_CLINIC) as db:
            return db.scalars(select(Message.state).where(Message.id == message_id)).one()

    until(lambda: state() in states)
    return state()


def until(happened: Callable[[], bool], *, seconds: float = 20) -> None:
    """Look again and again, since another process writes it; AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.05)


def push_to(device: Subscription, *, body: str = "Time for your check-in.", tag: str = "", ttl: int = 3600) -> Push:
    return Push(
        device_id=device.id,
        endpoint=device.endpoint,
        p256dh=device.p256dh,
        auth=device.auth,
        key_id=device.key_id,
        title="Aftercare Companion",
        body=body,
        navigate="/",
        receipt="",
        tag=tag or str(new_id()),
        lang="en",
        ttl_seconds=ttl,
        is_urgent=True,
    )


def shown(browser: Firefox) -> list[str]:
    return [str(one["body"]) for one in browser.notifications()]


def test_a_push_comes_to_a_closed_page_and_its_receipt_comes_back(
    nurse: Firefox, product: Installation, installation: Runtime
) -> None:
    nurse.open("about:blank")
    message_id = tell(installation)
    assert until_state(installation, message_id, "shown") == "shown"
    nurse.open(f"{product.url}/console/")
    assert shown(nurse) == ["An appointment has changed. Open the app."]
    nurse.wait_for("document.querySelector('[data-push]').dataset.state === 'push_proven'")


def test_the_test_button_waits_for_the_device_itself(nurse: Firefox, installation: Runtime) -> None:
    nurse.click("[data-push-test]")
    nurse.wait_for("document.querySelector('[data-push-state]').innerText.startsWith('The test came at ')")
    assert "This device works." in shown(nurse)


def test_a_tap_opens_the_right_page_in_the_window_that_is_there(
    nurse: Firefox, product: Installation, installation: Runtime
) -> None:
    until_state(installation, tell(installation), "shown")
    pages = len(nurse.pages())
    nurse.click_notification()
    nurse.wait_for("location.pathname === '/console/patients'")
    assert len(nurse.pages()) == pages


def test_a_tap_leaves_a_half_filled_check_in_alone(
    nurse: Firefox, product: Installation, installation: Runtime
) -> None:
    until_state(installation, tell(installation), "shown")
    # By its address: whose page it is does not matter.
    nurse.open(f"{product.url}/reactions/new")
    pages = set(nurse.pages())
    nurse.click_notification()
    until(lambda: f"{product.url}/console/patients" in nurse.pages())
    assert pages <= set(nurse.pages())


def test_after_an_unsubscribe_the_service_says_gone_and_the_next_opening_subscribes_again(
    nurse: Firefox, product: Installation, installation: Runtime, real_push_service: PushService
) -> None:
    before = device_of(installation)
    nurse.js("navigator.serviceWorker.ready.then(r => r.pushManager.getSubscription()).then(s => s.unsubscribe())")
    message_id = tell(installation)
    assert until_state(installation, message_id, "unreachable") == "unreachable"
    with installation.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Attempt.status_code).where(Attempt.message_id == message_id)).one() == 410
        assert before.id not in db.scalars(select(Subscription.id)).all()
    nurse.open(f"{product.url}/console/")
    until_on(nurse)
    assert device_of(installation).endpoint != before.endpoint
    assert until_state(installation, tell(installation), "shown") == "shown"


def test_a_device_of_another_key_moves_to_the_present_one_on_opening(
    nurse: Firefox, product: Installation, installation: Runtime, tmp_path: Path
) -> None:
    make_secrets(tmp_path)
    other = load_secrets(tmp_path).vapid_public_key
    nurse.js(
        "navigator.serviceWorker.ready.then(async ({ pushManager }) => {"
        " await (await pushManager.getSubscription()).unsubscribe();"
        f" await pushManager.subscribe({{ userVisibleOnly: true, applicationServerKey: '{other}' }}); }})"
    )
    nurse.open(f"{product.url}/console/")
    until_on(nurse)
    assert device_of(installation).key_id == installation.secrets.vapid_public_key[:16]
    assert until_state(installation, tell(installation), "shown") == "shown"


def test_a_subscription_that_the_push_service_lost_is_made_again_by_the_worker_alone(
    nurse: Firefox, installation: Runtime, real_push_service: PushService
) -> None:
    before = device_of(installation).endpoint
    nurse.open("about:blank")
    real_push_service.forget_browsers()
    (made,) = real_push_service.wait_for("register", timeout=30)
    until(lambda: device_of(installation).endpoint == made.endpoint)
    assert made.endpoint != before
    assert until_state(installation, tell(installation), "shown") == "shown"


def test_the_longest_message_fits_and_a_longer_one_is_our_own_fault(
    nurse: Firefox, installation: Runtime, send: Send, real_push_service: PushService
) -> None:
    device = device_of(installation)
    room = PAYLOAD_BYTES - len(payload(push_to(device, body="")).rstrip())
    fits, too_long = push_to(device, body="x" * room), push_to(device, body="x" * (room + 1))
    assert [one.outcome for one in send([fits, too_long])] == ["accepted", "refused"]
    (accepted,) = real_push_service.wait_for("acknowledged")
    assert accepted.status == 100
    assert len(accepted.body) < 2048 < MAX_BODY_BYTES
    nurse.wait_for(f"{READY}.then(list => list.length === 1 && list[0].body.length === {room})")


def test_a_message_that_may_not_wait_is_lost_while_offline_and_one_that_may_comes_later(
    nurse: Firefox, installation: Runtime, send: Send, real_push_service: PushService
) -> None:
    device = device_of(installation)
    real_push_service.disconnect_browsers()
    real_push_service.wait_for("disconnected")
    now_or_never, later = push_to(device, body="now", ttl=0), push_to(device, body="later", ttl=60)
    assert send([now_or_never, later]) == [Result(device.id, "accepted", 201)] * 2
    assert len(real_push_service.wait_for("lost")) == 1
    real_push_service.reconnect_browsers()
    nurse.wait_for(f"{READY}.then(list => list.length)")
    assert shown(nurse) == ["later"]


def test_a_newer_word_on_the_same_thing_replaces_the_one_that_waits(
    nurse: Firefox, installation: Runtime, send: Send, real_push_service: PushService
) -> None:
    device = device_of(installation)
    real_push_service.disconnect_browsers()
    real_push_service.wait_for("disconnected")
    for body in ("old", "new"):
        send([push_to(device, body=body, tag="one thing")])
    send([push_to(device, body="other", tag="another")])
    assert len(real_push_service.wait_for("replaced")) == 1
    real_push_service.reconnect_browsers()
    nurse.wait_for(f"{READY}.then(list => list.length === 2)")
    assert sorted(shown(nurse)) == ["new", "other"]


def test_a_service_that_asks_to_wait_is_given_the_time_and_the_message_comes_once(
    nurse: Firefox, installation: Runtime, real_push_service: PushService
) -> None:
    real_push_service.inject(429, retry_after=3)
    assert until_state(installation, tell(installation), "shown") == "shown"
    (refused,), (accepted,) = real_push_service.entries("refused"), real_push_service.entries("accepted")
    assert refused.status == 429
    assert accepted.at - refused.at >= 3
    assert len(shown(nurse)) == 1


def test_signing_out_ends_the_subscription_and_nothing_is_shown_any_more(
    nurse: Firefox, product: Installation, installation: Runtime, real_push_service: PushService
) -> None:
    before = device_of(installation)
    until_state(installation, tell(installation), "shown")
    nurse.click("form[data-sign-out] button")
    nurse.wait_for("location.pathname === '/sign-in'")
    assert shown(nurse) == [], "what was shown before is gone"
    assert real_push_service.wait_for("unregister")[0].endpoint == before.endpoint
    assert until_state(installation, tell(installation), "unreachable") == "unreachable"
    assert shown(nurse) == []
    sign_in(nurse, product)
    until_on(nurse)


@pytest.mark.long
def test_after_a_change_of_our_key_a_closed_phone_is_told_and_an_opened_one_moves(
    tmp_path: Path, real_push_service: PushService
) -> None:
    with (
        prepared(tmp_path, real_push_service.environment) as product,
        Firefox.running(push_url=real_push_service.websocket_url) as phone,
    ):
        with running(product):
            switch_on(phone, product)
        rotate_vapid_key(tmp_path / "secrets")
        phone.open("about:blank")
        rt = build_runtime(product.config)
        before, present = device_of(rt).key_id, vapid_key_id(rt.secrets.vapid_public_key)
        with running(product):
            assert until_state(rt, tell(rt), "shown") == "shown"
            assert device_of(rt).key_id == before != present
            phone.open(f"{product.url}/console/")
            until(lambda: device_of(rt).key_id == present)
            assert until_state(rt, tell(rt), "shown") == "shown"
        rt.db.close()
