"""The personal parts of the offline page, as sentences: the phone seals and keeps them, no cache ever does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify
from flask_babel import gettext
from werkzeug.wrappers import Response

from companion.clinic import queries as clinic
from companion.clinic.queries import Contact
from companion.db import EVERY_CLINIC
from companion.reactions import queries as reactions
from companion.reactions.forms import groups_of
from companion.runtime import current_runtime
from companion.schedule import queries as schedule
from companion.schedule.models import Visit
from companion.schedule.rules import Advice
from companion.web.guards import PATIENT, current_actor, roles
from companion.web.pages import language_of_page, local_datetime

blueprint = Blueprint("phone", __name__)
# Where no other is known: it is answered in all of the European Union and in the United Kingdom.
EMERGENCY_NUMBER = "112"


@blueprint.get("/phone")
@roles(PATIENT)
def show() -> Response:
    """Numbers to call, what the check-in asks, sessions and aftercare of the signed-in patient, in their language."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        protocol, areas = reactions.asked_of(db, actor.clinic_id, actor.id, now)
        visits = schedule.visits_of(db, actor.clinic_id, actor.id)
        _last, advice = schedule.aftercare_of(db, actor.clinic_id, actor.id, now)
    kept = {
        "subject": actor.subject_key,
        "language": str(language_of_page()),
        **_numbers(clinic.contact(own)),
        "areas": areas,
        "groups": groups_of(protocol),
        "plausible": protocol.temperature.plausible,
        "sessions": _sessions(visits, own.zone),
        "aftercare": _aftercare(advice, own.zone),
    }
    return jsonify(kept)


@blueprint.app_template_global()
def numbers_without_sign_in() -> dict[str, str]:
    """Whom somebody can call who is not signed in: a clinic's numbers where it is the only real one here, else the
    emergency number on which all clinics agree.
    """
    with current_runtime().db.reading(EVERY_CLINIC) as db:
        every = [clinic.contact(one) for one in clinic.clinics(db)]
        real = [clinic.contact(one) for one in clinic.clinics(db) if not one.is_demonstration]
    if len(real) == 1:
        return _numbers(real[0])
    emergency = {contact.emergency_number for contact in real or every}
    return {"emergency": emergency.pop() if len(emergency) == 1 else EMERGENCY_NUMBER}


def _numbers(contact: Contact) -> dict[str, str]:
    return {
        "phone": contact.phone,
        "phone_href": contact.phone_href,
        "out_of_hours": contact.out_of_hours_phone,
        "out_of_hours_href": contact.out_of_hours_phone_href,
        "emergency": contact.emergency_number,
    }


def _sessions(visits: Sequence[Visit], zone: str) -> list[dict[str, str]]:
    said = {"done": gettext("Done"), "planned": gettext("Planned")}
    return [
        {
            "line": gettext(
                "Session %(number)s: %(time)s", number=visit.number, time=local_datetime(visit.starts_at, zone)
            ),
            "state": said[visit.state],
        }
        for visit in visits
        if visit.state in said
    ]


def _aftercare(advice: Sequence[tuple[Advice, datetime]], zone: str) -> list[dict[str, Any]]:
    """Each with its end as an instant too, so that the phone leaves out what is over."""
    return [
        {
            "line": gettext(one.line),
            "until": gettext("until %(time)s", time=local_datetime(end, zone)),
            "ends_at": end.isoformat(),
        }
        for one, end in advice
    ]
