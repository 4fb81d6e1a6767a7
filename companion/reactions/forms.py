"""A patient's entry as checked values. Unreadable is never mild: what is asked and not answered is refused."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from companion.errors import CompanionError, Invalid, OtherPerson
from companion.ids import derived_id
from companion.triage.observation import AREAS, SYMPTOMS, Disposition
from companion.triage.protocol import Protocol

Grade = Annotated[int, Field(ge=0, le=4)]
Size = Annotated[float, Field(gt=0, le=50)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
OLDEST = timedelta(days=366)
_STRICT = ConfigDict(strict=True, extra="forbid")


class AreaForm(BaseModel):
    """One area: all seven grades; if given, the largest patch and swelling in cm, and if it passed a drawn line."""

    model_config = _STRICT
    swelling: Grade
    bruising: Grade
    redness: Grade
    pain: Grade
    itch: Grade
    bumps: Grade
    numbness: Grade
    patch_cm: Size | None = None
    swelling_cm: Size | None = None
    past_line: bool | None = None


class WarningsForm(BaseModel):
    """The warning signs: none of them, or the ones that are there and the groups that cannot be ruled out."""

    model_config = _STRICT
    none: bool
    signs: Annotated[list[Code], Field(max_length=60)] = []
    not_sure: Annotated[list[Code], Field(max_length=12)] = []

    @model_validator(mode="after")
    def _is_answered(self) -> "WarningsForm":
        if self.none == bool(self.signs or self.not_sure):
            raise ValueError("unanswered")
        return self


class EntryForm(BaseModel):
    """An entry as the phone sends it."""

    model_config = _STRICT
    subject: str
    noted_at: str
    sent_at: str
    areas: Annotated[dict[str, AreaForm], Field(min_length=1, max_length=len(AREAS))]
    temperature_c: Annotated[float, Field(ge=0, le=200)] | None = None
    warnings: WarningsForm
    feels: Literal["can_wait", "today", "now"]
    words: Annotated[str, Field(max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked entry: the form, when it was so (skew corrected), the skew in seconds, the hash of what was sent.

    `told_at` is when the phone says it was so. A clock that was set back before sending makes that a time to come,
    which triage doubts and judges as well; `noted_at` is then when the entry came in, so that later is later.
    """

    form: EntryForm
    noted_at: datetime
    told_at: datetime
    skew_seconds: int
    body_hash: str

    def id_beside(self, reaction_id: UUID) -> UUID:
        """The id this entry has where another one bears `reaction_id`: always the same."""
        return derived_id(reaction_id, self.body_hash)


def parse_entry(body: dict[str, Any], *, subject: str, now: datetime) -> Entry:
    """The entry in a JSON body. Invalid with a sentence for each field; OtherPerson if it is somebody else's.

    Whose it is comes first: what is wrong in it is between the clinic and its own person. The same entry sent again has
    the same hash: `sent_at` is no part of it.
    """
    if isinstance(named := body.get("subject"), str) and named != subject:
        raise OtherPerson
    try:
        form = EntryForm.model_validate(body)
    except ValidationError as error:
        raise Invalid(dict(_sentences(error))) from None
    if unknown := sorted(set(form.areas) - set(AREAS)):
        raise Invalid({f"areas.{area}": gettext("We do not know this area") for area in unknown})
    noted_at, sent_at = _instant("noted_at", form.noted_at), _instant("sent_at", form.sent_at)
    ago, skew = sent_at - noted_at, now - sent_at
    if ago > OLDEST:
        raise Invalid({"noted_at": gettext("This is more than a year ago. Check the date of your phone")})
    if ago < -OLDEST:
        raise Invalid({"noted_at": gettext("This is more than a year ahead. Check the date of your phone")})
    return Entry(form, min(now - ago, now), now - ago, int(skew.total_seconds()), _hash(body))


def refusal_id(reaction_id: UUID, body: dict[str, Any] | None, error: CompanionError) -> UUID:
    """What the alarm about a refused entry is known by: one for each body, and one for all that cannot be read."""
    return derived_id(reaction_id, f"refused {error.code if body is None else _hash(body)}")


