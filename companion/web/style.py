"""`/style`: every component in every state, on one page. In a demonstration only."""

from datetime import UTC, datetime

from flask import Blueprint, render_template

from companion.errors import NotFound
from companion.runtime import current_runtime
from companion.web.guards import ANYONE, roles

blueprint = Blueprint("style", __name__)
LEVELS = ("emergency", "clinic_urgent_1h", "clinic_same_day", "clinic_routine", "self_care")
COLOURS = ("page", "surface", "surface-quiet", "ink", "ink-soft", "line", "line-strong", "brand", "brand-soft", "focus")


@blueprint.get("/style")
@roles(ANYONE)
def show() -> str:
    """The living page of the visual language; NotFound where real people could come."""
    if not current_runtime().config.is_loopback:
        raise NotFound
    return render_template("web/style.html", levels=LEVELS, colours=COLOURS, at=datetime(2026, 1, 5, 14, 5, tzinfo=UTC))
