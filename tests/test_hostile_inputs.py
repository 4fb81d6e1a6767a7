"""What must never get in, in tables: what is sent, and what must come of it, on both databases.

Each row is refused or taken as it says, is never an error of ours, and leaves every page as it was. What a package's
own tests hold already is not repeated here; what many do at the same moment is in `test_at_once.py`.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from companion.accounts.models import Person
from companion.app import create_app
from companion.db import EVERY_CLINIC
from companion.outbox.transport import Letter, Mail
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from tests import mail_server as mail_servers
from tests.authenticator import Authenticator
from tests.passkeys.test_passkeys import HOST, ORIGIN, new, signed_in, use
from tests.people import NOW, Cast
from tests.reactions.test_entries import FORM, count, entry
from tests.signed_in import browser

REFUSED = 422


@dataclass(frozen=True, slots=True)
class Row:
    """Who (nobody if empty) sends what where, and the status that must come. `{}` in a path is Ada's id."""

    id: str
    who: str
    method: str
    path: str
    status: int
    sent: dict[str, Any] = field(default_factory=dict)
    location: str | None = None


PAGES = {
    "ada": ("/", "/reactions", "/reactions/new", "/sessions", "/reminders"),
    "iris": ("/console/", "/console/patients", "/console/patients/{}", "/console/coverage", "/console/rota"),
    "max": ("/console/hours", "/console/policies"),
}


def broken_pages(app: Flask, rt: Runtime, cast: Cast) -> list[str]:
    """Pages that open no more, those of entries and cases included."""
    broken = []
    for name, paths in PAGES.items():
        client = browser(app, rt, (cast.north, getattr(cast, name)))
        pages = {path.format(cast.ada): client.get(path.format(cast.ada)) for path in paths}
        links = {link for page in pages.values() for link in re.findall(r'href="(/[a-z/]+/[0-9a-f-]{36})"', page.text)}
        pages |= {link: client.get(link) for link in links}
        broken += [path for path, page in pages.items() if page.status_code >= 500]
    return broken


