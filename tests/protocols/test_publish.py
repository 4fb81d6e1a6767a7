"""Publishing: by a clinician, in their name, checked; older versions are kept and every assessment names its own."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from companion.accounts import queries as accounts
from companion.accounts.models import AuditEntry
from companion.clinic.models import Clinic
from companion.db import EVERY_CLINIC
from companion.errors import NotAllowed
from companion.escalation import actions as escalation
from companion.escalation import queries as cases
from companion.protocols import actions, queries
from companion.protocols.models import PublishedProtocol
from companion.reactions.models import Assessment
from companion.runtime import Runtime
from companion.triage.reader import SHIPPED, ProtocolError, load_shipped_protocol, parse_published
from tests.conftest import Clock
from tests.people import NOW, Cast
from tests.reactions.test_entries import entry, put
from tests.signed_in import browser

REPLAYED = {"entries": 0, "days": 90, "alerts_before": 0, "alerts_after": 0, "raised": 0, "lowered": 0}
GOOD = SHIPPED.read_text(encoding="utf-8")
STRICTER = GOOD.replace("redness = [96, 48, 24]", "redness = [20, 20, 20]", 1)


def publish(rt: Runtime, cast: Cast, content: str, who: str = "carla", now: datetime = NOW) -> str:
    with rt.db.transaction(cast.north) as db:
        person = accounts.person(db, cast.north, getattr(cast, who))
        return actions.publish(db, person, content, name="own.toml", replayed=REPLAYED, now=now).version


def test_until_somebody_publishes_the_shipped_example_counts(rt: Runtime, cast: Cast) -> None:
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == load_shipped_protocol().version
        assert not queries.is_published(db, cast.north)


def test_a_published_version_judges_from_then_on_and_each_assessment_names_its_own(
    rt: Runtime, cast: Cast, app: Flask, clock: Clock
) -> None:
    ada = browser(app, rt, (cast.north, cast.ada))
    first = put(ada, entry()).json
    version = publish(rt, cast, STRICTER)
    second = put(ada, entry(words="again")).json
    assert (first["disposition"], second["disposition"]) == ("self_care", "clinic_routine")
    with rt.db.reading(EVERY_CLINIC) as db:
        assert set(db.scalars(select(Assessment.protocol_version))) == {load_shipped_protocol().version, version}
    assert "example values that no clinician has approved" in ada.get(first["url"]).data.decode()
    assert "set by Carla" in ada.get(second["url"]).data.decode()


def test_older_versions_are_kept_and_cannot_be_changed(rt: Runtime, cast: Cast) -> None:
    publish(rt, cast, STRICTER)
    newest = publish(rt, cast, GOOD, now=NOW + timedelta(days=1))
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == newest
        assert len(list(db.scalars(select(PublishedProtocol)))) == 2
        assert set(queries.approvals(db, cast.north)) == {newest, load_shipped_protocol().version} | {
            row.version for row in db.scalars(select(PublishedProtocol))
        }
    with pytest.raises(Exception, match="only ever added"), rt.db.transaction(cast.north) as db:
        db.execute(text("update protocols set version = 'x'"))


def test_a_broken_file_never_replaces_a_good_one(rt: Runtime, cast: Cast) -> None:
    version = publish(rt, cast, STRICTER)
    lowered = GOOD.replace(
        'group = "breathing"\nlevel = "emergency"', 'group = "breathing"\nlevel = "clinic_routine"', 1
    )
    for broken in (lowered, "", "[protocol]", GOOD[:2000]):
        with pytest.raises(ProtocolError):
            publish(rt, cast, broken, now=NOW + timedelta(days=1))
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == version


def stored(rt: Runtime, cast: Cast, content: str, version: str, *, now: datetime) -> None:
    """A row as an older version of the product has left it in the clinic's database."""
    with rt.db.transaction(cast.north) as db:
        row = {"version": version, "text": content, "published_by": cast.carla, "published_at": now}
        db.add(PublishedProtocol(clinic_id=cast.north, id=uuid4(), **row))


