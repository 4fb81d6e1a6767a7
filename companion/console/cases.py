"""One case: the entries, why, who was told; take it, record what was done, close it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.clinic import queries as clinic
from companion.console import case_forms as forms
from companion.console.expected import expected_now
from companion.console.queue import surroundings
from companion.course.words import AREAS
from companion.errors import Conflict, Invalid
from companion.escalation import actions, queries, rules
from companion.escalation.models import Escalation, EscalationEvent
from companion.outbox import queries as outbox
from companion.protocols import queries as protocols
from companion.push import queries as push
from companion.reactions import queries as reactions
from companion.reactions.words import GRADES, LEFT_OUT, SYMPTOMS
from companion.runtime import current_runtime
from companion.schedule import queries as schedule
from companion.web.guards import CARERS, Actor, current_actor, roles
from companion.web.pages import sentence_of
from companion.web.requests import form_fields

blueprint = Blueprint("cases", __name__, url_prefix="/console/cases")
Fields = dict[str, list[str]]
_WORDS = {"areas": AREAS, "symptoms": SYMPTOMS, "grades": GRADES, "left_out": LEFT_OUT}


@dataclass(frozen=True, slots=True)
class Told:
    """One message about the case: to whom, by which way, and how far it came."""

    name: str
    channel: str
    state: str
    is_patient: bool


@blueprint.get("/<uuid:case_id>")
@roles(*CARERS)
def show(case_id: UUID) -> str:
    """The case's page. That it was asked for is not "seen": browsers fetch pages ahead, and other sites can ask too."""
    return _page(current_actor(), case_id, {}, {})


@blueprint.post("/<uuid:case_id>/opening")
@roles(*CARERS)
def note_opening(case_id: UUID) -> tuple[str, int]:
    """The page is before somebody: that is "seen". Conflict where something has come that it does not show."""
    rt, actor, mark = current_runtime(), current_actor(), forms.parse_mark(form_fields())
    with rt.db.transaction(actor.clinic_id) as db:
        case = queries.case(db, actor.clinic_id, case_id)
        actions.require_read(db, case, mark=mark)
        if case.state != "resolved":
            actions.note_seen(db, case, person_id=actor.id, now=rt.clock())
    return "", 204


@blueprint.post("/<uuid:case_id>/acknowledgement")
@roles(*CARERS)
def acknowledge(case_id: UUID) -> Response:
    """Take the case; who comes second is told who was first."""

    def take(db: Session, case: Escalation, _fields: Fields) -> None:
        person = accounts.person(db, case.clinic_id, current_actor().id)
        actions.acknowledge(db, case, person=person, now=current_runtime().clock())

    return _change(case_id, take, url_for("cases.show", case_id=case_id, done="taken"))


@blueprint.post("/<uuid:case_id>/contacts")
@roles(*CARERS)
def contact(case_id: UUID) -> Response:
    """Record what was done for the patient."""

    def record(db: Session, case: Escalation, fields: Fields) -> None:
        how = forms.parse_contact(fields)
        if how != "no_answer":
            actions.require_read(db, case, mark=forms.parse_mark(fields))
        actions.contact(db, case, person_id=current_actor().id, how=how, now=current_runtime().clock())

    return _change(case_id, record, url_for("cases.show", case_id=case_id, done="contact"))


@blueprint.post("/<uuid:case_id>/resolution")
@roles(*CARERS)
def resolve(case_id: UUID) -> Response:
    """Close the case with an outcome and a note."""

    def close(db: Session, case: Escalation, fields: Fields) -> None:
        form = forms.parse_outcome(fields)
        actions.require_read(db, case, mark=forms.parse_mark(fields))
        actions.resolve(
            db,
            case,
            person_id=current_actor().id,
            outcome=form.outcome,
            note=form.note,
            noise_reason=form.noise_reason,
            now=current_runtime().clock(),
        )

    return _change(case_id, close, url_for("queue.index", done="closed"))


@blueprint.post("/<uuid:case_id>/colleague")
@roles(*CARERS)
def hand_over(case_id: UUID) -> Response:
    """Give the case to a colleague, who is told."""

    def give(db: Session, case: Escalation, fields: Fields) -> None:
        actor = current_actor()
        colleague = forms.parse_colleague(fields, _colleagues(db, actor))
        actions.hand_over(db, case, person_id=actor.id, colleague=colleague, now=current_runtime().clock())

    return _change(case_id, give, url_for("queue.index", done="handed"))


