"""Where e-mail to a person may go."""

from datetime import datetime

import pytest
from flask import Flask

from companion.accounts import actions, queries
from companion.accounts.forms import parse_contact
from companion.errors import Invalid
from companion.runtime import Runtime
from tests.people import Cast
from tests.signed_in import browser


def test_a_patient_gets_e_mail_only_after_agreeing(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        ada, iris = (queries.person(db, cast.north, one) for one in (cast.ada, cast.iris))
        assert (ada.mailbox, iris.mailbox) == (None, "iris@clinic.example")
        actions.set_contact(db, ada, "family@home.example", actor_id=cast.iris, now=now)
        assert ada.mailbox == "family@home.example"
        actions.set_contact(db, ada, None, actor_id=cast.ada, now=now)
        assert ada.mailbox is None


def test_a_family_may_share_an_address_and_nobody_signs_in_with_it(rt: Runtime, cast: Cast, now: datetime) -> None:
    with rt.db.transaction(cast.north) as db:
        for name in ("Ada's mother", "Ada's father"):
            actions.add_person(
                db, clinic_id=cast.north, name=name, roles=["patient"], contact_email="family@home.example", now=now
            )
        assert queries.person_by_email(db, "family@home.example") is None


@pytest.mark.parametrize(
    "email", ["ada", "ada@home", "a b@home.example", "ada@home.example\nBcc: x@y.example", "a@b@c.d"]
)
def test_what_is_no_address_is_refused(app: Flask, email: str) -> None:
    with app.test_request_context(), pytest.raises(Invalid) as refused:
        parse_contact({"contact_email": [email], "contact_agreed": ["yes"]})
    assert list(refused.value.fields) == ["contact_email"]


def test_enrolment_asks_whether_the_patient_agrees(app: Flask, rt: Runtime, cast: Cast) -> None:
    answer = browser(app, rt, (cast.north, cast.iris)).post(
        "/console/patients", data={"name": "Vera", "contact_email": "vera@home.example"}
    )
    assert answer.status_code == 422
    assert b"Ask the patient, then tick this" in answer.data