def entries() -> Iterator[Row]:
    """Entries of the phone: what is changed in a good one."""
    for name, status, change in (
        ("written by a phone whose clock is at 1970", 201, {"sent_at": "1970-01-01T00:00:00Z"}),
        ("written by a phone whose clock is at 1900", 201, {"sent_at": "1900-01-01T00:00:00Z"}),
        ("written by a phone whose clock is at 9999", 201, {"sent_at": "9999-12-31T23:59:59Z"}),
        ("sent before the first year", REFUSED, {"sent_at": "0001-01-01T00:00:00+14:00"}),
        ("noted before the first year", REFUSED, {"noted_at": "0001-01-01T00:00:00+14:00"}),
        ("noted after the last year", REFUSED, {"noted_at": "9999-12-31T23:00:00-14:00"}),
        ("noted in a hundred years", REFUSED, {"noted_at": "2126-11-23T10:00:00Z"}),
        ("noted in 1900", REFUSED, {"noted_at": "1900-01-01T00:00:00Z"}),
        ("as far apart as time goes", REFUSED, {"sent_at": "0001-01-02T00:00:00Z", "noted_at": "9999-12-30T00:00:00Z"}),
        ("a leap second", REFUSED, {"noted_at": "2026-11-23T09:59:60Z"}),
        ("hour 24", REFUSED, {"noted_at": "2026-11-22T24:00:00Z"}),
        ("nanoseconds", 201, {"noted_at": "2026-11-23T09:59:59.123456789Z"}),
        ("a named zone", REFUSED, {"noted_at": "2026-11-23T10:00:00[Mars/Phobos]"}),
        ("digits of another script", REFUSED, {"noted_at": "٢٠٢٦-11-23T09:00:00Z"}),
        ("three days late", 201, {"noted_at": "2026-11-20T10:00:00Z"}),
        ("emoji with joiners", 201, {"words": "👩🏽‍⚕️é" * 100}),
        ("2,000 characters beyond the basic plane", 201, {"words": "😀" * 2000}),
        ("100,000 characters", 413, {"words": "x" * 100_000}),
        ("control characters", 201, {"words": "\x1b[2J\r\n2026-01-01 INFO login ok\x07\u202e\u2028"}),
        ("a sign with a line end", REFUSED, {"warnings": {"none": False, "signs": ["collapse\n"], "not_sure": []}}),
        ("nothing said of warnings", REFUSED, {"warnings": None}),
        ("an area of the language's own", REFUSED, {"areas": {"__proto__": {}}}),
        ("somebody else's clinic", REFUSED, {"clinic_id": "1", "patient_id": "1", "acked": True}),
    ):
        both: dict[str, Any] = (
            {"noted_at": change["sent_at"], **change} if status == 201 and "sent_at" in change else change
        )
        yield Row(name, "ada", "PUT", "/reactions/{new}", status, {"json": entry(**both)})
    good = json.dumps(entry())
    for name, status, raw in (
        ("lists in lists", 400, b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
        ("lists in lists as deep as the reader goes", REFUSED, b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"),
        ("objects in objects", 400, b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
        ("a mark of byte order", 400, b"\xef\xbb\xbf" + good.encode()),
        ("UTF-16", 400, good.encode("utf-16")),
        ("a zero byte at the end", 400, good.encode() + b"\0"),
        ("a grade that is no number", REFUSED, good.replace('"redness": 1', '"redness": NaN').encode()),
        ("a grade without end", REFUSED, good.replace('"redness": 1', '"redness": -Infinity').encode()),
        ("a grade of 30 digits", REFUSED, good.replace('"redness": 1', f'"redness": {"9" * 30}').encode()),
        ("a grade of 5,000 digits", 400, good.replace('"redness": 1', f'"redness": {"9" * 5000}').encode()),
        ("a grade with a dot", REFUSED, good.replace('"redness": 1', '"redness": 1.0').encode()),
        ("a grade twice", 400, good.replace('"redness": 1', '"redness": 4, "redness": 1').encode()),
        ("half a character", REFUSED, good.replace('"words": ""', '"words": "\\ud800"').encode()),
    ):
        sent = {"data": raw, "content_type": "application/json"}
        yield Row(name, "ada", "PUT", "/reactions/{new}", status, sent)


def check_ins() -> Iterator[Row]:
    """The check-in without a script: two answers to one question are none, and the worse of two signs counts."""
    for name, status, change in (
        ("two grades", REFUSED, {"face.pain": ["0", "4"]}),
        ("two feelings", REFUSED, {"feels": ["can_wait", "now"]}),
        ("two temperatures", REFUSED, {"temperature_c": ["36.5", "40"]}),
        ("a grade in another script", REFUSED, {"face.pain": "٣"}),
        ("a temperature in another script", REFUSED, {"temperature_c": "٣٧"}),
        ("a temperature with a power", REFUSED, {"temperature_c": "1e3"}),
        ("somewhere and nowhere", REFUSED, {"area": ["face", "nowhere"]}),
        ("an area nobody knows", REFUSED, {"area": ["moon"]}),
        ("noted after the last year", REFUSED, {"noted_at": "9999-12-31T23:00:00-14:00"}),
        ("noted in a hundred years", REFUSED, {"noted_at": "2126-11-23T10:00:00Z"}),
        ("noted without a zone", REFUSED, {"noted_at": "2026-11-23T10:00:00"}),
        ("61 groups", REFUSED, {"group": ["x"] * 61}),
        ("a sign with a space", REFUSED, {"sign": ["x y"]}),
    ):
        yield Row(name, "ada", "POST", "/reactions", status, {"data": {**FORM, "id": str(uuid4()), **change}})
    with_file = {**FORM, "id": str(uuid4()), "words": (BytesIO(b"I cannot breathe"), "words.txt")}
    yield Row("words in a file", "ada", "POST", "/reactions", 400, {"data": with_file})


ENROLMENT = {
    "locale": "en",
    "indication": "rejuvenation",
    "areas": "face",
    "agents": "vitamins",
    "technique": "manual_needle",
    "planned_visits": "4",
    "interval_days": "21",
}
LEVEL = {"area": "face", "symptom": "swelling", "grade": "2", "days": "3", "reason": "Known to swell."}
LADDER = {"audience-0": "on_duty", "channel-0": "push", "version": "0"}


def people() -> Iterator[Row]:
    """Names, addresses and numbers of patients."""
    patient = "/console/patients/{}"
    for name, status in (
        ("\u202eadA", REFUSED),
        ("a\x07b", REFUSED),
        ("x" * 101, REFUSED),
        ("x\r\nBcc: all@clinic.example", 201),
        ("Аdmin", 201),
        ("' OR 1=1 --", 201),
        ('"></script><script>alert(1)</script>', 201),
    ):
        data = {**ENROLMENT, "id": str(uuid4()), "name": name}
        yield Row(f"a patient named {name[:20]!r}", "iris", "POST", "/console/patients", status, {"data": data})
    for name in ("' OR 1=1 --", "%", "_", "\\", "x" * 100_000):
        yield Row(
            f"looking for {name[:20]!r}", "iris", "POST", "/console/patients/found", 200, {"data": {"named": name}}
        )
    yield Row("looking for NUL", "iris", "POST", "/console/patients/found", 400, {"data": {"named": "\0"}})
    for email in NO_ADDRESSES:
        data = {"contact_email": email, "contact_agreed": "1"}
        yield Row(f"writing to {email[:20]!r}", "iris", "POST", f"{patient}/contact", REFUSED, {"data": data})
    for number in ("-----", "()()()", "+     ", "٠١٢٣٤٥", "tel:123456", "12-34-", "1" * 26):
        yield Row(f"calling {number!r}", "iris", "POST", f"{patient}/numbers", REFUSED, {"data": {"phone": number}})


def settings() -> Iterator[Row]:
    """What the clinic expects, whom it tells, and when."""
    patient = "/console/patients/{}"
    for days, grade in (("0", "2"), ("15", "2"), ("9" * 9, "2"), ("٣", "2"), ("1.5", "2"), ("3", "4"), ("3", "٢")):
        data = {**LEVEL, "days": days, "grade": grade}
        yield Row(f"grade {grade}, {days} days", "iris", "POST", f"{patient}/expected-levels", REFUSED, {"data": data})
    for minutes, again in (("0", "0"), ("0", "-5"), ("0", "1000000000"), ("-5", "10"), ("1e3", "10"), ("0", "٣")):
        data = {**LADDER, "minutes-0": minutes, "repeat": again}
        path = "/console/policies/clinic_same_day"
        yield Row(f"told after {minutes}, again after {again}", "carla", "POST", path, REFUSED, {"data": data})
    for starts, ends in (("0٩:00", "17:00"), ("09:00", "1٧:00"), ("24:00", "01:00"), ("", ""), ("9:00", "17:00")):
        data = {"starts": starts, "ends": ends, "weekday": "0", "person": "{iris}"}
        yield Row(f"duty {starts!r} to {ends!r}", "max", "POST", "/console/rota/shifts", REFUSED, {"data": data})
    for opens, closes in (("0٩:00", "1٨:00"), ("24:00", "25:00"), ("18:00", "09:00"), ("09:00", "")):
        data = {"day-0-opens": opens, "day-0-closes": closes}
        yield Row(f"open {opens!r} to {closes!r}", "max", "POST", "/console/hours", REFUSED, {"data": data})
    seven = {f"audience-{row}": "nurses" for row in range(7)} | {f"minutes-{row}": str(row) for row in range(7)}
    data = {**LADDER, **seven, "repeat": "10"}
    yield Row("seven steps", "carla", "POST", "/console/policies/clinic_same_day", REFUSED, {"data": data})
    yield Row("closed in a week", "max", "POST", "/console/hours", REFUSED, {"data": {"date": "2026-W50-1"}})
    yield Row(
        "closed on a day that is none", "max", "POST", "/console/hours", REFUSED, {"data": {"date": "2026-02-30"}}
    )
    yield Row("closed on the last day of all", "max", "POST", "/console/hours", 303, {"data": {"date": "9999-12-31"}})
    for name in ("mallory", "ada"):
        data = {"starts": "09:00", "ends": "10:00", "weekday": "0", "person": f"{{{name}}}"}
        yield Row(f"duty of {name}", "max", "POST", "/console/rota/shifts", REFUSED, {"data": data})
    for day, hour in (
        ("2026-03-29", "02:30"),
        ("2026-10-25", "02:30"),
        ("2026-12-01", "23:59:60"),
        ("2026-12-01", "10"),
        ("2026-W50-1", "10:00"),
        ("20261201", "10:00"),
        ("2026-12-01", "10:00Z"),
        ("2026-12-01", "10:00+25:00"),
        ("9999-12-31", "23:59"),
        ("0001-01-01", "00:00"),
        ("２０２６-12-01", "10:00"),
    ):
        path = f"{patient}/courses/{{ada_course}}/visits"
        yield Row(f"a session on {day} at {hour}", "iris", "POST", path, REFUSED, {"data": {"date": day, "time": hour}})


def addresses() -> Iterator[Row]:
    """Addresses of pages, headers and cookies."""
    for path in (
        "/console/protocol/a%00b",
        "/console/protocol/a%0d%0ab",
        "/console/protocol/%ed%a0%80",
        "/console/policies/a%00",
        "/console/coverage/a%00",
    ):
        yield Row(path, "carla", "GET", path, 404)
    for path in ("/shell/..%2f..%2fetc", "/shell/a%00", "/static/..%2f..%2fetc/passwd", "/static/dist/a%00.js"):
        yield Row(path, "", "GET", path, 404)
    for token in ("a", "%00", "a.b.c", "A" * 200, "é" * 40, "%ff%fe" * 20):
        yield Row(f"receipt {token[:9]}", "", "POST", f"/receipts/{token}", 404)
        yield Row(f"opening {token[:9]}", "", "POST", f"/receipts/{token}/opening", 404)
    for query in ("days=9999999999", "days=%00", "days=30&days=x"):
        yield Row(f"figures {query}", "iris", "GET", f"/console/figures?{query}", 200)
    for query in ("date=2100-12-31&time=23:59", "date=%00&time=%00", "date=2026-03-29&time=02:30", "level=%00&fold=9"):
        yield Row(f"simulation {query}", "carla", "GET", f"/console/policies?{query}", 200)
    for name, value in (
        ("Cookie", "sign-in=" + "\xe9" * 43 + "; language=\xff; ;=;"),
        ("Cookie", "remember_token=1|abc; session=eyJ; __Host-unused-remember=1|a; sign-in=" + "A" * 43),
        ("Accept-Language", "x" * 5000 + ",fr-*;q=nan,*;q=1,\xe9"),
        ("Accept", "a/b;q=\xe9,,;;=, application/json;q=nan"),
        ("User-Agent", "\xe9" * 9000),
        ("X-Forwarded-For", "127.0.0.1, \xe9"),
        ("Range", "bytes=9999999999999-,,-1"),
    ):
        yield Row(f"{name} {value[:12]!r}", "", "GET", "/sign-in", 200, {"headers": {name: value}})
    yield Row(
        "a token of figures that is none", "", "GET", "/metrics", 404, {"headers": {"Authorization": "Bearer \xe9"}}
    )
    for verb in ("acknowledgement", "contacts", "resolution", "reopening"):
        yield Row(f"{verb} by a link", "iris", "GET", f"/console/cases/{uuid4()}/{verb}", 405)


def sign_in() -> Iterator[Row]:
    """What anybody may send who is not signed in."""
    form = "application/x-www-form-urlencoded"
    for path, status in (("/sign-in", REFUSED), ("/join", REFUSED), ("/app", REFUSED), ("/language", 400)):
        for name, sent in (
            ("broken parts", {"data": b"--x\r\nnot", "content_type": "multipart/form-data; boundary=x"}),
            ("parts without a boundary", {"data": b"abc", "content_type": "multipart/form-data"}),
            ("30,000 fields", {"data": b"&".join(b"a%d=1" % n for n in range(30_000)), "content_type": form}),
            ("another encoding", {"data": "email=é".encode("utf-16"), "content_type": f"{form}; charset=utf-16"}),
            ("no text", {"data": b"email=%ff%fe&token=%ff%ff%ff%ff%ff%ff%ff%ff", "content_type": form}),
            ("JSON", {"json": {"email": 1}}),
        ):
            yield Row(f"{path} {name}", "", "POST", path, status, sent)
        yield Row(f"{path} a megabyte", "", "POST", path, 413, {"data": {"password": "x" * 1_000_000}})
    for name, status in (
        ("evil.example", 400),
        ("localhost:9", 200),
        ("localhost:99999", 400),
        ("localhost@evil.example", 400),
    ):
        yield Row(f"a page for the host {name!r}", "", "GET", "/sign-in", status, {"headers": {"Host": name}})
    for back in ("//evil.example", "https:evil", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1"):
        data = {"language": "en", "back": back}
        yield Row(f"back to {back!r}", "", "POST", "/language", 303, {"data": data}, location="/")
    for password, status in (("x", REFUSED), ("x" * 129, REFUSED), ("a\0b" * 10, 400), (" " * 30, REFUSED)):
        data = {"password": password}
        yield Row(f"password {password[:3]!r}", "iris", "POST", "/password", status, {"data": data})
    for password in ("correct horse battery stapler", "👩🏽‍⚕️" * 20, "x1 y2 z3 " * 14):
        yield Row(f"password {password[:9]!r}", "iris", "POST", "/password", 303, {"data": {"password": password}})


def subscriptions() -> Iterator[Row]:
    """Devices for notifications."""
    keys = {"p256dh": "A" * 87, "auth": "A" * 22}
    for name, body in (
        ("nothing", {}),
        ("numbers", {"endpoint": 1, "keys": 2, "key": 3}),
        ("lists", {"endpoint": [], "keys": [], "key": {}}),
        ("an open bracket", {"endpoint": "https://[::1", "keys": keys, "key": "k"}),
        ("a port past all ports", {"endpoint": "https://fcm.googleapis.com:99999/", "keys": keys, "key": "k"}),
        ("letters with accents", {"endpoint": "https://fcm.googleapis.com/é", "keys": keys, "key": "é"}),
    ):
        yield Row(f"a device of {name}", "ada", "POST", "/push/subscriptions", REFUSED, {"json": body})
    yield Row(
        "text as a device", "ada", "POST", "/push/subscriptions", 400, {"data": "x", "content_type": "text/plain"}
    )
    yield Row("no address to forget", "ada", "DELETE", "/push/subscriptions", REFUSED, {"json": {"endpoint": None}})


NO_ADDRESSES = (
    "ada@[.example",
    "ada@[1.2.3.4",
    "a]@b.example",
    "a@b.exa]mple",
    "a@b..example",
    "a@.b.example",
    "a@-b.example",
    "a..b@x.example",
    ".a@x.example",
    "a\x01b@x.example",
    "\x7f@b.example",
    "ädа@x.example",
    "a\u202e@b.example",
    "=?utf-8?q?a?=@x.example",
    "a@x.example, b@x.example",
    "a@x.example\r\nBcc: b@x.example",
    f"a@{'b' * 64}.example",
    f"{'a' * 250}@b.example",
)
TABLES = (entries, check_ins, people, settings, addresses, sign_in, subscriptions)


def filled(value: Any, cast: Cast) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(iris|mallory|ada)\}", lambda found: str(getattr(cast, found[1])), value)
    return value


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_what_is_sent_is_refused_or_taken_and_breaks_nothing(
    app: Flask, rt: Runtime, cast: Cast, table: Callable[[], Iterator[Row]]
) -> None:
    assert {row.id: wrong for row in table() if (wrong := what_is_wrong(app, rt, cast, row))} == {}


def what_is_wrong(app: Flask, rt: Runtime, cast: Cast, row: Row) -> dict[str, Any]:
    """What came of a row that should not have."""
    before = count(rt, Reaction)
    client = browser(app, rt, (cast.north, getattr(cast, row.who)) if row.who else None)
    path = row.path.replace("{}", str(cast.ada)).replace("{new}", str(uuid4()))
    sent = dict(row.sent)
    if isinstance(sent.get("data"), dict):
        sent["data"] = {name: filled(value, cast) for name, value in sent["data"].items()}
    answer = client.open(path.replace("{ada_course}", str(cast.ada_course)), method=row.method, **sent)
    wrong: dict[str, Any] = {}
    if answer.status_code != row.status:
        wrong["status"] = answer.status_code
    if row.location not in (None, answer.location):
        wrong["location"] = answer.location
    if count(rt, Reaction) - before != (row.status == 201 and row.path.startswith("/reactions")):
        wrong["kept"] = count(rt, Reaction) - before
    if row.method != "GET" and answer.status_code < 400 and (broken := broken_pages(app, rt, cast)):
        wrong["broken"] = broken
    return wrong


def test_what_outsiders_name_their_fields_is_not_logged(
    app: Flask, rt: Runtime, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    ada = browser(app, rt, (cast.north, cast.ada))
    body = {**entry(feels="x"), "my secret\r\nINFO": 1, "areas": {"my secret": {}}}
    assert ada.put(f"/reactions/{uuid4()}", json=body).status_code == REFUSED
    assert "refused: invalid ['areas', 'feels']" in caplog.text
    assert "secret" not in caplog.text


def test_a_warning_that_nobody_knows_is_urgent(app: Flask, rt: Runtime, cast: Cast) -> None:
    ada = browser(app, rt, (cast.north, cast.ada))
    for part in ("signs", "not_sure"):
        unknown = {"none": False, "signs": [], "not_sure": [], part: ["zzz"]}
        ada.put(f"/reactions/{uuid4()}", json=entry(warnings=unknown))
    for part in ("sign", "group"):
        ada.post("/reactions", data={**FORM, "id": str(uuid4()), part: ["zzz"]})
    with rt.db.reading(EVERY_CLINIC) as db:
        found = list(db.scalars(select(Assessment.disposition)))
    assert len(found) == 4
    assert set(found) <= {"clinic_urgent_1h", "emergency"}
    assert broken_pages(app, rt, cast) == []


def test_of_two_answers_about_the_line_the_worse_counts_and_a_no_beside_a_yes_is_no_no(
    app: Flask, rt: Runtime, cast: Cast
) -> None:
    ada = browser(app, rt, (cast.north, cast.ada))
    data = {**FORM, "id": str(uuid4()), "face.line": ["inside", "past"], "words": "I cannot breathe"}
    shown = ada.post("/reactions", data=data).location.replace("/call/", "/reactions/")
    ada.post(f"{shown}/words", data={"so": ["no", "yes"]})
    with rt.db.reading(EVERY_CLINIC) as db:
        kept = db.scalars(select(Reaction)).one()
    assert kept.body["areas"]["face"]["past_line"] is True
    assert kept.words_answer == "yes"


@pytest.mark.parametrize("uses", [2**31 - 1, 2**31, 2**32 - 2])
def test_a_passkey_may_have_been_used_as_often_as_32_bits_count(rt: Runtime, cast: Cast, uses: int) -> None:
    site = replace(rt, config=rt.config.model_copy(update={"base_url": ORIGIN}))
    app = create_app(site)
    phone = Authenticator(origin=ORIGIN, host=HOST, count=uses)
    assert new(signed_in(app, site, (cast.north, cast.ada)), phone) == 201
    assert use(app, site, replace(phone, count=uses + 1)) == 200


def test_an_address_that_cannot_be_one_holds_up_nobody_elses_mail() -> None:
    addresses = ["first@home.example", *NO_ADDRESSES, "", "last@home.example"]
    letters = [
        Letter(uuid4(), uuid4(), address, subject="News", text="Open the app.", link="/", lang="en", is_urgent=False)
        for address in addresses
    ]
    with mail_servers.running() as server:
        results = Mail(server.url, "alerts@clinic.example", lambda: NOW).send_many(letters)
        told = [str(mail["To"]) for mail in server.received]
    assert [one.outcome for one in results] == ["accepted", *["refused"] * (len(letters) - 2), "accepted"]
    assert told == ["first@home.example", "last@home.example"]


def test_whoever_was_deactivated_is_signed_out_at_once(app: Flask, rt: Runtime, cast: Cast) -> None:
    iris = browser(app, rt, (cast.north, cast.iris))
    assert iris.get("/console/").status_code == 200
    with rt.db.transaction(cast.north) as db:
        db.get_one(Person, (cast.north, cast.iris)).deactivated_at = NOW - timedelta(seconds=1)
    assert iris.get("/console/").status_code == 401
