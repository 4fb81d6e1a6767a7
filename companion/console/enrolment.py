"""Enrolment in under a minute: name, course and first session on one page, then the QR code for the phone."""

from datetime import datetime
from uuid import UUID

import segno
from flask import Blueprint, make_response, redirect, render_template, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.access import actions as access
from companion.accounts import actions as accounts_actions
from companion.accounts import queries as accounts
from companion.accounts.actions import NewInvitation
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.clock import to_local
from companion.console import forms
from companion.console.queue import surroundings
from companion.course import actions as course_actions
from companion.course import words
from companion.errors import Invalid
from companion.escalation import actions as escalation
from companion.ids import new_id
from companion.languages import N_
from companion.protocols import queries as protocols
from companion.runtime import current_runtime
from companion.schedule import actions as schedule_actions
from companion.turns import one_at_a_time
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.requests import form_fields

# DESIGN, promise 5.
_UNPUBLISHED = N_("Nobody can be enrolled yet: a clinician has to publish the protocol first.")
blueprint = Blueprint("enrolment", __name__, url_prefix="/console/patients")


@blueprint.get("/new")
@roles(*CARERS)
def new() -> str:
    """The enrolment page."""
    return _page(current_actor(), {}, {})


@blueprint.post("")
@roles(*CARERS)
def create() -> Response:
    """Enrol a patient; sent twice there is still one, and the second answer leads to the patient's page."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        zone = clinic.clinic(db, actor.clinic_id).zone
    try:
        form = forms.parse_enrolment(fields, zone, locales=rt.languages.codes)
    except Invalid as error:
        return make_response(_page(actor, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        one_at_a_time(db, form.id)
        own = clinic.clinic(db, actor.clinic_id)
        if not (own.is_demonstration or protocols.is_published(db, own.id)):
            return make_response(_page(actor, {"": gettext(_UNPUBLISHED)}, fields), 409)
        if form.id in accounts.people(db, actor.clinic_id, [form.id]):
            return redirect(url_for("patients.show", patient_id=form.id), code=303)
        patient = _enrol(db, actor, form, now)
        made = accounts_actions.invite(db, patient, now=now, actor_id=actor.id)
        page = _code_page(db, actor, patient, made, now)
    return make_response(page, 201)


@blueprint.post("/<uuid:patient_id>/invitation")
@roles(*CARERS)
def invite(patient_id: UUID) -> str:
    """A QR code for the desk. Its link carries the token in the fragment; the code under it can be typed instead."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        made = accounts_actions.invite(db, patient, now=now, actor_id=actor.id)
        return _code_page(db, actor, patient, made, now)


@blueprint.post("/<uuid:patient_id>/lost-phone")
@roles(*CARERS)
def lost_phone(patient_id: UUID) -> str:
    """Sign every phone of the patient out at once, and show a code for the next one."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        access.lose_phone(db, patient, actor_id=actor.id, now=now)
        made = accounts_actions.invite(db, patient, now=now, actor_id=actor.id)
        return _code_page(db, actor, patient, made, now)


def _enrol(db: Session, actor: Actor, form: forms.Enrolment, now: datetime) -> Person:
    patient = accounts_actions.add_person(
        db,
        clinic_id=actor.clinic_id,
        person_id=form.id,
        name=form.name,
        roles=["patient"],
        locale=form.locale,
        contact_email=form.contact_email,
        now=now,
        actor_id=actor.id,
    )
    escalation.set_numbers(db, (actor.clinic_id, patient.id), form.numbers, now=now)
    course = course_actions.create_course(
        db, clinic_id=actor.clinic_id, patient_id=patient.id, form=form.course, now=now, actor_id=actor.id
    )
    if form.starts_at:
        schedule_actions.plan_visit(
            db,
            course,
            number=1,
            starts_at=form.starts_at,
            now=now,
            state="done" if form.starts_at <= now else "planned",
            actor_id=actor.id,
        )
    return patient


def _code_page(db: Session, actor: Actor, patient: Person, made: NewInvitation, now: datetime) -> str:
    base = current_runtime().config.base_url
    code = segno.make(f"{base}/join#{made.token}", error="m")
    return render_template(
        "console/invitation.html",
        patient=patient,
        invitation=made,
        picture=code.svg_data_uri(scale=6, border=4),
        join_url=f"{base}/join",
        **surroundings(db, actor.clinic_id, actor.id, now),
    )


def _page(actor: Actor, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        around = surroundings(db, actor.clinic_id, actor.id, now)
    local = to_local(now, str(around["zone"]))
    usual = {
        "id": [str(new_id())],
        "locale": [actor.locale],
        "technique": ["manual_needle"],
        "date": [f"{local:%Y-%m-%d}"],
        "time": [f"{local:%H:%M}"],
    }
    return render_template("console/enrolment.html", words=words, errors=errors, fields=usual | fields, **around)
