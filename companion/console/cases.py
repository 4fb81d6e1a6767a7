"""One case: the entries, why, who was told; take it, record what was done, close it."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.console.expected import expected_now
from companion.console.queue import surroundings
from companion.course.words import AREAS
from companion.errors import Conflict, Invalid
from companion.escalation import actions, queries, rules
from companion.escalation.models import Escalation, EscalationEvent
from companion.outbox import queries as outbox
from companion.protocols import queries as protocols
from companion.reactions import queries as reactions
from companion.reactions.words import GRADES, SYMPTOMS
from companion.runtime import current_runtime
from companion.schedule import queries as schedule
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.pages import sentence_of
from companion.web.requests import form_fields

blueprint = Blueprint("cases", __name__, url_prefix="/console/cases")


@dataclass(frozen=True, slots=True)
class Told:
    """One message about the case: to whom, and how far it came."""

    name: str
    state: str
    is_patient: bool


@blueprint.get("/<uuid:case_id>")
@roles(*CARERS)
def show(case_id: UUID) -> str:
    """The case's page; opening it is "seen"."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.transaction(actor.clinic_id) as db:
        case = queries.case(db, actor.clinic_id, case_id)
        if case.state != "resolved":
            actions.note_seen(db, case, person_id=actor.id, now=rt.clock())
    return _page(actor, case_id, {}, {})


@blueprint.post("/<uuid:case_id>/acknowledgement")
@roles(*CARERS)
def acknowledge(case_id: UUID) -> Response:
    """Take the case; who comes second is told who was first."""
    rt, actor = current_runtime(), current_actor()
    try:
        with rt.db.transaction(actor.clinic_id) as db:
            case = queries.case(db, actor.clinic_id, case_id)
            person = accounts.person(db, actor.clinic_id, actor.id)
            actions.acknowledge(db, case, person=person, now=rt.clock())
    except Conflict as error:
        return make_response(_page(actor, case_id, {"": sentence_of(error)}, {}), 409)
    return redirect(url_for("cases.show", case_id=case_id, done="taken"), code=303)


@blueprint.post("/<uuid:case_id>/contacts")
@roles(*CARERS)
def contact(case_id: UUID) -> Response:
    """Record what was done for the patient."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    how = fields.get("how", [""])[0]
    if how not in rules.CONTACTS:
        return make_response(_page(actor, case_id, {"how": gettext("Choose what you did")}, fields), 422)
    with rt.db.transaction(actor.clinic_id) as db:
        case = queries.case(db, actor.clinic_id, case_id)
        actions.contact(db, case, person_id=actor.id, how=how, now=rt.clock())
    return redirect(url_for("cases.show", case_id=case_id, done="contact"), code=303)


@blueprint.post("/<uuid:case_id>/resolution")
@roles(*CARERS)
def resolve(case_id: UUID) -> Response:
    """Close the case with an outcome and a note."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    try:
        outcome, note = parse_outcome(fields)
        with rt.db.transaction(actor.clinic_id) as db:
            case = queries.case(db, actor.clinic_id, case_id)
            actions.resolve(db, case, person_id=actor.id, outcome=outcome, note=note, now=rt.clock())
    except Invalid as error:
        return make_response(_page(actor, case_id, error.fields, fields), 422)
    except Conflict as error:
        return make_response(_page(actor, case_id, {"": sentence_of(error)}, fields), 409)
    return redirect(url_for("queue.index", done="closed"), code=303)


def parse_outcome(fields: dict[str, list[str]]) -> tuple[str, str]:
    """Outcome code and note; Invalid where one is missing: a case is not closed in silence."""
    outcome, note = (fields.get(name, [""])[0].strip() for name in ("outcome", "note"))
    faults = {}
    if outcome not in rules.OUTCOMES:
        faults["outcome"] = gettext("Choose an outcome")
    if not 3 <= len(note) <= 2000:
        faults["note"] = gettext("Write what was done, in 3 to 2,000 characters")
    if faults:
        raise Invalid(faults)
    return outcome, note


def _page(actor: Actor, case_id: UUID, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        case = queries.case(db, actor.clinic_id, case_id)
        events = queries.events(db, actor.clinic_id, case_id)
        people = _people(db, case, events)
        subjects = queries.subjects_of(db, actor.clinic_id, case_id)
        return render_template(
            "console/case.html",
            case=case,
            patient=people[case.patient_id],
            people=people,
            person_names={str(person.id): person.name for person in people.values()},
            entries=reactions.of_subjects(db, actor.clinic_id, case.patient_id, subjects),
            events=events,
            told=_told(db, case, people),
            visits=schedule.past_visits_of(db, actor.clinic_id, case.patient_id, now),
            contact=clinic.contact(clinic.clinic(db, actor.clinic_id)),
            approvals=protocols.approvals(db, actor.clinic_id),
            contacts=rules.CONTACTS,
            outcomes=rules.OUTCOMES,
            areas=AREAS,
            symptoms=SYMPTOMS,
            grades=GRADES,
            expected=expected_now(db, actor.clinic_id, case.patient_id, now),
            errors=errors,
            fields=fields,
            now=now,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def _people(db: Session, case: Escalation, events: list[EscalationEvent]) -> dict[UUID, Person]:
    ids = {case.patient_id, case.taken_by, case.resolved_by, *(event.actor_id for event in events)}
    ids |= {UUID(person_id) for event in events for person_id in event.detail.get("people", ())}
    ids |= {message.recipient_id for message in outbox.messages_about(db, case.clinic_id, ("escalation", case.id))}
    return accounts.people(db, case.clinic_id, [person_id for person_id in ids if person_id])


def _told(db: Session, case: Escalation, people: dict[UUID, Person]) -> list[Told]:
    messages = outbox.messages_about(db, case.clinic_id, ("escalation", case.id))
    return [
        Told(people[one.recipient_id].name, one.state, is_patient=one.recipient_id == case.patient_id)
        for one in messages
    ]