def test_a_version_that_may_no_longer_be_published_still_counts_where_it_was(
    rt: Runtime, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    loose = re.sub(r"(?m)^quiet = .*$", "quiet = 0", GOOD, count=1).replace("[protocol]", f"# {uuid4()}\n[protocol]")
    with pytest.raises(ProtocolError, match=r"quiet .* must be above 0"):
        publish(rt, cast, loose)
    version = parse_published(loose, "stored").version
    stored(rt, cast, loose, version, now=NOW)
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == version
        assert queries.current(db, cast.north).trends["late_onset"].quiet == 0
        assert queries.of_version(db, cast.north, version).version == version
    (told,) = [message for message in caplog.messages if "would not be published any more" in message]
    assert 'quiet of trend "late_onset" must be above 0' in told


def test_a_clinic_is_never_left_without_a_protocol(rt: Runtime, cast: Cast) -> None:
    stored(rt, cast, "[protocol]", "of another time", now=NOW)
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == load_shipped_protocol().version
    version = publish(rt, cast, STRICTER, now=NOW - timedelta(days=1))
    with rt.db.reading(cast.north) as db:
        assert queries.current(db, cast.north).version == version


def test_what_the_replay_said_is_kept_beside_the_version(rt: Runtime, cast: Cast) -> None:
    publish(rt, cast, STRICTER)
    with rt.db.reading(cast.north) as db:
        assert db.scalars(select(PublishedProtocol)).one().replayed == REPLAYED


def test_only_a_clinician_publishes_and_only_for_the_own_clinic(rt: Runtime, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        publish(rt, cast, GOOD, who="iris")
    publish(rt, cast, STRICTER)
    with rt.db.reading(cast.south) as db:
        assert not queries.is_published(db, cast.south)
        assert queries.current(db, cast.south).version == load_shipped_protocol().version
    with rt.db.reading(cast.north) as db:
        verbs = list(db.scalars(select(AuditEntry.verb).where(AuditEntry.actor_id == cast.carla)))
    assert verbs == ["protocol.published"]


def test_nobody_real_is_enrolled_before_a_protocol_is_published(rt: Runtime, cast: Cast, app: Flask) -> None:
    with rt.db.transaction(EVERY_CLINIC) as db:
        db.get_one(Clinic, cast.north).is_demonstration = False
    iris = browser(app, rt, (cast.north, cast.iris))
    form = {
        "id": str(uuid4()),
        "name": "Zoe Lark",
        "locale": "en",
        "indication": "hair",
        "areas": ["scalp"],
        "agents": ["vitamins"],
        "technique": "manual_needle",
        "planned_visits": "4",
        "interval_days": "21",
    }
    refused = iris.post("/console/patients", data=form)
    assert refused.status_code == 409
    assert "a clinician has to publish the protocol first" in refused.data.decode()
    publish(rt, cast, GOOD)
    assert iris.post("/console/patients", data=form).status_code == 201


def test_the_patient_is_promised_what_the_published_protocol_says(
    rt: Runtime, cast: Cast, app: Flask, clock: Clock
) -> None:
    quicker = GOOD.replace(
        "{ acknowledge_minutes = 10, contact_minutes = 60, act_minutes = 60 }",
        "{ acknowledge_minutes = 5, contact_minutes = 25, act_minutes = 15 }",
    )
    publish(rt, cast, quicker)
    ada = browser(app, rt, (cast.north, cast.ada))
    assert put(ada, entry(feels="now")).status_code == 201
    with rt.db.transaction(cast.north) as db:
        case = cases.unresolved_case_of(db, cast.north, cast.ada)
        assert case is not None
        assert (case.level, case.respond_by - clock.now) == ("clinic_urgent_1h", timedelta(minutes=25))
        iris = accounts.person(db, cast.north, cast.iris)
        escalation.acknowledge(db, case, person=iris, now=clock.now)
        assert case.next_step_at == clock.now + timedelta(minutes=15)


def test_a_reason_leads_to_the_version_that_it_was_judged_by(rt: Runtime, cast: Cast, app: Flask, clock: Clock) -> None:
    old = publish(rt, cast, STRICTER)
    ada = browser(app, rt, (cast.north, cast.ada))
    body = entry(
        warnings={"none": False, "signs": ["skin_black"], "not_sure": ["breathing"]}, words="ringing in my ears"
    )
    assert put(ada, body).status_code == 201
    publish(rt, cast, GOOD, now=NOW + timedelta(days=1))
    iris = browser(app, rt, (cast.north, cast.iris))
    with rt.db.reading(cast.north) as db:
        case = cases.unresolved_case_of(db, cast.north, cast.ada)
    assert case is not None
    links = re.findall(rf'href="(/console/protocol/{old})#(\w+)"', iris.get(f"/console/cases/{case.id}").data.decode())
    page = iris.get(links[0][0]).data.decode()
    assert "This is an older version." in page
    anchors = {anchor for _, anchor in links}
    assert anchors == {"skin_black", "unsure_breathing", "window_light_redness", "numbing_cream_toxicity_signs"}
    for anchor in anchors:
        assert f'id="{anchor}"' in page
    mallory = browser(app, rt, (cast.south, cast.mallory))
    assert mallory.get(links[0][0]).status_code == 404
