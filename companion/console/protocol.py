"""The protocol as a page: every window, sign and rule with its level and source, so that a reason can be read up."""

from flask import Blueprint, render_template
from sqlalchemy.orm import Session

from companion.console.queue import surroundings
from companion.course import words
from companion.protocols import queries as protocols
from companion.reactions.words import SYMPTOMS
from companion.runtime import current_runtime
from companion.triage.protocol import Protocol
from companion.web.guards import CARERS, Actor, current_actor, roles

blueprint = Blueprint("protocol", __name__, url_prefix="/console/protocol")


@blueprint.get("")
@roles(*CARERS)
def show() -> str:
    """The protocol that counts now, who answers for it, and where each entry comes from."""
    actor = current_actor()
    with current_runtime().db.reading(actor.clinic_id) as db:
        return _page(db, actor, protocols.current(db, actor.clinic_id), is_current=True)


@blueprint.get("/<path:version>")
@roles(*CARERS)
def show_version(version: str) -> str:
    """A version that entries were judged by, so that their reasons can still be read up."""
    actor = current_actor()
    with current_runtime().db.reading(actor.clinic_id) as db:
        is_current = protocols.current(db, actor.clinic_id).version == version
        return _page(db, actor, protocols.of_version(db, actor.clinic_id, version), is_current=is_current)


def _page(db: Session, actor: Actor, protocol: Protocol, *, is_current: bool) -> str:
    return render_template(
        "console/protocol.html",
        protocol=protocol,
        is_current=is_current,
        approval=protocols.approvals(db, actor.clinic_id).get(protocol.version),
        areas=words.AREAS,
        symptoms=SYMPTOMS,
        **surroundings(db, actor.clinic_id, actor.id, current_runtime().clock()),
    )
