"""Who is told when: the ladder of each level, changed here, and whom it would tell at any hour of the rota."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.clinic import queries as clinic
from companion.clock import to_local
from companion.console import policy_forms as forms
from companion.console.forms import parse_visit
from companion.console.queue import surroundings
from companion.errors import Conflict, Invalid, NotFound
from companion.policies import actions, queries, rules
from companion.push import queries as push
from companion.runtime import Runtime, current_runtime
from companion.web.guards import CARERS, CLINICIAN, MANAGER, Actor, current_actor, roles
from companion.web.pages import sentence_of
from companion.web.requests import form_fields

blueprint = Blueprint("policies", __name__, url_prefix="/console/policies")
_MOVES_SHOWN = 5
_EMPTY_ROWS = 2


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Whom a case would tell at one time: names with their ways, and who of them has no device."""

    at: datetime
    told: tuple[tuple[str, tuple[str, ...], bool], ...]
    is_repeat: bool


@blueprint.get("")
@roles(*CARERS, MANAGER)
def show() -> str:
    """The ladders of all levels, and a simulation of one of them."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        asked, errors = _asked(db, actor, now)
        return render_template(
            "console/policies.html",
            ladders={level: queries.policy(db, actor.clinic_id, level) for level in rules.ALERTING},
            people=_names(db, actor.clinic_id),
            asked=asked,
            foreseen=foresee(db, actor.clinic_id, asked.level, asked.at, since=now) if not errors else [],
            is_set_up=_is_set_up(rt),
            errors=errors,
            now=now,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


@blueprint.get("/<level>")
@roles(CLINICIAN, MANAGER)
def edit(level: str) -> str:
    """The steps of one level as a form."""
    return _edit_page(current_actor(), level, {}, {})


@blueprint.post("/<level>")
@roles(CLINICIAN, MANAGER)
def change(level: str) -> Response:
    """Keep the steps of a level; a ladder that could end in silence is refused."""
    rt, actor, fields = current_runtime(), current_actor(), form_fields()
    _require_ladder(level)
    try:
        with rt.db.transaction(actor.clinic_id) as db:
            form = forms.parse_policy(fields, level, _names(db, actor.clinic_id))
            actions.set_policy(
                db,
                clinic_id=actor.clinic_id,
                level=level,
                steps=form.steps,
                repeat_minutes=form.repeat_minutes,
                version=form.version,
                actor_id=actor.id,
                now=rt.clock(),
            )
    except Invalid as error:
        return make_response(_edit_page(actor, level, error.fields, fields), 422)
    except Conflict as error:
        return make_response(_edit_page(actor, level, {"": sentence_of(error)}, fields), 409)
    return redirect(url_for("policies.show", done="policy"), code=303)


def foresee(db: Session, clinic_id: UUID, level: str, at: datetime, *, since: datetime) -> list[Foreseen]:
    """Whom a case of this level would tell if it came in at `at` and nobody answered: the engine's own rule."""
    own = clinic.clinic(db, clinic_id)
    start = rules.starts_at(level, opening=own.opening, zone=own.zone, now=at)
    if start is None:
        return []
    names = _names(db, clinic_id)
    ladder = rules.walk(queries.policy(db, clinic_id, level), start, queries.staff_ahead(db, clinic_id, min(since, at)))
    moves = list(islice(ladder, _MOVES_SHOWN))
    reachable = {person_id for _, person_id in push.devices(db, [(clinic_id, person_id) for person_id in names])}
    return [Foreseen(when, _told(move, names, reachable), is_repeat=move.position.round > 1) for when, move in moves]


def _told(
    move: rules.Move, names: Mapping[UUID, str], reachable: set[UUID]
) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    ways: dict[UUID, list[str]] = {}
    for telling in move.tellings:
        for person_id, channel in telling.targets:
            ways.setdefault(person_id, []).append(channel)
    told = ((names[person_id], tuple(own), person_id in reachable) for person_id, own in ways.items())
    return tuple(sorted(told))


def _asked(db: Session, actor: Actor, now: datetime) -> tuple[forms.Asked, dict[str, str]]:
    zone = clinic.clinic(db, actor.clinic_id).zone
    given = {name: request.args.getlist(name) for name in ("level", "date", "time", "fold") if request.args.get(name)}
    level = given.get("level", [""])[0]
    asked_level = level if level in rules.ALERTING else "clinic_urgent_1h"
    if "date" not in given:
        return forms.Asked(asked_level, next_night(now, zone)), {}
    try:
        return forms.Asked(asked_level, parse_visit(given, zone).starts_at), {}
    except Invalid as error:
        return forms.Asked(asked_level, now), error.fields


def next_night(now: datetime, zone: str) -> datetime:
    """Next Sunday, 03:00 at the clinic: the hour at which a ladder most easily finds nobody."""
    local = to_local(now, zone).replace(hour=3, minute=0, second=0, microsecond=0)
    sunday = local + timedelta(days=(6 - local.weekday()) % 7)
    return (sunday if sunday > now else sunday + timedelta(days=7)).astimezone(now.tzinfo)


def _names(db: Session, clinic_id: UUID) -> dict[UUID, str]:
    return {person.id: person.name for person in accounts.staff(db, clinic_id, *CARERS)}


def _require_ladder(level: str) -> None:
    if level not in rules.ALERTING:
        raise NotFound


def _is_set_up(rt: Runtime) -> dict[str, bool]:
    return {"push": True, "email": rt.config.has_email, "webhook": rt.config.has_webhook}


def _edit_page(actor: Actor, level: str, errors: Mapping[str, str], fields: dict[str, list[str]]) -> str:
    rt = current_runtime()
    now = rt.clock()
    _require_ladder(level)
    with rt.db.reading(actor.clinic_id) as db:
        own = queries.stored(db, actor.clinic_id, level)
        ladder = queries.policy(db, actor.clinic_id, level)
        return render_template(
            "console/policy.html",
            level=level,
            fields=fields or forms.fields_of(ladder, version=own.version if own else 0),
            rows=range(min(rules.MAX_STEPS, len(ladder.steps) + _EMPTY_ROWS)),
            channels=rules.CHANNELS,
            is_set_up=_is_set_up(rt),
            people=_names(db, actor.clinic_id),
            errors=errors,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )
