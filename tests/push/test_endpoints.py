"""Endpoints and keys are outside data: only push services on the list, only keys that can be keys."""

import base64

import pytest

from companion.config import PUSH_HOSTS
from companion.push.rules import is_allowed_endpoint, is_good_auth, is_good_point
from companion.push.transport import is_public
from tests.push_messages import DeviceKeys

HOSTILE = [
    "https://127.0.0.1/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://2130706433/x",
    "https://0x7f.1/x", "https://localhost/x", "http://fcm.googleapis.com/x", "ftp://fcm.googleapis.com/x",
    "https://fcm.googleapis.com@evil.example/x", "https://user:pw@fcm.googleapis.com/x",
    "https://fcm.googleapis.com.evil.example/x", "https://evilfcm.googleapis.com/x", "https://fcm.googleapis.com:22/x",
    "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com\\@evil.example/x", "https://fcm.googleapis.com#@evil",
    "https://fcm.googleapis.com\r\nHost: evil/x", "https://fcm.googleapis.com\t/x", " https://fcm.googleapis.com/x",
    "https://fcm.googleapis.com /x",
    "https:/fcm.googleapis.com/x", "https:fcm.googleapis.com/x", "//fcm.googleapis.com/x",
    "javascript:alert(1)", "", "https://", "https:///x", "https://.push.services.mozilla.com/x",
    "https://push.services.mozilla.com.evil.example/", "https://xpush.services.mozilla.com/x",
    "https://notify.windows.com.evil.example/x", "https://169.254.169.254/latest", "https://metadata.internal/x",
    "https://fcm.googleapis.com:99999/x", "https://fcm。googleapis。com/x", "https://fcm.googleapis.com%2eevil.example/x",
    "https://fcm.googleapis.com/" + "x" * 2000, "data:text/plain,x",
]  # fmt: skip
GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://fcm.googleapis.com:443/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://web.push.apple.com/abc",
    "https://api.push.apple.com/abc",
    "https://wns2-par02p.notify.windows.com/w/?token=abc",
]


@pytest.mark.parametrize("endpoint", HOSTILE)
def test_a_hostile_endpoint_is_refused(endpoint: str) -> None:
    assert not is_allowed_endpoint(endpoint, PUSH_HOSTS)


@pytest.mark.parametrize("endpoint", GOOD)
def test_a_push_service_on_the_list_is_accepted(endpoint: str) -> None:
    assert is_allowed_endpoint(endpoint, PUSH_HOSTS)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "::1", "64:ff9b::a00:1", "2002::1"],
)
def test_no_address_of_the_own_network_counts_as_public(address: str) -> None:
    assert not is_public(address)


def test_a_real_device_key_is_accepted_and_others_are_not() -> None:
    keys = DeviceKeys().public
    assert is_good_point(keys["p256dh"])
    assert is_good_auth(keys["auth"])
    point = base64.urlsafe_b64decode(keys["p256dh"] + "=")
    off_curve = point[:-1] + bytes([point[-1] ^ 1])
    for wrong in (b"\x02" + point[1:33], off_curve, point[:-1], b""):
        assert not is_good_point(base64.urlsafe_b64encode(wrong).rstrip(b"=").decode())
    for wrong_auth in ("", "AAAA", "!" * 22, keys["auth"] + "AAAA"):
        assert not is_good_auth(wrong_auth)
