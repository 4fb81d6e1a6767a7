"""Patients: the list, one patient with course and sessions, enrolment with its QR code."""

from uuid import UUID

import segno
from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import actions as accounts_actions
from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.console import forms
from companion.console.queue import surroundings
from companion.course import actions as course_actions
from companion.course import queries as courses
from companion.course import words
from companion.course.forms import parse_course
from companion.errors import Invalid
from companion.reactions import queries as reactions
from companion.runtime import current_runtime
from companion.schedule import actions as schedule_actions
from companion.schedule import queries as schedule
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("patients", __name__, url_prefix="/console/patients")


@blueprint.get("")
@roles(*CARERS)
def index() -> str:
    """The clinic's patients by name."""
    return _list(current_actor(), {}, "")


@blueprint.post("")
@roles(*CARERS)
def create() -> Response:
    """A new patient; next comes the course."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        name = forms.parse_name(fields)
    except Invalid as error:
        return make_response(_list(actor, error.fields, fields.get("name", [""])[0]), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        row = accounts_actions.add_person(
            db, clinic_id=actor.clinic_id, name=name, roles=["patient"], now=now, actor_id=actor.id
        )
    return redirect(url_for("patients.show", patient_id=row.id), code=303)


@blueprint.get("/<uuid:patient_id>")
@roles(*CARERS)
def show(patient_id: UUID) -> str:
    """One patient: courses, sessions, entries."""
    return _page(current_actor(), patient_id, {}, {})


@blueprint.post("/<uuid:patient_id>/courses")
@roles(*CARERS)
def add_course(patient_id: UUID) -> Response:
    """A course of treatment for the patient."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        form = parse_course(fields)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        accounts.patient(db, actor.clinic_id, patient_id)
        course_actions.create_course(
            db, clinic_id=actor.clinic_id, patient_id=patient_id, form=form, now=now, actor_id=actor.id
        )
    return redirect(url_for("patients.show", patient_id=patient_id), code=303)


@blueprint.post("/<uuid:patient_id>/courses/<uuid:course_id>/visits")
@roles(*CARERS)
def add_visit(patient_id: UUID, course_id: UUID) -> Response:
    """The next session of a course, at a time."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        zone = clinic.clinic(db, actor.clinic_id).zone
    try:
        form = forms.parse_visit(fields, zone)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        course = courses.course(db, actor.clinic_id, course_id)
        own = [v for v in schedule.visits_of(db, actor.clinic_id, course.patient_id) if v.course_id == course_id]
        schedule_actions.plan_visit(
            db,
            course,
            number=max((visit.number for visit in own), default=0) + 1,
            starts_at=form.starts_at,
            now=now,
            state="done" if form.starts_at <= now else "planned",
            actor_id=actor.id,
        )
    return redirect(url_for("patients.show", patient_id=patient_id), code=303)


@blueprint.post("/<uuid:patient_id>/invitation")
@roles(*CARERS)
def invite(patient_id: UUID) -> str:
    """A QR code for the desk. Its link carries the token in the fragment; the code under it can be typed instead."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        made = accounts_actions.invite(db, patient, now=now, actor_id=actor.id)
        around = surroundings(db, actor.clinic_id, actor.id, now)
    code = segno.make(f"{rt.config.base_url}/join#{made.token}", error="m")
    return render_template(
        "console/invitation.html",
        patient=patient,
        invitation=made,
        picture=code.svg_data_uri(scale=6, border=4),
        join_url=f"{rt.config.base_url}/join",
        **around,
    )


def _list(actor: Actor, errors: dict[str, str], name: str) -> str:
    rt = current_runtime()
    with rt.db.reading(actor.clinic_id) as db:
        return render_template(
            "console/patients.html",
            patients=accounts.patients(db, actor.clinic_id),
            errors=errors,
            name=name,
            **surroundings(db, actor.clinic_id, actor.id, rt.clock()),
        )


def _page(actor: Actor, patient_id: UUID, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        return render_template(
            "console/patient.html",
            patient=accounts.patient(db, actor.clinic_id, patient_id),
            overviews=_overviews(db, actor.clinic_id, patient_id),
            visits=schedule.visits_of(db, actor.clinic_id, patient_id),
            entries=reactions.recent(db, actor.clinic_id, patient_id),
            words=words,
            errors=errors,
            fields=fields,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def _overviews(db: Session, clinic_id: UUID, patient_id: UUID) -> list[schedule.Overview]:
    now = current_runtime().clock()
    return [schedule.overview(db, course, now) for course in courses.courses_of(db, clinic_id, patient_id)]
