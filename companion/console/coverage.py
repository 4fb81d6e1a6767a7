"""Coverage: what stands in the way of an alert, said before it matters; and tests of the other ways than push."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from companion.accounts import queries as accounts
from companion.console.queue import surroundings
from companion.coverage import actions, queries, rules
from companion.errors import NotFound
from companion.runtime import current_runtime
from companion.web.guards import CARERS, MANAGER, current_actor, roles

blueprint = Blueprint("coverage", __name__, url_prefix="/console/coverage")


@blueprint.get("")
@roles(*CARERS, MANAGER)
def show() -> str:
    """Everything that stands in the way, what is worst first, and how to mend it."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    with rt.db.reading(actor.clinic_id) as db:
        facts = queries.facts(db, actor.clinic_id, rt.config, now)
        proofs = queries.proofs(db, actor.clinic_id)
        return render_template(
            "console/coverage.html",
            findings=rules.findings(facts, now),
            facts=facts,
            days=rules.LOOK_AHEAD.days,
            proven_for=rules.DEVICE_PROVEN_FOR.days,
            fallbacks=rules.FALLBACKS,
            proofs=proofs,
            people=accounts.people(db, actor.clinic_id, [proof.person_id for proof in proofs.values()]),
            now=now,
            **surroundings(db, actor.clinic_id, actor.id, now),
        )


@blueprint.post("/<channel>/test")
@roles(*CARERS, MANAGER)
def test(channel: str) -> Response:
    """Send oneself a message by this way only."""
    rt, actor = current_runtime(), current_actor()
    _require_fallback(channel)
    with rt.db.transaction(actor.clinic_id) as db:
        actions.send_test(db, (actor.clinic_id, actor.id), channel, now=rt.clock())
    return redirect(url_for("coverage.show", done="fallback"), code=303)


@blueprint.get("/<channel>")
@roles(*CARERS, MANAGER)
def ask(channel: str) -> str:
    """Where a test's link leads: did it come by this way?"""
    rt, actor = current_runtime(), current_actor()
    _require_fallback(channel)
    with rt.db.reading(actor.clinic_id) as db:
        around = surroundings(db, actor.clinic_id, actor.id, rt.clock())
    return render_template("console/fallback.html", channel=channel, **around)


@blueprint.post("/<channel>/proof")
@roles(*CARERS, MANAGER)
def prove(channel: str) -> Response:
    """Somebody says that the test came."""
    rt, actor = current_runtime(), current_actor()
    _require_fallback(channel)
    with rt.db.transaction(actor.clinic_id) as db:
        actions.note_proof(db, (actor.clinic_id, actor.id), channel, now=rt.clock())
    return redirect(url_for("coverage.show", done="proven"), code=303)


def _require_fallback(channel: str) -> None:
    if channel not in rules.FALLBACKS:
        raise NotFound
