"""`assess`: pure and total. In doubt it grades up and says so."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from companion.triage.observation import AreaReport, Assessment, Context, Disposition, Observation, Reason, Visit
from companion.triage.protocol import Protocol

_FACE = frozenset({"face", "forehead", "cheeks", "periorbital", "lips"})
_CROSSLINKED = frozenset({"ha_crosslinked_booster", "ha_filler_crosslinked"})
_INFECTION = frozenset({"pus_or_discharge", "spreading_redness_warm", "open_sore"})
# Two causes that make an allergy of the whole body likely: skin or face, and gut (WAO 2020).
_ALLERGY_SKIN = frozenset({"widespread_hives", "swelling_outside_treated_area_face"})
PLAUSIBLE_TEMPERATURE_C = (34.0, 43.0)


def assess(observation: Observation, context: Context, protocol: Protocol) -> Assessment:
    """What the protocol says of one entry: the highest level of all rules that fire, and every reason.

    Judged at the time the patient noted it; where that time cannot be right, also at the time it was received,
    and the higher stands. Never raises on a value in range; what it cannot judge it names in `unjudged`.
    """
    times, doubts = _times(observation, context)
    reasons = {reason for at in times for reason in _fired(observation, context, protocol, at)}
    if context.open_case is not None:
        reasons.add(_reason(protocol, "open_case", value=context.open_case.code))
    ordered = tuple(sorted(reasons, key=lambda reason: (-reason.level, reason.rule, reason.area or "", str(reason))))
    level = max((reason.level for reason in ordered), default=Disposition.SELF_CARE)
    latest = _latest(context.visits, None, times[0])
    return Assessment(
        disposition=level,
        reasons=ordered,
        protocol_version=protocol.version,
        hours=_hours(latest, times[0]) if latest else None,
        unjudged=(*doubts, *_unjudged(observation, context, protocol, times[0])),
    )


def _times(observation: Observation, context: Context) -> tuple[tuple[datetime, ...], tuple[str, ...]]:
    noted, received = observation.noted_at, observation.received_at
    if received is None:
        return (noted,), ()
    first = min((visit.at for visit in context.visits), default=None)
    if noted > received + timedelta(minutes=5) or (first is not None and noted < first <= received):
        return (noted, received), ("time_in_doubt",)
    return (noted,), ()


def _fired(observation: Observation, context: Context, protocol: Protocol, at: datetime) -> Iterator[Reason]:
    yield from _signs(observation, protocol)
    yield from _temperature(observation, context, protocol, at)
    yield from _combinations(observation, protocol)
    for area, report in observation.areas.items():
        visit = _latest(context.visits, area, at)
        if visit is None:
            yield from _without_visit(area, report, protocol)
        else:
            yield from _windows(area, report, visit, protocol, _hours(visit, at))
            yield from _crosslinked_pain(area, report, visit, protocol, _hours(visit, at))
            yield from _patch(area, report, protocol, _hours(visit, at))
    if not observation.warnings_answered and _worst(observation) >= 3:
        yield _reason(protocol, "warnings_skipped", value=_worst(observation))
    if observation.feels in ("now", "today"):
        yield _reason(protocol, f"feels_{observation.feels}", value=observation.feels)


def _signs(observation: Observation, protocol: Protocol) -> Iterator[Reason]:
    for name in observation.warning_signs:
        sign = protocol.signs.get(name)
        if sign is None:
            yield _reason(protocol, "unknown_sign", value=name)
        else:
            yield Reason(f"sign_{name}", sign.level, sign.nurse, sign.source, sign.mark, value="yes")
    groups = {group.id: group for group in protocol.groups}
    for name in observation.not_sure:
        if name in groups:
            group = groups[name]
            yield Reason(f"unsure_{name}", group.level, group.nurse, "PROPOSAL", "proposal", value="not sure")
        else:
            yield _reason(protocol, "unsure_any", value=name)


def _temperature(observation: Observation, context: Context, protocol: Protocol, at: datetime) -> Iterator[Reason]:
    value = _plausible(observation.temperature_c)
    if value is None:
        return
    fever, low = protocol.rules["fever"], protocol.rules["low_temperature_infection"]
    is_infected = bool(observation.warning_signs & _INFECTION)
    latest = _latest(context.visits, None, at)
    hours = _hours(latest, at) if latest else None
    if value >= fever.limit:
        if hours is None or hours <= protocol.rules["fever_days"].limit * 24:
            yield _reason(protocol, "fever", value=value, hours=hours)
        if "spreading_redness_warm" in observation.warning_signs:
            yield _reason(protocol, "fever_spreading_redness", value=value, hours=hours)
        eye = observation.areas.get("periorbital")
        if eye and eye.grades.get("redness", 0) >= protocol.rules["fever_red_eyelid"].limit:
            yield _reason(protocol, "fever_red_eyelid", area="periorbital", value=value, hours=hours)
    if value < low.limit and is_infected:
        yield _reason(protocol, "low_temperature_infection", value=value, hours=hours)


def _combinations(observation: Observation, protocol: Protocol) -> Iterator[Reason]:
    signs = observation.warning_signs
    if "repeated_vomiting" in signs and signs & _ALLERGY_SKIN:
        yield _reason(protocol, "skin_and_vomiting", value="yes")
    if "blister_cluster" in signs and ("periorbital" in observation.areas or "red_or_painful_eye" in signs):
        yield _reason(protocol, "blisters_near_eye", value="yes")


def _windows(area: str, report: AreaReport, visit: Visit, protocol: Protocol, hours: float) -> Iterator[Reason]:
    # An unknown agent gets the strictest windows there are, those of the light group.
    group = protocol.group_of(visit.agents) or "light"
    for symptom, grade in report.grades.items():
        limit = protocol.limits(group, area, symptom)[min(grade, 3) - 1] if grade else None
        if limit is None or (hours <= limit and grade < 4):
            continue
        is_worst_pain = symptom == "pain" and grade == 4
        level = protocol.rules["worst_pain"].level if is_worst_pain else protocol.outside[grade]
        yield Reason(
            rule=f"window_{group}_{symptom}",
            level=level,
            words=protocol.window_words[symptom],
            source=protocol.window_sources[group],
            mark="proposal",
            area=area,
            value=grade,
            limit=limit,
            hours=hours,
        )


def _crosslinked_pain(
    area: str, report: AreaReport, visit: Visit, protocol: Protocol, hours: float
) -> Iterator[Reason]:
    rule = protocol.rules["pain_after_crosslinked"]
    is_severe = report.grades.get("pain", 0) >= 3
    if is_severe and area in _FACE and visit.agents & _CROSSLINKED and hours <= rule.limit:
        yield _reason(protocol, rule.id, area=area, value=report.grades["pain"], hours=hours)


def _patch(area: str, report: AreaReport, protocol: Protocol, hours: float) -> Iterator[Reason]:
    size = report.redness_cm
    if size is not None and size > protocol.rules["large_patch"].limit and hours > protocol.rules["patch_after"].limit:
        yield _reason(protocol, "large_patch", area=area, value=size, hours=hours)


def _without_visit(area: str, report: AreaReport, protocol: Protocol) -> Iterator[Reason]:
    if worst := max(report.grades.values(), default=0):
        yield _reason(protocol, "area_without_visit" if worst < 3 else "severe_without_visit", area=area, value=worst)


def _unjudged(observation: Observation, context: Context, protocol: Protocol, at: datetime) -> Iterator[str]:
    if not observation.warnings_answered:
        yield "warnings_not_answered"
    if observation.temperature_c is not None and _plausible(observation.temperature_c) is None:
        yield "temperature_implausible"
    for area in sorted(observation.areas):
        visit = _latest(context.visits, area, at)
        if visit is None:
            yield f"no_visit:{area}"
        elif protocol.group_of(visit.agents) is None:
            yield f"unknown_agent:{area}"


def _latest(visits: Iterable[Visit], area: str | None, at: datetime) -> Visit | None:
    past = [visit for visit in visits if visit.at <= at and (area is None or area in visit.areas)]
    return max(past, key=lambda visit: visit.at, default=None)


def _hours(visit: Visit, at: datetime) -> float:
    return round((at - visit.at).total_seconds() / 3600, 2)


def _worst(observation: Observation) -> int:
    return max((grade for report in observation.areas.values() for grade in report.grades.values()), default=0)


def _plausible(temperature_c: float | None) -> float | None:
    low, high = PLAUSIBLE_TEMPERATURE_C
    return temperature_c if temperature_c is not None and low <= temperature_c <= high else None


def _reason(
    protocol: Protocol,
    rule_id: str,
    *,
    value: float | str,
    area: str | None = None,
    hours: float | None = None,
) -> Reason:
    rule = protocol.rules[rule_id]
    return Reason(rule.id, rule.level, rule.nurse, rule.source, rule.mark, area, value, rule.limit, hours)
