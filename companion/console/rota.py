"""Duty: who is told of an alert by day and by night; weekly shifts, swaps, opening hours and closed days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.accounts.models import Person
from companion.clinic import actions, queries, rules
from companion.clock import to_local
from companion.console import rota_forms as forms
from companion.console.queue import surroundings
from companion.errors import Invalid
from companion.ids import new_id
from companion.outbox import actions as outbox
from companion.runtime import current_runtime
from companion.web.guards import CARERS, CLINICIAN, MANAGER, Actor, current_actor, roles
from companion.web.requests import form_fields

blueprint = Blueprint("rota", __name__, url_prefix="/console")
_DAYS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time and who is on duty in it; nobody is a gap."""

    starts_at: datetime
    ends_at: datetime
    names: tuple[str, ...]


@blueprint.get("/rota")
@roles(*CARERS, MANAGER)
def show() -> str:
    """The week ahead, the weekly shifts, and what differs from them."""
    return _page(current_actor(), {}, {})


@blueprint.post("/rota/shifts")
@roles(CLINICIAN, MANAGER)
def add_shifts() -> Response:
    """A person's duty on one or several days of every week."""

    def add(db: Session, actor: Actor, fields: dict[str, list[str]], now: datetime) -> None:
        for shift in forms.parse_shifts(fields, _carers(db, actor)):
            actions.add_shift(db, clinic_id=actor.clinic_id, shift=shift, actor_id=actor.id, now=now)

    return _change(add)


@blueprint.post("/rota/shifts/<uuid:shift_id>/removal")
@roles(CLINICIAN, MANAGER)
def remove_shift(shift_id: UUID) -> Response:
    """Take a weekly shift out."""

    def remove(db: Session, actor: Actor, _fields: dict[str, list[str]], now: datetime) -> None:
        actions.remove_shift(db, clinic_id=actor.clinic_id, shift_id=shift_id, actor_id=actor.id, now=now)

    return _change(remove)


@blueprint.post("/rota/changes")
@roles(*CARERS, MANAGER)
def add_change() -> Response:
    """Somebody is away, somebody is on duty as well, or one stands in for the other."""

    def add(db: Session, actor: Actor, fields: dict[str, list[str]], now: datetime) -> None:
        zone = queries.clinic(db, actor.clinic_id).zone
        form = forms.parse_change(fields, _carers(db, actor), zone, now=now)
        actions.change_duty(
            db,
            clinic_id=actor.clinic_id,
            away=form.away,
            instead=form.instead,
            span=form.span,
            actor_id=actor.id,
            now=now,
        )
        for person_id in (form.away, form.instead):
            if person_id and person_id != actor.id:
                _tell(db, actor, person_id, form.span, now)

    return _change(add)


@blueprint.post("/rota/changes/<uuid:change_id>/removal")
@roles(*CARERS, MANAGER)
def remove_change(change_id: UUID) -> Response:
    """Take a change back."""

    def remove(db: Session, actor: Actor, _fields: dict[str, list[str]], now: datetime) -> None:
        actions.remove_change(db, clinic_id=actor.clinic_id, change_id=change_id, actor_id=actor.id, now=now)

    return _change(remove)


@blueprint.get("/hours")
@roles(*CARERS, MANAGER)
def hours() -> str:
    """When the clinic is open, and the days that differ."""
    return _hours_page(current_actor(), {}, {})


@blueprint.post("/hours")
@roles(CLINICIAN, MANAGER)
def set_hours() -> Response:
    """Keep the opening hours; days that differ and are over are dropped."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    now = rt.clock()
    try:
        with rt.db.transaction(actor.clinic_id) as db:
            today = to_local(now, queries.clinic(db, actor.clinic_id).zone).date()
            opening = forms.parse_opening(fields, today=today)
            actions.set_opening(db, clinic_id=actor.clinic_id, opening=opening, actor_id=actor.id, now=now)
    except Invalid as error:
        return make_response(_hours_page(actor, error.fields, fields), 422)
    return redirect(url_for("rota.hours", done="hours"), code=303)


def _change(change: Callable[[Session, Actor, dict[str, list[str]], datetime], None]) -> Response:
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    try:
        with rt.db.transaction(actor.clinic_id) as db:
            change(db, actor, fields, rt.clock())
    except Invalid as error:
        return make_response(_page(actor, error.fields, fields), 422)
    return redirect(url_for("rota.show", done="rota"), code=303)


def _tell(db: Session, actor: Actor, person_id: UUID, span: rules.Interval, now: datetime) -> None:
    # Who is put on duty, or off it, by somebody else must know.
    outbox.enqueue(
        db,
        (actor.clinic_id, person_id),
        kind="duty_changed",
        about=("person", person_id),
        url="/console/rota",
        dedupe_key=f"duty:{new_id()}",
        now=now,
        expires_at=span[1],
    )


def _carers(db: Session, actor: Actor) -> list[Person]:
    return accounts.staff(db, actor.clinic_id, *CARERS)


def _page(actor: Actor, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        shifts, changes = queries.shifts(db, actor.clinic_id), queries.changes(db, actor.clinic_id, now)
        ids = {shift.person_id for shift in shifts} | {change.person_id for change in changes}
        people = accounts.people(db, actor.clinic_id, ids)
        carers = _carers(db, actor)
        return render_template(
            "console/rota.html",
            week=week_ahead(queries.rota(db, actor.clinic_id, now), {one.id: one.name for one in carers}, now),
            carers=carers,
            people=people,
            shifts=shifts,
            changes=changes,
            errors=errors,
            fields=fields,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


def week_ahead(rota: rules.Rota, names: dict[UUID, str], now: datetime) -> list[Stretch]:
    """The next seven days as stretches with the same people on duty."""
    until = now + timedelta(days=_DAYS_SHOWN)
    return [
        Stretch(start, end, tuple(sorted(names[person_id] for person_id in who if person_id in names)))
        for start, end, who in rules.stretches(rota, now, until)
    ]


def _hours_page(actor: Actor, errors: dict[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        own = queries.clinic(db, actor.clinic_id)
        given: dict[str, Any] = fields or forms.fields_of(own.opening, today=to_local(now, own.zone).date())
        return render_template(
            "console/hours.html",
            errors=errors,
            fields=given,
            special=forms.special_rows(given),
            **surroundings(db, actor.clinic_id, actor.id, now),
        )