def has_emergency(fields: Mapping[str, list[str]], groups: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a posted form ticks an emergency sign, or a group with one in it that the patient cannot rule out."""
    signs, ticked = set(fields.get("sign", [])), set(fields.get("group", []))
    for group in groups:
        own = {sign["id"]: sign["is_emergency"] for sign in group["signs"]}
        told = signs & set(own)
        if any(own[sign] for sign in told) or (group["id"] in ticked and not told and any(own.values())):
            return True
    return False


def names_for_log(fields: Iterable[str]) -> list[str]:
    """Which of our own fields were refused; a name that came from outside could hold what somebody wrote."""
    return sorted({name.partition(".")[0] for name in fields} & set(EntryForm.model_fields))


def groups_of(protocol: Protocol) -> list[dict[str, Any]]:
    """The warning signs that a check-in asks, by group, in the reader's language."""
    return [
        {
            "id": group.id,
            "line": gettext(group.line),
            "signs": [
                {"id": sign.id, "line": gettext(sign.line), "is_emergency": sign.level is Disposition.EMERGENCY}
                for sign in group.signs
            ],
        }
        for group in protocol.groups
    ]


def body_of_fields(
    fields: dict[str, list[str]],
    *,
    subject: str,
    treated: Iterable[str],
    sign_groups: Mapping[str, str],
    plausible: tuple[float, float],
    now: datetime,
) -> dict[str, Any]:
    """A posted form as the JSON the phone would send, so that both are checked in one place.

    `treated` are the areas that "Nowhere" speaks of, `sign_groups` names the group of each warning sign. Invalid where
    a number cannot be read; a temperature outside `plausible` is asked once more, and taken if it stays. An area with a
    grade counts as ticked, and a group without a sign as "not sure which": in doubt the answer is yes.
    """
    faults: dict[str, str] = {}
    ticked = fields.get("area", [])
    sent_at = now.isoformat()
    body: dict[str, Any] = {
        "subject": subject,
        "noted_at": fields.get("noted_at", [""])[0] or sent_at,
        "sent_at": sent_at,
        "areas": _areas(fields, ticked, treated, faults),
        "temperature_c": _temperature(fields, plausible, faults),
        "warnings": _warnings(fields, sign_groups),
        "words": "\n".join(fields.get("words", [])).replace("\r\n", "\n"),
    }
    if feels := _only(fields, "feels"):
        body["feels"] = feels
    if not body["areas"]:
        faults["areas"] = gettext("Tick where you notice something, or tick “Nowhere”")
    if faults:
        raise Invalid(faults)
    return body


def _areas(
    fields: dict[str, list[str]], ticked: list[str], treated: Iterable[str], faults: dict[str, str]
) -> dict[str, Any]:
    graded = [area for area in AREAS if any(_is_grade(fields, area, symptom) for symptom in SYMPTOMS)]
    if ticked == ["nowhere"] and not graded:
        return {area: {**dict.fromkeys(SYMPTOMS, 0), "patch_cm": None} for area in treated}
    if "nowhere" in ticked:
        faults["areas"] = gettext("You ticked “Nowhere” and an area. Leave one of them out")
    return {area: _area(fields, area, faults) for area in AREAS if area in ticked or area in graded}


def _area(fields: dict[str, list[str]], area: str, faults: dict[str, str]) -> dict[str, Any]:
    report: dict[str, Any] = {
        symptom: int(fields[f"{area}.{symptom}"][0])
        for symptom in SYMPTOMS
        if _only(fields, f"{area}.{symptom}") in ("0", "1", "2", "3", "4")
    }
    patch = fields.get(f"{area}.patch", [""])[0]
    if patch in ("2", "4", "8"):
        report["patch_cm"] = float(patch)
    else:
        report["patch_cm"] = _decimal(fields, f"{area}.patch_cm", faults)
    report["swelling_cm"] = _decimal(fields, f"{area}.swelling_cm", faults)
    lines = fields.get(f"{area}.line", [])
    report["past_line"] = True if "past" in lines else False if "inside" in lines else None
    return report


def _is_grade(fields: dict[str, list[str]], area: str, symptom: str) -> bool:
    return any(given in ("1", "2", "3", "4") for given in fields.get(f"{area}.{symptom}", []))


def _only(fields: dict[str, list[str]], name: str) -> str:
    # Two answers to one question are none: which of them is true is not for us to choose.
    given = set(fields.get(name, []))
    return given.pop() if len(given) == 1 else ""


def _warnings(fields: dict[str, list[str]], sign_groups: Mapping[str, str]) -> dict[str, Any]:
    groups, signs = fields.get("group", []), fields.get("sign", [])
    explained = {sign_groups.get(sign) for sign in signs}
    not_sure = [name for name in groups if name != "none" and name not in explained]
    return {"none": groups == ["none"] and not signs, "signs": signs, "not_sure": not_sure}


def _decimal(fields: dict[str, list[str]], name: str, faults: dict[str, str]) -> float | None:
    given = " ".join(dict.fromkeys(fields.get(name, []))).strip().replace(",", ".")
    if not given:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", given):
        faults[name if "." not in name else f"areas.{name}"] = gettext("Enter a number, like 37.5")
        return None
    return float(given)


def _temperature(fields: dict[str, list[str]], plausible: tuple[float, float], faults: dict[str, str]) -> float | None:
    given, (low, high) = _decimal(fields, "temperature_c", faults), plausible
    is_asked = fields.get("temperature_asked") == fields.get("temperature_c")
    if given is not None and not low <= given <= high and not is_asked:
        faults["temperature_c"] = gettext("This temperature is hardly possible. Measure again, or send it as it is")
    return given


def _instant(name: str, given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid({name: gettext("This is not a time with its zone")})


def _hash(body: dict[str, Any]) -> str:
    kept = {name: value for name, value in body.items() if name != "sent_at"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sentences(error: ValidationError) -> Iterable[tuple[str, str]]:
    known = {
        "missing": gettext("Please answer this"),
        "string_too_long": gettext("Make this shorter: at most 2,000 characters"),
        "extra_forbidden": gettext("We do not know this field"),
    }
    for fault in error.errors(include_input=False, include_url=False):
        field = ".".join(map(str, fault["loc"]))
        sentence = known.get(fault["type"], gettext("Please choose one of the answers"))
        if field == "warnings":
            sentence = gettext("Tick what you have, or tick “None of these”")
        if fault["type"] in ("greater_than_equal", "less_than_equal", "greater_than"):
            sentence = gettext("This is out of range")
        yield field, sentence
