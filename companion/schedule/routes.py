"""A patient's sessions, and what to do after the last one."""

from flask import Blueprint, render_template

from companion.clinic import queries as clinic
from companion.course import queries as courses
from companion.runtime import current_runtime
from companion.schedule import queries
from companion.web.guards import PATIENT, current_actor, roles

blueprint = Blueprint("schedule", __name__)


@blueprint.get("/sessions")
@roles(PATIENT)
def index() -> str:
    """Sessions done, remaining, and the next date."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        overviews = [queries.overview(db, course, now) for course in courses.courses_of(db, actor.clinic_id, actor.id)]
        visits = queries.visits_of(db, actor.clinic_id, actor.id)
    return render_template(
        "schedule/index.html", clinic=clinic.contact(own), zone=own.zone, overviews=overviews, visits=visits
    )


@blueprint.get("/aftercare")
@roles(PATIENT)
def aftercare() -> str:
    """What to do and what to leave now, by time since the last session."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        last, advice = queries.aftercare_of(db, actor.clinic_id, actor.id, rt.clock())
    return render_template(
        "schedule/aftercare.html", clinic=clinic.contact(own), zone=own.zone, last=last, advice=advice
    )
