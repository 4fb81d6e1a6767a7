"""Publishing a protocol."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from companion.accounts.actions import record
from companion.accounts.models import Person
from companion.errors import NotAllowed
from companion.ids import new_id
from companion.languages import N_
from companion.protocols.models import PublishedProtocol
from companion.triage.reader import parse

CLINICIAN = "clinician"


def publish(
    db: Session, person: Person, text: str, *, name: str, replayed: Mapping[str, Any], now: datetime
) -> PublishedProtocol:
    """Make a checked text the clinic's protocol, in a clinician's name; the versions before it are kept.

    `replayed` are the figures of its replay over past entries, as the clinician saw them; they are kept beside it.
    ProtocolError where the text has a fault, NotAllowed for anybody but a clinician; then nothing has changed.
    """
    if CLINICIAN not in person.roles:
        raise NotAllowed(N_("Only a clinician can publish a protocol."))
    checked = parse(text, name)
    row = PublishedProtocol(
        clinic_id=person.clinic_id,
        id=new_id(),
        version=checked.version,
        text=text,
        published_by=person.id,
        published_at=now,
        replayed=dict(replayed),
    )
    db.add(row)
    db.flush()
    about = ("protocol", row.id)
    record(db, clinic_id=row.clinic_id, actor_id=person.id, verb="protocol.published", about=about, now=now)
    return row
