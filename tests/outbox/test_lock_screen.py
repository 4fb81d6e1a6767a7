"""The lock screen names no person, clinic, treatment, area, symptom or result, whatever the message and language."""

import re
from datetime import timedelta

import pytest

from companion.accounts import actions as accounts
from companion.course.words import AGENTS, AREAS, INDICATIONS, TECHNIQUES
from companion.ids import new_id
from companion.languages import Languages
from companion.outbox import actions, jobs
from companion.outbox.words import BODIES, SEVERAL
from companion.paths import TRANSLATIONS
from companion.push.transport import Transport
from companion.reactions.words import SYMPTOMS
from companion.runtime import Runtime
from tests.outbox.test_delivery import subscribe
from tests.people import Cast
from tests.push_service import PushService

PEOPLE = ("Ada", "Ben", "Iris", "Noor", "Carla", "Max", "Mallory", "North", "South")
TREATMENT = (
    "mesotherap",
    "mésothérap",
    "inject",
    "treatment",
    "traitement",
    "soin",
    "skin",
    "peau",
    "clinic",
    "clinique",
)
RESULT = ("urgent", "emergency", "urgence", "reaction", "réaction", "symptom", "result", "résultat")


def _private(code: str) -> set[str]:
    words = Languages(TRANSLATIONS)
    named = {
        words.translate(code, text)
        for group in (AREAS, INDICATIONS, AGENTS, TECHNIQUES, SYMPTOMS)
        for text in group.values()
    }
    return {text.lower() for text in (*named, *PEOPLE, *TREATMENT, *RESULT)}


@pytest.mark.parametrize("code", Languages(TRANSLATIONS).codes)
def test_no_push_names_anything(
    rt: Runtime, cast: Cast, push_service: PushService, transport: Transport, code: str
) -> None:
    now = rt.clock()
    device = subscribe(rt, push_service, cast.north, cast.ada)
    with rt.db.transaction(cast.north) as db:
        accounts.set_locale(db, clinic_id=cast.north, person_id=cast.ada, locale=code)
        for kind in BODIES:
            actions.enqueue(
                db,
                (cast.north, cast.ada),
                kind=kind,
                about=("escalation", new_id()),
                url="/",
                dedupe_key=str(new_id()),
                now=now,
                expires_at=now + timedelta(hours=1),
                params={"name": "Ada", "area": "Face", "symptom": "Swelling"},
            )
    jobs.deliver(rt, transport, now)
    words, private = Languages(TRANSLATIONS), _private(code)
    shown = {one.json["notification"]["body"]: one.json["notification"] for one in device.wait_for(len(BODIES))}
    assert set(shown) == {words.translate(code, body) for body in BODIES.values()}
    for message in shown.values():
        assert set(message) == {"title", "body", "navigate", "tag", "lang", "data"}
        assert message["title"] == "Aftercare Companion"
    for body in (*shown, words.translate(code, SEVERAL) % {"count": 3}):
        named = [word for word in private if re.search(rf"\b{re.escape(word)}", body.lower())]
        assert named == [], body
