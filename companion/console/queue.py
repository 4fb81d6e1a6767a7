"""The queue: cases by urgency with the reason, their age and the time that is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.clinic import actions as clinic_actions
from companion.clinic import queries as clinic
from companion.course.words import AREAS
from companion.coverage import queries as coverage
from companion.escalation import queries as escalation
from companion.escalation.models import Escalation
from companion.operations import queries as operations
from companion.reactions import queries as reactions
from companion.reactions.words import SYMPTOMS
from companion.runtime import current_runtime
from companion.web.guards import CARERS, MANAGER, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("queue", __name__, url_prefix="/console")


@dataclass(frozen=True, slots=True)
class Row:
    """One case as the queue shows it; minutes left are negative once the promise is broken."""

    case: Escalation
    place: reactions.Place | None
    patient_name: str
    taken_by: str | None
    age_minutes: int
    minutes_left: int


@dataclass(frozen=True, slots=True)
class Status:
    """The line that says whether alerts work; `url` is where something can be done about it."""

    ok: bool
    text: str
    at: datetime
    age_seconds: int = 0
    url: str = ""


@blueprint.get("/")
@roles(*CARERS)
def index() -> str:
    """The queue as a page."""
    return _render("console/queue.html")


@blueprint.get("/queue")
@roles(*CARERS)
def fragment() -> str:
    """The queue alone, for the page that refreshes itself."""
    return _render("console/_queue.html")


@blueprint.get("/alerting")
@roles(*CARERS, MANAGER)
def alerting() -> str:
    """The status line alone: every page of the console asks for it again and again."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        return render_template("web/_alerting.html", alerting=_status(db, actor.clinic_id, now))


@blueprint.post("/duty")
@roles(*CARERS)
def set_duty() -> Response:
    """Go on or off duty."""
    rt, actor = current_runtime(), current_actor()
    is_on = form_fields().get("on", [""])[0] == "1"
    with rt.db.transaction(actor.clinic_id) as db:
        clinic_actions.set_duty(db, clinic_id=actor.clinic_id, person_id=actor.id, is_on=is_on, now=rt.clock())
    return redirect(url_for("queue.index", done="duty-on" if is_on else "duty-off"), code=303)


def surroundings(db: Session, clinic_id: UUID, person_id: UUID, now: datetime) -> dict[str, object]:
    """What every page of the console shows: the status line, the duty switch, how much stands in the way of alerts."""
    return {
        "alerting": _status(db, clinic_id, now),
        "is_on_duty": clinic.is_on_duty(db, clinic_id, person_id, now),
        "zone": clinic.clinic(db, clinic_id).zone,
        "in_the_way": len(coverage.findings(db, clinic_id, current_runtime().config, now)),
    }


def _status(db: Session, clinic_id: UUID, now: datetime) -> Status:
    return status(operations.alerting(db, clinic_id, now), escalation.unanswered(db, clinic_id), now)


def status(found: operations.Alerting, unanswered: Sequence[UUID], now: datetime) -> Status:
    """The status line's words, as they are at `now`; `unanswered` cases have told everybody, and nobody came."""
    if not found.is_worker_alive:
        sentence = gettext("Alerts are not being sent. Look at this page, and tell whoever runs this machine.")
        return Status(False, sentence, now)
    if unanswered:
        return _nobody_came(unanswered, now)
    if not found.on_duty:
        return Status(False, gettext("Nobody is on duty. Switch on “On duty”, or alerts go to everybody."), now)
    if not found.reachable:
        sentence = gettext("Nobody on duty has a device for alerts. Switch on notifications on your phone.")
        return Status(False, sentence, now)
    return Status(True, gettext("Alerts working"), now, found.age_seconds or 0)


def _nobody_came(cases: Sequence[UUID], now: datetime) -> Status:
    if not current_actor().may(*CARERS):
        sentence = ngettext(
            "%(num)s case has told everybody, and nobody has taken it. Ask a nurse or clinician to take it now.",
            "%(num)s cases have told everybody, and nobody has taken them. Ask a nurse or clinician to take them now.",
            len(cases),
        )
        return Status(False, sentence, now)
    sentence = ngettext(
        "%(num)s case has told everybody, and nobody has taken it. Take it now.",
        "%(num)s cases have told everybody, and nobody has taken them. Take them now.",
        len(cases),
    )
    url = url_for("cases.show", case_id=cases[0]) if len(cases) == 1 else url_for("queue.index")
    return Status(False, sentence, now, url=url)


def _render(template: str) -> str:
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        return render_template(
            template,
            rows=rows(db, actor.clinic_id, escalation.queue(db, actor.clinic_id), now),
            closed=rows(db, actor.clinic_id, escalation.resolved(db, actor.clinic_id, limit=5), now),
            now=now,
            areas=AREAS,
            symptoms=SYMPTOMS,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def rows(db: Session, clinic_id: UUID, cases: list[Escalation], now: datetime) -> list[Row]:
    """Cases with the names that belong to them."""
    ids = {person_id for case in cases for person_id in (case.patient_id, case.taken_by) if person_id}
    people = accounts.people(db, clinic_id, ids)
    places = reactions.places_of(db, clinic_id, cases)
    return [
        Row(
            case=case,
            place=places.get(case.id),
            patient_name=people[case.patient_id].name,
            taken_by=people[case.taken_by].name if case.taken_by else None,
            age_minutes=_minutes(now, case.opened_at),
            minutes_left=_minutes(case.respond_by, now),
        )
        for case in cases
    ]


def _minutes(later: datetime, earlier: datetime) -> int:
    return int((later - earlier).total_seconds() // 60)
