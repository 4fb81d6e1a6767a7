"""Figures: how long patients wait, and how useful alerts are. A manager reads them without what they are about."""

from datetime import timedelta

from flask import Blueprint, render_template, request

from companion.console.queue import surroundings
from companion.figures import queries, rules
from companion.runtime import current_runtime
from companion.web.guards import CARERS, MANAGER, current_actor, roles

blueprint = Blueprint("figures", __name__, url_prefix="/console/figures")


@blueprint.get("")
@roles(*CARERS, MANAGER)
def show() -> str:
    """The figures of the last 7, 30 or 90 days."""
    rt, actor = current_runtime(), current_actor()
    now = rt.clock()
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, rules.DAYS) else 30
    with rt.db.reading(actor.clinic_id) as db:
        return render_template(
            "console/figures.html",
            figures=queries.figures_since(db, [actor.clinic_id], now - timedelta(days=days), now),
            days=days,
            choices=rules.DAYS,
            shows_rules=actor.may(*CARERS),
            **surroundings(db, actor.clinic_id, actor.id, now),
        )
