"""What could not be judged is told to nurse and patient; an impossible temperature is asked once more."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, update

from companion.db import EVERY_CLINIC
from companion.escalation.models import Escalation
from companion.reactions.models import Reaction
from companion.reactions.words import LEFT_OUT
from companion.runtime import Runtime
from companion.schedule.models import Visit
from companion.triage.observation import SYMPTOMS
from tests.people import NOW, Cast
from tests.protocols.test_publish import GOOD, STRICTER, publish
from tests.reactions.test_entries import FORM, entry, put
from tests.signed_in import Browser, browser

HEADINGS = ("What we could not judge", "What could not be judged")
PUS = {"none": False, "signs": ["pus_or_discharge"], "not_sure": []}
NECK = {"neck": {**dict.fromkeys(SYMPTOMS, 0), "pain": 1, "patch_cm": None}}


@pytest.fixture
def ada(app: Flask, rt: Runtime, cast: Cast) -> Browser:
    return browser(app, rt, (cast.north, cast.ada))


def pages(app: Flask, rt: Runtime, cast: Cast, ada: Browser, **changes: Any) -> tuple[str, str]:
    """The result as the patient sees it, and the case as the nurse does."""
    result = ada.get(put(ada, entry(**{"warnings": PUS, **changes})).json["url"]).data.decode()
    with rt.db.reading(EVERY_CLINIC) as db:
        case_id = db.scalars(select(Escalation.id)).one()
    return result, browser(app, rt, (cast.north, cast.iris)).get(f"/console/cases/{case_id}").data.decode()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("temperature_implausible", {"temperature_c": 43.9}),
        ("time_in_doubt", {"noted_at": (NOW + timedelta(hours=3)).isoformat()}),
        ("no_visit", {"areas": NECK}),
    ],
)
def test_nurse_and_patient_read_what_could_not_be_judged(
    app: Flask, rt: Runtime, cast: Cast, ada: Browser, code: str, changes: dict[str, Any]
) -> None:
    result, case = pages(app, rt, cast, ada, **changes)
    assert LEFT_OUT[code].patient in result
    assert LEFT_OUT[code].nurse in case
    assert ("not used" in case) == (code == "temperature_implausible")


def test_a_product_that_the_protocol_does_not_know_is_told(app: Flask, rt: Runtime, cast: Cast, ada: Browser) -> None:
    with rt.db.transaction(cast.north) as db:
        db.execute(update(Visit).where(Visit.clinic_id == cast.north).values(agents=["something_new"]))
    result, case = pages(app, rt, cast, ada)
    assert f"{LEFT_OUT['unknown_agent'].patient} (Face)." in result
    assert f"{LEFT_OUT['unknown_agent'].nurse} (Face)." in case


def test_where_all_was_judged_nothing_is_said(app: Flask, rt: Runtime, cast: Cast, ada: Browser) -> None:
    for page in pages(app, rt, cast, ada, temperature_c=37.2):
        assert not [heading for heading in HEADINGS if heading in page]


def test_an_impossible_temperature_is_asked_once_more_and_then_taken(rt: Runtime, ada: Browser) -> None:
    form = {**FORM, "id": str(uuid4()), "temperature_c": "43,9"}
    page = ada.post("/reactions", data=form)
    assert page.status_code == 422
    assert "This temperature is hardly possible." in page.data.decode()
    assert '<input type="hidden" name="temperature_asked" value="43,9">' in page.data.decode()
    assert (
        ada.post("/reactions", data={**form, "temperature_c": "33.9", "temperature_asked": "43,9"}).status_code == 422
    )
    assert ada.post("/reactions", data={**form, "temperature_asked": "43,9"}).status_code == 303
    with rt.db.reading(EVERY_CLINIC) as db:
        assert db.scalars(select(Reaction)).one().body["temperature_c"] == 43.9


@pytest.mark.parametrize(("given", "status"), [("33.9", 422), ("34", 303), ("43", 303), ("43.1", 422)])
def test_the_form_asks_by_the_range_of_the_protocol(ada: Browser, given: str, status: int) -> None:
    assert ada.post("/reactions", data={**FORM, "id": str(uuid4()), "temperature_c": given}).status_code == status


def test_form_and_phone_are_given_the_range_of_the_clinics_own_protocol(rt: Runtime, cast: Cast, ada: Browser) -> None:
    assert ada.get("/phone").get_json()["plausible"] == [34, 43]
    own = GOOD.replace("plausible = [34.0, 43.0]", "plausible = [33.5, 42.5]", 1)
    assert own != GOOD
    publish(rt, cast, own)
    assert ada.get("/phone").get_json()["plausible"] == [33.5, 42.5]
    page = ada.get("/reactions/new").data.decode()
    assert 'data-low="33.5" data-high="42.5"' in page


def test_the_result_draws_the_windows_that_judged_it(rt: Runtime, cast: Cast, ada: Browser) -> None:
    url = put(ada, entry()).json["url"]
    before = ada.get(url).data.decode()
    publish(rt, cast, STRICTER)
    assert "more than expected" not in ada.get(url).data.decode()
    assert before.count("<path") == ada.get(url).data.decode().count("<path") > 0
    later = ada.get(put(ada, entry(words="again")).json["url"]).data.decode()
    assert "more than expected" in later
