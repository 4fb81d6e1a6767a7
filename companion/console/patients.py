"""Patients: the list, and one patient with course and sessions."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import actions as accounts_actions
from companion.accounts import queries as accounts
from companion.accounts.forms import parse_contact
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.console import forms
from companion.console.case_forms import parse_numbers
from companion.console.expected import expected_now
from companion.console.queue import surroundings
from companion.course import actions as course_actions
from companion.course import queries as courses
from companion.course import words
from companion.course.forms import parse_course, plan_of
from companion.errors import Invalid
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.inbox import queries as inbox
from companion.reactions import queries as reactions
from companion.reactions.words import GRADES, SYMPTOMS
from companion.runtime import current_runtime
from companion.schedule import actions as schedule_actions
from companion.schedule import queries as schedule
from companion.turns import one_at_a_time
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("patients", __name__, url_prefix="/console/patients")
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A patient and the last entry, if there is one."""

    patient: Person
    entry: reactions.Graded | None


@blueprint.get("")
@roles(*CARERS)
def index() -> str:
    """The clinic's patients by name."""
    return _list(current_actor(), "")


@blueprint.post("/found")
@roles(*CARERS)
def find() -> str:
    """The patients whose name holds what was typed; posted, since a name belongs in no address."""
    return _list(current_actor(), forms.parse_named(form_fields()))


@blueprint.get("/<uuid:patient_id>")
@roles(*CARERS)
def show(patient_id: UUID) -> str:
    """One patient: courses, sessions, entries."""
    return _page(current_actor(), patient_id, {}, {})


@blueprint.post("/<uuid:patient_id>/courses")
@roles(*CARERS)
def add_course(patient_id: UUID) -> Response:
    """A course of treatment for the patient; sent again before its first session it is the same course."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        form = parse_course(fields)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        one_at_a_time(db, patient_id)
        accounts.patient(db, actor.clinic_id, patient_id)
        begun = {visit.course_id for visit in schedule.visits_of(db, actor.clinic_id, patient_id)}
        own = courses.courses_of(db, actor.clinic_id, patient_id)
        if not any(plan_of(one) == form and one.id not in begun for one in own):
            course_actions.create_course(
                db, clinic_id=actor.clinic_id, patient_id=patient_id, form=form, now=now, actor_id=actor.id
            )
    return redirect(url_for("patients.show", patient_id=patient_id, done="course"), code=303)


@blueprint.post("/<uuid:patient_id>/courses/<uuid:course_id>/visits")
@roles(*CARERS)
def add_visit(patient_id: UUID, course_id: UUID) -> Response:
    """The next session of a course, at a time; pressed or sent twice there is still one."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        zone = clinic.clinic(db, actor.clinic_id).zone
    try:
        form = forms.parse_visit(fields, zone)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        one_at_a_time(db, course_id)
        course = courses.course(db, actor.clinic_id, course_id)
        own = [v for v in schedule.visits_of(db, actor.clinic_id, course.patient_id) if v.course_id == course_id]
        if not any(v.starts_at == form.starts_at and v.state != "cancelled" for v in own):
            schedule_actions.plan_visit(
                db,
                course,
                number=max((visit.number for visit in own), default=0) + 1,
                starts_at=form.starts_at,
                now=now,
                state="done" if form.starts_at <= now else "planned",
                actor_id=actor.id,
            )
    return redirect(url_for("patients.show", patient_id=patient_id, done="session"), code=303)


@blueprint.post("/<uuid:patient_id>/contact")
@roles(*CARERS)
def set_contact(patient_id: UUID) -> Response:
    """Where e-mail to the patient may go, or nowhere any more."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        contact_email = parse_contact(fields)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        accounts_actions.set_contact(db, patient, contact_email, actor_id=actor.id, now=now)
    return redirect(url_for("patients.show", patient_id=patient_id, done="contact-kept"), code=303)


@blueprint.post("/<uuid:patient_id>/numbers")
@roles(*CARERS)
def set_numbers(patient_id: UUID) -> Response:
    """How to reach the patient, and whom to call when they do not answer."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        numbers = parse_numbers(fields)
    except Invalid as error:
        return make_response(_page(actor, patient_id, error.fields, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        patient = accounts.patient(db, actor.clinic_id, patient_id)
        escalation.set_numbers(db, (actor.clinic_id, patient.id), numbers, now=now)
        about = ("person", patient.id)
        accounts_actions.record(
            db, clinic_id=actor.clinic_id, actor_id=actor.id, verb="patient.numbers", about=about, now=now
        )
    return redirect(url_for("patients.show", patient_id=patient_id, done="numbers"), code=303)


def _list(actor: Actor, named: str) -> str:
    rt = current_runtime()
    with rt.db.reading(actor.clinic_id) as db:
        patients = accounts.patients(db, actor.clinic_id, named=named, limit=_SHOWN)
        latest = reactions.latest(db, actor.clinic_id, [patient.id for patient in patients])
        return render_template(
            "console/patients.html",
            rows=[Row(patient, latest.get(patient.id)) for patient in patients],
            named=named,
            limit=_SHOWN,
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
            expected=expected_now(db, actor.clinic_id, patient_id, now),
            areas=words.AREAS,
            symptoms=SYMPTOMS,
            grades=GRADES,
            words=words,
            reach=inbox.reach(db, accounts.patient(db, actor.clinic_id, patient_id), now),
            now=now,
            errors=errors,
            fields=fields,
            number_fields=fields if "other_phone" in fields else _number_fields(db, actor.clinic_id, patient_id),
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def _number_fields(db: Session, clinic_id: UUID, patient_id: UUID) -> dict[str, list[str]]:
    card = cases.contact_card(db, clinic_id, patient_id)
    names = ("phone", "other_name", "other_phone")
    return {name: [getattr(card, name)] for name in names} if card else {}


def _overviews(db: Session, clinic_id: UUID, patient_id: UUID) -> list[schedule.Overview]:
    now = current_runtime().clock()
    return [schedule.overview(db, course, now) for course in courses.courses_of(db, clinic_id, patient_id)]
