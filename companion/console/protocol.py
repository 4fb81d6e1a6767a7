"""The protocol as a page: every window, sign and rule with its level and source, so that a reason can be read up."""

from flask import Blueprint, render_template

from companion.console.queue import surroundings
from companion.course import words
from companion.protocols import queries as protocols
from companion.reactions.words import SYMPTOMS
from companion.runtime import current_runtime
from companion.web.guards import CARERS, current_actor, roles

blueprint = Blueprint("protocol", __name__, url_prefix="/console/protocol")


@blueprint.get("")
@roles(*CARERS)
def show() -> str:
    """The protocol that counts now, who answers for it, and where each entry comes from."""
    rt, actor = current_runtime(), current_actor()
    with rt.db.reading(actor.clinic_id) as db:
        protocol = protocols.current(db, actor.clinic_id)
        return render_template(
            "console/protocol.html",
            protocol=protocol,
            approval=protocols.approvals(db, actor.clinic_id).get(protocol.version),
            areas=words.AREAS,
            symptoms=SYMPTOMS,
            **surroundings(db, actor.clinic_id, actor.id, rt.clock()),
        )
