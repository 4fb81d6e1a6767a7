"""An entry from the phone to the nurse's message, through the real application, on both databases."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from companion.course.models import Course
from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation
from companion.outbox.models import Message
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from companion.schedule import actions as schedule
from companion.triage.observation import SYMPTOMS
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.signed_in import Browser, browser


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def entry(**changes: Any) -> dict[str, Any]:
    body = {
        "subject": "subject-of-ada",
        "noted_at": NOW.isoformat(),
        "sent_at": NOW.isoformat(),
        "areas": {"face": {**dict.fromkeys(SYMPTOMS, 0), "redness": 1, "patch_cm": None}},
        "temperature_c": None,
        "warnings": {"none": True, "signs": [], "not_sure": []},
        "feels": "can_wait",
        "words": "",
    }
    return {**body, **changes}


URGENT = {"none": False, "signs": ["skin_white_patch"], "not_sure": []}


def put(client: Browser, body: dict[str, Any], reaction_id: UUID | None = None) -> Any:
    return client.put(f"/reactions/{reaction_id or uuid4()}", json=body)


def count(rt: Runtime, table: Any) -> int:
    with rt.db.reading(EVERY_CLINIC) as db:
        return db.execute(select(func.count()).select_from(table)).scalar_one()


def test_an_expected_reaction_is_kept_and_bothers_nobody(rt: Runtime, ada: Browser) -> None:
    answer = put(ada, entry())
    assert answer.status_code == 201
    assert answer.json["disposition"] == "self_care"
    assert (count(rt, Reaction), count(rt, Assessment), count(rt, Escalation), count(rt, Message)) == (1, 1, 0, 0)


def test_an_urgent_reaction_opens_a_case_and_tells_the_nurse_on_duty(rt: Runtime, cast: Cast, ada: Browser) -> None:
    reaction_id = uuid4()
    answer = put(ada, entry(warnings=URGENT), reaction_id)
    assert answer.json == {
        "id": str(reaction_id),
        "state": "sent",
        "disposition": "clinic_urgent_1h",
        "url": f"/reactions/{reaction_id}",
    }
    with rt.db.reading(cast.north) as db:
        assert db.scalars(select(Message.recipient_id)).all() == [cast.iris]
        assessment = db.scalars(select(Assessment)).one()
    (reason,) = assessment.reasons
    assert reason["rule"] == "sign_skin_white_patch"
    assert reason["source"] == "ACEVO"
    assert assessment.protocol_version.startswith("mesotherapy-example-")
    assert b"Call your clinic now" in ada.get(answer.json["url"]).data


def test_the_same_entry_again_is_the_same_entry(rt: Runtime, ada: Browser) -> None:
    reaction_id = uuid4()
    assert put(ada, entry(warnings=URGENT), reaction_id).status_code == 201
    later = entry(warnings=URGENT, sent_at=(NOW + timedelta(seconds=30)).isoformat())
    assert put(ada, later, reaction_id).status_code == 200
    assert (count(rt, Reaction), count(rt, Escalation), count(rt, Message)) == (1, 1, 1)


def test_eight_threads_send_one_entry_and_one_is_kept(app: Flask, rt: Runtime, cast: Cast) -> None:
    reaction_id, body = uuid4(), entry(warnings=URGENT)
    phones = [browser(app, rt, (cast.north, cast.ada)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda phone: put(phone, body, reaction_id).status_code, phones))
    assert codes == [200] * 7 + [201]
    assert (count(rt, Reaction), count(rt, Assessment), count(rt, Escalation)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"areas": {}}, "areas"),
        ({"areas": {"face": {"redness": 1}}}, "areas.face.swelling"),
        ({"areas": {"moon": {**dict.fromkeys(SYMPTOMS, 0)}}}, "areas.moon"),
        *[
            ({"areas": {"face": {**dict.fromkeys(SYMPTOMS, 0), "pain": bad}}}, "areas.face.pain")
            for bad in (-1, 5, "3", True, 3.7, [3], None)
        ],
        ({"areas": {"face": {**dict.fromkeys(SYMPTOMS, 0), "patch_cm": 0}}}, "areas.face.patch_cm"),
        ({"warnings": {"none": False, "signs": [], "not_sure": []}}, "warnings"),
        ({"warnings": {"none": True, "signs": ["collapse"], "not_sure": []}}, "warnings"),
        ({"warnings": {"none": "yes"}}, "warnings.none"),
        ({"warnings": {"none": False, "signs": ["<script>"]}}, "warnings.signs.0"),
        ({"feels": "fine"}, "feels"),
        ({"temperature_c": "38"}, "temperature_c"),
        ({"temperature_c": True}, "temperature_c"),
        ({"words": "x" * 2001}, "words"),
        ({"words": 7}, "words"),
        ({"noted_at": "2026-11-23T10:00:00"}, "noted_at"),
        ({"noted_at": "23:59:60Z"}, "noted_at"),
        ({"noted_at": 12}, "noted_at"),
        ({"noted_at": "2020-01-01T00:00:00Z"}, "noted_at"),
        ({"clinic_id": 2}, "clinic_id"),
        ({"triage": "green"}, "triage"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_field(
    rt: Runtime, ada: Browser, change: dict[str, Any], field: str
) -> None:
    answer = put(ada, entry(**change))
    assert answer.status_code == 422
    assert field in answer.json["fields"]
    assert count(rt, Reaction) == 0


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400), (b"[]", 400), (b'{"feels":"now","feels":"can_wait"}', 400), (b'{"temperature_c": NaN}', 422),
        (b"\xff\xfe", 400), (b'{"words":"' + b"x" * 70_000 + b'"}', 413), (b'{"words":"\\ud800"}', 422),
        (b'{"temperature_c": ' + b"9" * 5000 + b"}", 400), (b'{"temperature_c": 1e400}', 422), (b"", 400),
    ],
)  # fmt: skip
def test_an_unreadable_body_is_refused_and_nothing_is_kept(rt: Runtime, ada: Browser, raw: bytes, status: int) -> None:
    answer = ada.put(f"/reactions/{uuid4()}", data=raw, content_type="application/json")
    assert answer.status_code == status
    assert answer.is_json
    assert count(rt, Reaction) == 0


def test_an_entry_of_another_person_stays_on_the_phone(rt: Runtime, ada: Browser) -> None:
    answer = put(ada, entry(subject="subject-of-ben"))
    assert (answer.status_code, answer.json["error"]) == (403, "other_person")
    assert count(rt, Reaction) == 0


def test_without_a_sign_in_the_phone_is_told_to_sign_in(app: Flask, rt: Runtime) -> None:
    answer = put(browser(app, rt), entry())
    assert (answer.status_code, answer.json["error"]) == (401, "sign_in")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
def test_a_request_from_elsewhere_is_refused(app: Flask, rt: Runtime, cast: Cast, site: str | None) -> None:
    client = browser(app, rt, (cast.north, cast.ada))
    headers = {"Sec-Fetch-Site": site} if site else {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}
    assert client.put(f"/reactions/{uuid4()}", json=entry(), headers=headers).status_code == 403
    assert count(rt, Reaction) == 0


def test_a_phone_whose_clock_is_wrong_is_corrected(rt: Runtime, ada: Browser) -> None:
    wrong = NOW + timedelta(days=1)
    body = entry(noted_at=(wrong - timedelta(hours=2)).isoformat(), sent_at=wrong.isoformat())
    assert put(ada, body).status_code == 201
    with rt.db.reading(EVERY_CLINIC) as db:
        reaction = db.scalars(select(Reaction)).one()
    assert reaction.noted_at == NOW - timedelta(hours=2)
    assert reaction.skew_seconds == -86_400


def test_tapped_by_mistake_marks_and_deletes_nothing(rt: Runtime, clock: Clock, ada: Browser) -> None:
    reaction_id = uuid4()
    put(ada, entry(warnings={"none": False, "signs": ["collapse"], "not_sure": []}), reaction_id)
    for _ in range(2):
        answer = ada.post(f"/reactions/{reaction_id}/mistake", headers={"Accept": "application/json"})
        assert answer.json == {"id": str(reaction_id)}
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Reaction)).one().mistaken_at == NOW
        assert db.scalars(select(Escalation)).one().state == "open"


FORM = {
    "area": ["face"],
    **{f"face.{symptom}": "0" for symptom in SYMPTOMS},
    "group": ["none"],
    "feels": "can_wait",
}


def test_the_form_without_a_script_keeps_the_entry(rt: Runtime, ada: Browser) -> None:
    form_id = str(uuid4())
    answer = ada.post("/reactions", data={**FORM, "id": form_id, "noted_at": NOW.isoformat()})
    assert (answer.status_code, answer.location) == (303, f"/reactions/{form_id}")
    assert ada.post("/reactions", data={**FORM, "id": form_id, "noted_at": NOW.isoformat()}).status_code == 303
    assert count(rt, Reaction) == 1


def test_words_that_come_twice_are_both_read(rt: Runtime, ada: Browser) -> None:
    form_id = str(uuid4())
    answer = ada.post("/reactions", data={**FORM, "id": form_id, "words": ["all is well", "I cannot breathe at all"]})
    assert answer.location == f"/call/{form_id}"


def test_an_emergency_sign_in_the_form_shows_the_call_page_first(rt: Runtime, ada: Browser) -> None:
    form_id = str(uuid4())
    data = {**FORM, "id": form_id, "group": ["breathing"], "sign": ["breathing_difficulty"]}
    answer = ada.post("/reactions", data=data)
    assert answer.location == f"/call/{form_id}"
    page = ada.get(answer.location).data.decode()
    assert 'href="tel:112"' in page
    assert ada.get("/").data.decode().count('href="tel:112"') == 1
    assert 'href="tel:+33199000001"' in page
    go_on = f"/reactions/{form_id}?done=called"
    assert f'href="{go_on}"' in page
    assert "Call the emergency number now" in ada.get(f"/reactions/{form_id}").data.decode()
    page = ada.get(go_on).data.decode()
    assert "Good that you called." in page
    assert "Call the emergency number now" not in page


@pytest.mark.parametrize("groups", [["breathing"], ["none", "breathing"]])
def test_a_group_without_a_sign_counts_as_yes_even_beside_none(rt: Runtime, ada: Browser, groups: list[str]) -> None:
    ada.post("/reactions", data={**FORM, "id": str(uuid4()), "group": groups})
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Assessment)).one().disposition == "emergency"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"area": []}, "Tick where you notice something"),
        ({"face.pain": ""}, "Please answer this"),
        ({"group": []}, "Tick what you have"),
        ({"feels": ""}, "Please answer this"),
        ({"temperature_c": "warm"}, "Enter a number"),
        ({"id": "not-an-id"}, "Load this page again"),
        ({"words": "x" * 2001}, "at most 2,000 characters"),
    ],
)
def test_a_wrong_form_comes_back_with_a_sentence_and_the_answers(
    rt: Runtime, ada: Browser, change: dict[str, Any], sentence: str
) -> None:
    data = {**FORM, "id": str(uuid4()), "words": "I was here", **change}
    if not change.get("area", True):
        data = {name: value for name, value in data.items() if not name.startswith("face.") and name != "area"}
    answer = ada.post("/reactions", data=data)
    page = answer.data.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert data["words"] in page
    assert count(rt, Reaction) == 0


def test_what_a_patient_writes_is_shown_as_text(ada: Browser) -> None:
    answer = ada.post(
        "/reactions", data={**FORM, "id": str(uuid4()), "feels": "", "words": "<script>alert(1)</script>"}
    )
    assert b"<script>alert(1)" not in answer.data
    assert b"&lt;script&gt;alert(1)" in answer.data


def test_ben_cannot_see_adas_entry(app: Flask, rt: Runtime, cast: Cast, ada: Browser) -> None:
    reaction_id = uuid4()
    put(ada, entry(), reaction_id)
    ben = browser(app, rt, (cast.south, cast.ben))
    assert ben.get(f"/reactions/{reaction_id}").status_code == 404
    assert ben.post(f"/reactions/{reaction_id}/mistake").status_code == 404
    assert ada.get(f"/reactions/{reaction_id}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/reactions/new", "/sessions", "/call", "/shell/en", "/sw.js", "/manifest.webmanifest"]
)
def test_every_page_of_a_patient_opens_and_personal_ones_are_not_kept(ada: Browser, path: str) -> None:
    answer = ada.get(path)
    assert answer.status_code == 200
    is_impersonal = path in ("/shell/en", "/sw.js", "/manifest.webmanifest")
    assert answer.headers["Cache-Control"] == ("no-cache" if is_impersonal else "no-store")
    if is_impersonal:
        assert b"subject-of-ada" not in answer.data
        assert b"Ada" not in answer.data


def test_hostile_fields_never_break_the_form(rt: Runtime, ada: Browser) -> None:
    for data in ({"area": "\0"}, {"face.pain": ["9", "x"]}, {"noted_at": "24:00"}, {"group": ["x" * 5000]}, {}):
        answer = ada.post("/reactions", data={**FORM, "id": str(uuid4()), **data})
        assert answer.status_code in (303, 400, 422), json.dumps(list(data))


def test_the_start_page_says_first_what_is_open_and_whom_to_call(rt: Runtime, ada: Browser) -> None:
    put(ada, entry(warnings=URGENT))
    put(ada, entry(noted_at=(NOW + timedelta(seconds=1)).isoformat(), sent_at=(NOW + timedelta(seconds=1)).isoformat()))
    page = ada.get("/").data.decode()
    assert page.index("Call your clinic now") < page.index("Check in</a>", page.index("<main"))
    assert "Your clinic answers by" in page


def test_who_opened_the_case_before_an_entry_came_has_not_seen_it(
    app: Flask, rt: Runtime, cast: Cast, clock: Clock, ada: Browser
) -> None:
    iris = browser(app, rt, (cast.north, cast.iris))
    first = put(ada, entry(warnings=URGENT)).json["id"]
    with rt.db.reading(EVERY_CLINIC) as db:
        case_id = db.scalars(select(Escalation.id)).one()
    clock.now += timedelta(minutes=3)
    iris.see_case(case_id)
    clock.now += timedelta(minutes=3)
    at = clock.now.isoformat()
    second = put(ada, entry(warnings=URGENT, noted_at=at, sent_at=at)).json["id"]
    assert "Seen by Iris" in ada.get(f"/reactions/{first}").data.decode()
    assert "Nobody has opened it yet" in ada.get(f"/reactions/{second}").data.decode()
    clock.now += timedelta(minutes=3)
    iris.see_case(case_id)
    assert "Seen by Iris" in ada.get(f"/reactions/{second}").data.decode()


def test_the_history_shows_a_chart_and_its_table(rt: Runtime, clock: Clock, ada: Browser) -> None:
    assert "Nothing here yet" in ada.get("/reactions").data.decode()
    for grade in (3, 1):
        at, report = clock.now.isoformat(), {**dict.fromkeys(SYMPTOMS, 0), "swelling": grade, "patch_cm": None}
        put(ada, entry(areas={"face": report}, noted_at=at, sent_at=at))
        clock.now += timedelta(hours=20)
    page = ada.get("/reactions").data.decode()
    assert page.count('class="chart__line"') == 1
    assert "Face as a table" in page
    assert re.findall(r"<td>(\d)</td>", page) == ["1", "3"]


def test_a_sign_told_in_words_raises_and_the_patient_is_asked(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser
) -> None:
    answer = put(ada, entry(words="All fine with the skin. But I cannot catch my breath"))
    assert answer.json["disposition"] == "emergency"
    url = f"/reactions/{answer.json['id']}"
    page = ada.get(url).data.decode()
    assert "But I cannot catch my breath" in page
    assert "It is hard to breathe" in page
    denied = ada.post(f"{url}/words", data={"so": "no"})
    assert (denied.status_code, denied.location) == (303, f"{url}?done=words")
    assert "Is that so now?" not in ada.get(url).data.decode()
    with rt.db.reading(EVERY_CLINIC) as db:
        case = db.scalars(select(Escalation)).one()
        assert (case.state, case.level) == ("open", "emergency")  # a no lowers nothing
    nurse = browser(app, rt, (cast.north, cast.iris)).get(f"/console/cases/{case.id}").data.decode()
    assert "the patient says: not so now" in nurse
    assert "<q>But I cannot catch my breath</q>" in nurse


def test_yes_to_the_words_of_an_emergency_leads_to_the_call_page(ada: Browser) -> None:
    sent = put(ada, entry(words="je n'arrive plus à respirer")).json
    answer = ada.post(f"/reactions/{sent['id']}/words", data={"so": "yes"})
    assert (answer.status_code, answer.location) == (303, f"/call/{sent['id']}")
    assert ada.post(f"/reactions/{uuid4()}/words", data={"so": "yes"}).status_code == 404


def test_weeks_later_one_question_and_one_tap_are_a_whole_check_in(
    rt: Runtime, cast: Cast, clock: Clock, ada: Browser
) -> None:
    with rt.db.transaction(cast.north) as db:
        course = db.get_one(Course, (cast.north, cast.ada_course))
        schedule.plan_visit(db, course, number=2, starts_at=clock.now, now=clock.now, state="done")
    clock.now += timedelta(days=15)
    page = ada.get("/").data.decode()
    assert "Any new lump, sore, discharge or returning redness" in page
    fields = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', page))
    fields.pop("back")
    sent = ada.post("/reactions", data=fields)
    assert sent.status_code == 303
    assert "This is within what is expected" in ada.get(sent.location).data.decode()
    assert "Any new lump" not in ada.get("/").data.decode()


def test_the_patient_reads_what_the_clinic_expects_at_that_time(ada: Browser) -> None:
    sent = put(
        ada, entry(areas={"face": {**dict.fromkeys(SYMPTOMS, 0), "redness": 2, "itch": 3, "patch_cm": None}})
    ).json
    table = ada.get(sent["url"]).data.decode().split("Expected at most")[1].split("</table>")[0]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in table.split("</tr>")[1:] if row.strip()]
    told = {" ".join(row) for row in rows}
    assert "Face: Redness, or skin that is darker or purple Moderate Severe" in told  # just 24 hours after the session
    assert "Face: Itch Severe more than expected Moderate" in told


def test_an_entry_that_triage_cannot_judge_is_kept_and_becomes_an_urgent_case(
    rt: Runtime, cast: Cast, ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    first = uuid4()
    put(ada, entry(words="a secret"), first)
    with rt.db.transaction(cast.north) as db:  # as a version of the product would leave it that kept other fields
        row = db.get_one(Reaction, (cast.north, cast.ada, first))
        row.body = {name: value for name, value in row.body.items() if name != "warnings"}
    answer = put(ada, entry(words="again"))
    assert (answer.status_code, answer.json["disposition"]) == (201, "clinic_urgent_1h")
    with rt.db.reading(EVERY_CLINIC) as db:
        assert [(case.level, case.state) for case in db.scalars(select(Escalation))] == [("clinic_urgent_1h", "open")]
    assert "triage failed: KeyError" in caplog.text
    assert "secret" not in caplog.text
    assert "A person at your clinic has to look at this" in ada.get(answer.json["url"]).data.decode()


def test_a_patch_is_outlined_today_and_compared_tomorrow(rt: Runtime, clock: Clock, ada: Browser) -> None:
    def send(**report: Any) -> Any:
        at = clock.now.isoformat()
        areas = {"face": {**dict.fromkeys(SYMPTOMS, 0), "redness": 2, "patch_cm": None, **report}}
        return put(ada, entry(areas=areas, noted_at=at, sent_at=at)).json

    first = send()
    assert "Draw round the edge" in ada.get(first["url"]).data.decode()
    clock.now += timedelta(hours=12)
    inside = send(past_line=False)
    assert inside["disposition"] == "self_care"
    assert "Draw round the edge" not in ada.get(inside["url"]).data.decode()
    clock.now += timedelta(hours=12)
    past = send(past_line=True)
    assert past["disposition"] == "clinic_same_day"
    assert "It has gone past the line that you drew" in ada.get(past["url"]).data.decode()


def test_the_form_without_a_script_takes_the_line(rt: Runtime, ada: Browser) -> None:
    page = ada.get("/reactions/new").data.decode()
    assert 'name="face.line" value="past"' in page
    fields = {f"face.{symptom}": "1" for symptom in SYMPTOMS}
    given = {"id": str(uuid4()), "area": "face", "group": "none", "feels": "can_wait", "face.line": "past", **fields}
    assert ada.post("/reactions", data=given).status_code == 303
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Reaction)).one().body["areas"]["face"]["past_line"] is True


@pytest.mark.parametrize(("days", "level"), [(1, "self_care"), (30, "clinic_urgent_1h")])
def test_swollen_lips_in_words_are_explained_by_a_session_of_the_face_for_as_long_as_it_swells(
    ada: Browser, clock: Clock, days: int, level: str
) -> None:
    clock.now += timedelta(days=days)
    at, nothing = clock.now.isoformat(), {"face": {**dict.fromkeys(SYMPTOMS, 0), "patch_cm": None}}
    told = entry(areas=nothing, noted_at=at, sent_at=at, words="my lips are swollen since this morning")
    assert put(ada, told).json["disposition"] == level


def test_a_swelling_measured_larger_twice_running_asks_for_the_clinic(ada: Browser, clock: Clock) -> None:
    clock.now += timedelta(hours=26)
    levels = []
    for size in ("3", "4,0", "4.5"):
        form_id = str(uuid4())
        form = {
            **FORM,
            "id": form_id,
            "noted_at": clock.now.isoformat(),
            "face.swelling": "1",
            "face.swelling_cm": size,
        }
        page = ada.get(ada.post("/reactions", data=form).location).data.decode()
        levels.append("The patch keeps growing" in page)
        clock.now += timedelta(hours=24)
    assert levels == [False, False, True]


def test_a_swelling_that_cannot_be_read_comes_back_with_its_sentence(ada: Browser) -> None:
    answer = ada.post("/reactions", data={**FORM, "id": str(uuid4()), "face.swelling_cm": "large"})
    assert answer.status_code == 422
    assert answer.data.decode().count("Enter a number") == 2  # on top and beside the field