@blueprint.post("/<uuid:case_id>/rest")
@roles(*CARERS)
def snooze(case_id: UUID) -> Response:
    """Put the case off for a while; what is urgent may not wait."""

    def put_off(db: Session, case: Escalation, fields: Fields) -> None:
        form, now = forms.parse_snooze(fields, case.level), current_runtime().clock()
        actions.snooze(db, case, person_id=current_actor().id, minutes=form.minutes, reason=form.reason, now=now)

    return _change(case_id, put_off, url_for("queue.index", done="snoozed"))


@blueprint.post("/<uuid:case_id>/reopening")
@roles(*CARERS)
def reopen(case_id: UUID) -> Response:
    """Open a closed case again, with a reason."""

    def open_again(db: Session, case: Escalation, fields: Fields) -> None:
        why = forms.parse_reopening(fields)
        actions.reopen(db, case, person_id=current_actor().id, reason=why, now=current_runtime().clock())

    return _change(case_id, open_again, url_for("cases.show", case_id=case_id, done="reopened"))


def _change(case_id: UUID, change: Callable[[Session, Escalation, Fields], None], then: str) -> Response:
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    try:
        with rt.db.transaction(actor.clinic_id) as db:
            change(db, queries.case(db, actor.clinic_id, case_id), fields)
    except Invalid as error:
        return make_response(_page(actor, case_id, error.fields, fields), 422)
    except Conflict as error:
        return make_response(_page(actor, case_id, {"": sentence_of(error)}, fields), 409)
    return redirect(then, code=303)


def _colleagues(db: Session, actor: Actor) -> list[Person]:
    return [person for person in accounts.staff(db, actor.clinic_id, *CARERS) if person.id != actor.id]


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
            place=reactions.places_of(db, actor.clinic_id, [case]).get(case.id),
            patient=people[case.patient_id],
            people=people,
            person_names={str(person.id): person.name for person in people.values()},
            mark=queries.mark_of(db, case),
            entries=reactions.of_subjects(db, actor.clinic_id, case.patient_id, subjects),
            events=events,
            told=_told(db, case, people),
            visits=schedule.past_visits_of(db, actor.clinic_id, case.patient_id, now),
            contact=clinic.contact(clinic.clinic(db, actor.clinic_id)),
            approvals=protocols.approvals(db, actor.clinic_id),
            contacts=rules.CONTACTS,
            outcomes=rules.OUTCOMES,
            noise_reasons=rules.NOISE_REASONS,
            snooze_minutes=rules.SNOOZE_MINUTES.get(case.level, ()),
            snooze_reasons=rules.SNOOZE_REASONS,
            phone_link=clinic.phone_link,
            numbers=queries.contact_card(db, actor.clinic_id, case.patient_id),
            shows_other=queries.no_answers(db, actor.clinic_id, case_id) >= rules.NO_ANSWERS,
            **_WORDS,
            expected=expected_now(db, actor.clinic_id, case.patient_id, now),
            errors=errors,
            fields=fields,
            now=now,
            **_takers(db, actor),
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def _takers(db: Session, actor: Actor) -> dict[str, object]:
    """Who can take over, and what would tell them."""
    colleagues = _colleagues(db, actor)
    devices = push.devices(db, [(actor.clinic_id, one.id) for one in colleagues])
    return {
        "colleagues": colleagues,
        "with_device": {person_id for _, person_id in devices},
        "has_email": current_runtime().config.has_email,
    }


def _people(db: Session, case: Escalation, events: list[EscalationEvent]) -> dict[UUID, Person]:
    ids = {case.patient_id, case.taken_by, case.resolved_by, *(event.actor_id for event in events)}
    ids |= {UUID(person_id) for event in events for person_id in event.detail.get("people", ())}
    ids |= {message.recipient_id for message in outbox.messages_about(db, case.clinic_id, ("escalation", case.id))}
    return accounts.people(db, case.clinic_id, [person_id for person_id in ids if person_id])


def _told(db: Session, case: Escalation, people: dict[UUID, Person]) -> list[Told]:
    messages = outbox.messages_about(db, case.clinic_id, ("escalation", case.id))
    return [
        Told(people[one.recipient_id].name, one.channel, one.state, is_patient=one.recipient_id == case.patient_id)
        for one in messages
    ]
