"""The patient's pages: start page, check-in, what became of it, whom to call."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, make_response, redirect, render_template, url_for
from flask_babel import force_locale, gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from companion import crash
from companion.accounts.routes import home_of
from companion.clinic import queries as clinic
from companion.course import queries as courses
from companion.course.words import AREAS as AREA_WORDS
from companion.errors import CompanionError, Conflict, Invalid, NotFound
from companion.ids import derived_id, new_id
from companion.inbox import queries as inbox
from companion.protocols import queries as protocols
from companion.reactions import actions, forms, queries, rules, words
from companion.runtime import Runtime, current_runtime
from companion.schedule import queries as schedule
from companion.schedule.rules import is_late_check
from companion.triage.observation import AREAS, SYMPTOMS
from companion.triage.protocol import Protocol
from companion.triage.reader import load_shipped_protocol
from companion.web.guards import ANYONE, PATIENT, Actor, actor_or_none, current_actor, roles
from companion.web.pages import wants_json
from companion.web.requests import form_fields, read_json

log = logging.getLogger(__name__)
blueprint = Blueprint("reactions", __name__)
_BODY_LIMIT = 64 * 1024
# The phone does not send these again: unreadable, too large, a field that cannot be. Nor another entry of an id: 409.
_REFUSALS = (400, 413, 422)
# A phone keeps what it has sent for 30 days by its own clock, which may be wrong.
_PHONE_KEEPS = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What the check-in's template reads."""

    id: str
    noted_at: str
    areas: list[tuple[str, str]]
    steps: list[tuple[str, str]]
    symptoms: list[tuple[str, str]]
    anchors: list[tuple[int, str, str]]
    groups: list[dict[str, Any]]
    plausible: tuple[float, float]
    clinic: clinic.Contact | None
    values: MultiDict[str, str] = field(default_factory=MultiDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    is_emergency: bool = False


@blueprint.get("/")
@roles(ANYONE)
def home() -> Response | str:
    """The start page: today's question first, then the next session, then what the clinic said last."""
    actor = actor_or_none()
    if actor is None:
        return redirect(url_for("accounts.sign_in"))
    if not actor.may(PATIENT):
        return redirect(home_of(actor.roles))
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        recent = queries.recent(db, actor.clinic_id, actor.id, limit=5)
        entries = [(entry, queries.care_of(db, entry.reaction)) for entry in recent]
        return render_template(
            "reactions/home.html",
            clinic=clinic.contact(own),
            zone=own.zone,
            due=schedule.open_check_in(db, actor.clinic_id, actor.id, now),
            is_late_check=is_late_check,
            form_id=new_id(),
            now=now,
            opens_at=clinic.opens_at(own, now),
            overviews=[schedule.overview(db, one, now) for one in courses.courses_of(db, actor.clinic_id, actor.id)],
            entries=entries,
            open_entry=next((pair for pair in entries if pair[1].is_open), None),
            advice=words.ADVICE,
            outcomes=words.OUTCOMES,
            contacts=words.CONTACTS,
            unread=inbox.unread(db, actor.clinic_id, actor.id, now),
        )


@blueprint.get("/reactions")
@roles(PATIENT)
def index() -> str:
    """How it went: a small chart for each area with its table, and every entry."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        entries = queries.recent(db, actor.clinic_id, actor.id)
        visits = schedule.past_visits_of(db, actor.clinic_id, actor.id, rt.clock())
        return render_template(
            "reactions/index.html",
            clinic=clinic.contact(clinic.clinic(db, actor.clinic_id)),
            zone=clinic.clinic(db, actor.clinic_id).zone,
            charts=queries.charts_of(entries, visits),
            entries=entries,
            areas=AREA_WORDS,
            symptoms=words.SYMPTOMS,
            advice=words.ADVICE,
        )


@blueprint.get("/reactions/states")
@roles(PATIENT)
def states() -> Response:
    """What the phone shows beside what it has sent, and how it finds out what a restored server has lost."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        known = queries.states_of(db, actor.clinic_id, actor.id, rt.clock() - _PHONE_KEEPS)
    entries = [
        {"id": str(entry_id), "seen_by": care.seen_by, "seen_at": care.seen_at.isoformat() if care.seen_at else None}
        for entry_id, care in known
    ]
    return jsonify({"subject": actor.subject_key, "entries": entries})


@blueprint.get("/reactions/new")
@roles(PATIENT)
def new() -> str:
    """The check-in, one document."""
    return render_template("reactions/new.html", form=_check_in(current_runtime(), current_actor()))


@blueprint.post("/reactions")
@roles(PATIENT)
def create() -> Response:
    """The check-in without a script: the same entry, sent as a form."""
    rt, actor = current_runtime(), current_actor()
    now, fields = rt.clock(), _fields_or_alarm(rt, actor)
    form = _check_in(rt, actor, MultiDict((name, one) for name, given in fields.items() for one in given))
    try:
        body = forms.body_of_fields(
            fields,
            subject=actor.subject_key,
            treated=[area for area, _ in form.areas],
            sign_groups={sign["id"]: group["id"] for group in form.groups for sign in group["signs"]},
            plausible=form.plausible,
            now=now,
        )
        entry = forms.parse_entry(body, subject=actor.subject_key, now=now)
        reaction_id = _uuid(form.id)
    except Invalid as error:
        form = replace(form, errors=error.fields, is_emergency=forms.has_emergency(fields, form.groups))
        if form.is_emergency:  # who reads whom to call may not come back to finish it
            _alarm_refused(rt, actor, derived_id(actor.id, form.id), error, now, is_emergency=True)
        return make_response(render_template("reactions/new.html", form=form), 422)
    try:
        submitted = _submit(rt, actor, reaction_id, entry, now)
    except Conflict:  # sent, and changed by way of the browser's "back": another entry
        submitted = _submit(rt, actor, entry.id_beside(reaction_id), entry, now)
    if submitted.disposition == "emergency":
        return redirect(url_for("reactions.call", reaction_id=submitted.leads_to), code=303)
    return redirect(url_for("reactions.show", reaction_id=submitted.leads_to), code=303)


@blueprint.put("/reactions/<uuid:reaction_id>")
@roles(PATIENT)
def put(reaction_id: UUID) -> tuple[Response, int]:
    """The check-in from the phone's queue. Sent twice it is kept once: 201, then 200; 409 if it differs.

    What differs is kept and judged all the same, and a person at the clinic reads both.
    """
    rt, actor = current_runtime(), current_actor()
    now, given = rt.clock(), None
    try:
        given = read_json(_BODY_LIMIT)
        entry = forms.parse_entry(given, subject=actor.subject_key, now=now)
    except CompanionError as error:
        if error.status in _REFUSALS:
            _alarm_refused(rt, actor, forms.refusal_id(reaction_id, given, error), error, now)
        raise
    try:
        submitted = _submit(rt, actor, reaction_id, entry, now)
    except Conflict:
        log.error("entry %s: another one has its id", reaction_id)
        with rt.db.transaction(actor.clinic_id) as db:
            actions.submit_contradiction(db, (actor.clinic_id, actor.id), reaction_id, entry, now=now)
        raise
    body = {
        "id": str(reaction_id),
        "state": "sent",
        "disposition": submitted.disposition,
        "url": url_for("reactions.show", reaction_id=submitted.leads_to),
    }
    return jsonify(body), 201 if submitted.is_new else 200


@blueprint.get("/reactions/<uuid:reaction_id>")
@roles(PATIENT)
def show(reaction_id: UUID) -> str:
    """What became of an entry: sent, who sees it, by when, what to do if it gets worse."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.clinic(db, actor.clinic_id)
        entry = queries.graded(db, actor.clinic_id, actor.id, reaction_id)
        care = queries.care_of(db, entry.reaction)
        visits = schedule.past_visits_of(db, actor.clinic_id, actor.id, rt.clock())
        levels = queries.expected_levels(db, actor.clinic_id, actor.id)
        earlier = queries.recent(db, actor.clinic_id, actor.id)
        # Windows that did not judge it would contradict what it says: rather none.
        judged_by = protocols.that_judged(db, actor.clinic_id, entry.assessment.protocol_version)
        expectations = queries.expectations_of(entry, visits, levels, judged_by) if judged_by else []
        approval = protocols.approvals(db, actor.clinic_id).get(entry.assessment.protocol_version)
    return render_template(
        "reactions/show.html",
        clinic=clinic.contact(own),
        zone=own.zone,
        entry=entry,
        care=care,
        now=rt.clock(),
        opens_at=clinic.opens_at(own, rt.clock()),
        approval=approval,
        expectations=expectations,
        bands=queries.bands_of(entry, earlier, expectations),
        is_edge_worth_drawing=rules.is_edge_worth_drawing(entry.reaction.body),
        symptoms=words.SYMPTOMS,
        grades=words.GRADES,
        left_out=words.LEFT_OUT,
        areas=AREA_WORDS,
        advice=words.ADVICE[entry.assessment.disposition],
        outcomes=words.OUTCOMES,
    )


@blueprint.post("/reactions/<uuid:reaction_id>/mistake")
@roles(PATIENT)
def mistake(reaction_id: UUID) -> Response:
    """ "Tapped by mistake": marks the entry and deletes nothing."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.transaction(actor.clinic_id) as db:
        actions.mark_mistaken(db, (actor.clinic_id, actor.id), reaction_id, now=rt.clock())
    if wants_json():
        return jsonify({"id": str(reaction_id)})
    return redirect(url_for("reactions.show", reaction_id=reaction_id, done="mistake"), code=303)


@blueprint.post("/reactions/<uuid:reaction_id>/words")
@roles(PATIENT)
def answer_words(reaction_id: UUID) -> Response:
    """ "You wrote … Is that so now?" A clear no is kept beside the text; anything else counts as yes."""
    rt, actor = current_runtime(), current_actor()
    is_so = form_fields().get("so") != ["no"]
    with rt.db.transaction(actor.clinic_id) as db:
        actions.answer_words(db, (actor.clinic_id, actor.id), reaction_id, is_so=is_so, now=rt.clock())
        level = queries.graded(db, actor.clinic_id, actor.id, reaction_id).assessment.disposition
    if is_so and level == "emergency":
        return redirect(url_for("reactions.call", reaction_id=reaction_id), code=303)
    return redirect(url_for("reactions.show", reaction_id=reaction_id, done="words"), code=303)


@blueprint.get("/call")
@blueprint.get("/call/<uuid:reaction_id>")
@roles(PATIENT)
def call(reaction_id: UUID | None = None) -> str:
    """Whom to call; after an emergency sign it comes first, and the entry is kept behind it."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        own = clinic.contact(clinic.clinic(db, actor.clinic_id))
    next_url = url_for("reactions.show", reaction_id=reaction_id, done="called") if reaction_id else None
    return render_template("reactions/call.html", clinic=own, reaction_id=reaction_id, next_url=next_url)


@blueprint.get("/shell/<language>")
@roles(ANYONE)
def shell(language: str) -> Response:
    """The page the phone keeps for when there is no network: the same for everybody, with every area."""
    if language not in current_runtime().languages.codes:
        raise NotFound
    with force_locale(language):
        response = make_response(_shell())
    response.headers["Cache-Control"] = "no-cache"
    return response


def _shell() -> str:
    form = _form(load_shipped_protocol(), list(AREAS), contact=None, form_id="", noted_at="", values=MultiDict())
    form = replace(form, steps=[("AREA", "LABEL")])  # one pattern that the phone copies for each area
    return render_template("web/shell.html", form=form, actor=None, subject="")


def _check_in(rt: Runtime, actor: Actor, values: MultiDict[str, str] | None = None) -> CheckIn:
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        contact = clinic.contact(clinic.clinic(db, actor.clinic_id))
        protocol, treated = queries.asked_of(db, actor.clinic_id, actor.id, now)
    given = MultiDict() if values is None else values
    form_id, noted_at = given.get("id") or str(new_id()), given.get("noted_at") or now.isoformat()
    return _form(protocol, treated, contact=contact, form_id=form_id, noted_at=noted_at, values=given)


def _form(
    protocol: Protocol,
    areas: list[str],
    *,
    contact: clinic.Contact | None,
    form_id: str,
    noted_at: str,
    values: MultiDict[str, str],
) -> CheckIn:
    shown = [(area, gettext(AREA_WORDS[area])) for area in areas]
    return CheckIn(
        id=form_id,
        noted_at=noted_at,
        areas=shown,
        steps=shown,
        symptoms=[(symptom, gettext(words.SYMPTOMS[symptom])) for symptom in SYMPTOMS],
        anchors=[(grade, gettext(label), gettext(hint) if hint else "") for grade, label, hint in words.ANCHORS],
        groups=forms.groups_of(protocol),
        plausible=protocol.temperature.plausible,
        clinic=contact,
        values=values,
    )


def _submit(rt: Runtime, actor: Actor, reaction_id: UUID, entry: forms.Entry, now: datetime) -> actions.Submitted:
    with rt.db.transaction(actor.clinic_id) as db:
        submitted = actions.submit(db, (actor.clinic_id, actor.id), reaction_id, entry, now=now)
    crash.here("entry_committed")
    return submitted


def _fields_or_alarm(rt: Runtime, actor: Actor) -> dict[str, list[str]]:
    try:
        return form_fields()
    except CompanionError as error:
        _alarm_refused(rt, actor, new_id(), error, rt.clock())
        raise


def _alarm_refused(
    rt: Runtime,
    actor: Actor,
    refusal_id: UUID,
    error: CompanionError,
    now: datetime,
    *,
    is_emergency: bool = False,
) -> None:
    # The patient is told to call; somebody at the clinic must see it as well. Names of fields only.
    log.error("entry refused: %s %s", error.code, forms.names_for_log(getattr(error, "fields", ())))
    with rt.db.transaction(actor.clinic_id) as db:
        actions.alarm_refused(db, (actor.clinic_id, actor.id), refusal_id, is_emergency=is_emergency, now=now)


def _uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise Invalid({"": gettext("Load this page again and answer once more")}) from None
