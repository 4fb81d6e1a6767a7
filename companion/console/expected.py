"""Expected levels of one patient: what a nurse expects beyond the protocol, until when and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.console import forms
from companion.console.queue import surroundings
from companion.course.words import AREAS
from companion.errors import Invalid
from companion.reactions import actions, queries, rules
from companion.reactions.models import ExpectedLevel
from companion.reactions.words import GRADES, SYMPTOMS
from companion.runtime import current_runtime
from companion.schedule import queries as schedule
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("expected", __name__, url_prefix="/console/patients/<uuid:patient_id>/expected-levels")


@dataclass(frozen=True, slots=True)
class Expected:
    """A level that counts now, and who set it."""

    level: ExpectedLevel
    set_by: str


@blueprint.get("")
@roles(*CARERS)
def show(patient_id: UUID) -> str:
    """The levels that count now, and the form for another."""
    return _page(current_actor(), patient_id, {}, {})


@blueprint.post("")
@roles(*CARERS)
def create(patient_id: UUID) -> Response:
    """Expect more of one symptom in one area for some days."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    try:
        form = forms.parse_expected_level(fields)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        actions.expect_level(db, patient, form, by=actor.id, now=rt.clock())
    return redirect(url_for("expected.show", patient_id=patient_id, done="expected"), code=303)


@blueprint.post("/<uuid:level_id>/end")
@roles(*CARERS)
def end(patient_id: UUID, level_id: UUID) -> Response:
    """The protocol alone counts again."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        actions.end_expected_level(db, patient, level_id, by=actor.id, now=rt.clock())
    return redirect(url_for("expected.show", patient_id=patient_id, done="expected-ended"), code=303)


def expected_now(db: Session, clinic_id: UUID, patient_id: UUID, now: datetime) -> list[Expected]:
    """The levels that count now, for any page of the console that is about the patient."""
    visits = rules.as_visits(schedule.past_visits_of(db, clinic_id, patient_id, now))
    counting = rules.levels_at(queries.expected_levels(db, clinic_id, patient_id), visits, now).values()
    names = accounts.people(db, clinic_id, [level.set_by for level in counting])
    return [Expected(level, names[level.set_by].name) for level in counting]


def _page(actor: Actor, patient_id: UUID, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        visits = schedule.past_visits_of(db, actor.clinic_id, patient_id, now)
        treated = dict.fromkeys(area for visit in reversed(visits) for area in visit.areas)
        return render_template(
            "console/expected.html",
            patient=patient,
            expected=expected_now(db, actor.clinic_id, patient_id, now),
            treated={area: AREAS[area] for area in treated},
            areas=AREAS,
            symptoms=SYMPTOMS,
            grades=GRADES,
            errors=errors,
            fields={"days": ["7"]} | fields,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )
