"""`assess`: pure and total. In doubt it grades up and says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from companion.triage import trends
from companion.triage.observation import AreaReport, Assessment, Context, Disposition, Observation, Reason, Visit
from companion.triage.protocol import Combination, Protocol, Window
from companion.triage.trends import Symptom

_STRICTEST = "light"  # the windows of an agent that nobody knows
_SEVERE = 3
_WORST = 4


@dataclass(frozen=True, slots=True)
class _Moment:
    """An entry judged at one time: what was entered, what came before, and what is known beside it."""

    observation: Observation
    history: Sequence[Observation]
    context: Context
    protocol: Protocol
    at: datetime


def assess(
    observation: Observation, history: Iterable[Observation], context: Context, protocol: Protocol
) -> Assessment:
    """What the protocol says of one entry: the highest level of all rules that fire, and every reason.

    `history` holds the patient's other entries in any order; those noted later are left aside. Judged at the time the
    patient noted it; where that time cannot be right, also at the time it was received, and the higher stands. Never
    raises on a value in range; what it cannot judge it names in `unjudged`.
    """
    past = sorted((one for one in history if one.noted_at < observation.noted_at), key=attrgetter("noted_at"))
    times, doubts = _times(observation, context)
    reasons = {reason for at in times for reason in _fired(_Moment(observation, past, context, protocol, at))}
    if context.open_case is not None:
        reasons.add(_rule(protocol, "open_case", value=context.open_case.code))
    ordered = tuple(sorted(reasons, key=_urgency)) if len(reasons) > 1 else tuple(reasons)
    latest = _latest(context.visits, None, times[0])
    return Assessment(
        disposition=ordered[0].level if ordered else Disposition.SELF_CARE,
        reasons=ordered,
        protocol_version=protocol.version,
        hours=_hours(latest, times[0]) if latest else None,
        unjudged=(*doubts, *_unjudged(observation, context, protocol, times[0])),
    )


def expected_course(
    area: str, at: datetime, visits: Iterable[Visit], protocol: Protocol
) -> tuple[float, Mapping[str, Window]] | None:
    """Hours since the latest session of an area, and each symptom's window there; None where no session is known."""
    visit = _latest(visits, area, at)
    if visit is None:
        return None
    return _hours(visit, at), protocol.windows_of(protocol.group_of(visit.agents) or _STRICTEST, area)


def silence(history: Iterable[Observation], at: datetime, protocol: Protocol) -> Reason | None:
    """The reason to look after a patient who told of something severe and then, for long, nothing more."""
    latest = max(history, key=lambda one: one.noted_at, default=None)
    if latest is None or (worst := _worst(latest)) < _SEVERE:
        return None
    hours = (at - latest.noted_at).total_seconds() / 3600
    return _rule(protocol, "silence", value=worst) if hours >= protocol.rules["silence"].limit else None


def _urgency(reason: Reason) -> tuple[int, str, str, str, str, float]:
    # Reasons come as a set: what tells two of them apart must be here, or their order would be chance.
    told = (reason.rule, reason.area or "", reason.symptom or "", str(reason.value))
    return -reason.level, *told, reason.hours or 0.0


def _times(observation: Observation, context: Context) -> tuple[tuple[datetime, ...], tuple[str, ...]]:
    noted, received = observation.noted_at, observation.received_at
    if received is None:
        return (noted,), ()
    first = min((visit.at for visit in context.visits), default=None)
    if noted > received + timedelta(minutes=5) or (first is not None and noted < first <= received):
        return (noted, received), ("time_in_doubt",)
    return (noted,), ()


def _fired(moment: _Moment) -> Iterator[Reason]:
    observation, protocol = moment.observation, moment.protocol
    signs = observation.signs
    if signs or observation.not_sure:
        yield from _signs(observation, protocol)
    for rule in protocol.combinations:
        if rule.signs <= signs and (not rule.any_sign or rule.any_sign & signs):
            yield from _combination(rule, moment)
    for area, report in observation.areas.items():
        yield from _area(area, report, moment)
    if not observation.warnings_answered and (worst := _worst(observation)) >= protocol.rules["warnings_skipped"].limit:
        yield _rule(protocol, "warnings_skipped", value=worst)
    if observation.feels in ("now", "today"):
        yield _rule(protocol, f"feels_{observation.feels}", value=observation.feels)


def _signs(observation: Observation, protocol: Protocol) -> Iterator[Reason]:
    for name in observation.signs:
        sign, quote = protocol.signs.get(name), observation.said.get(name)
        if sign is None:
            yield _rule(protocol, "unknown_sign", value=name)
        else:
            rule, value = (f"words_{name}", quote) if quote else (f"sign_{name}", "yes")
            yield Reason(rule, sign.level, sign.nurse, sign.patient, sign.source, sign.mark, value=value)
    groups = {group.id: group for group in protocol.groups}
    for name in observation.not_sure:
        if name in groups:
            group = groups[name]
            yield Reason(
                f"unsure_{name}", group.level, group.nurse, group.line, "PROPOSAL", "proposal", value="not sure"
            )
        else:
            yield _rule(protocol, "unsure_any", value=name)


def _combination(rule: Combination, moment: _Moment) -> Iterator[Reason]:
    """A combination whose signs are there: whether temperature, area, symptom and session agree."""
    observation = moment.observation
    if rule.temperature and not _has_temperature(rule, observation, moment.protocol):
        return
    value = _value(rule, observation)
    if not (rule.areas or rule.symptom):
        yield from _within_reach(rule, None, value, moment)
        return
    for area, report in observation.areas.items():
        grade = report.grades.get(rule.symptom, 0)
        if (not rule.areas or area in rule.areas) and (not rule.symptom or grade >= rule.at_least):
            yield from _within_reach(rule, area, grade if rule.symptom else value, moment)


def _within_reach(rule: Combination, area: str | None, value: float | str, moment: _Moment) -> Iterator[Reason]:
    """The combination, unless its agents or its time rule out every session of the area, not only the latest.

    Where no session of the area is known its time rules nothing out, and agents count in the rule's other areas.
    """
    visits, at = moment.context.visits, moment.at
    sessions = _sessions(visits, area, at)
    if not sessions and not rule.agents:
        yield _combined(rule, area, value, None)
    elif not sessions:
        sessions = _sessions((visit for visit in visits if not rule.areas or rule.areas & visit.areas), None, at)
    for session in sessions:
        hours = _hours(session, at)
        if hours <= rule.until and (not rule.agents or rule.agents & session.agents):
            yield _combined(rule, area, value, hours)
            return


def _area(area: str, report: AreaReport, moment: _Moment) -> Iterator[Reason]:
    protocol = moment.protocol
    sessions = _sessions(moment.context.visits, area, moment.at)
    visit = sessions[0] if sessions else None
    if report.past_line and (visit is None or _hours(visit, moment.at) > protocol.rules["past_line"].limit):
        hours = _hours(visit, moment.at) if visit else None
        yield replace(_rule(protocol, "past_line", value="yes", area=area), limit=None, hours=hours)
    if visit is None:
        if worst := max(report.grades.values(), default=0):
            yield _rule(
                protocol, "area_without_visit" if worst < _SEVERE else "severe_without_visit", value=worst, area=area
            )
        return
    hours, group = _hours(visit, moment.at), protocol.group_of(visit.agents) or _STRICTEST
    windows = protocol.windows_of(group, area)
    for name, grade in report.grades.items():
        if not grade:
            continue
        symptom = Symptom(area, name, grade, moment.at, hours, group, trends.before(area, name, moment.history))
        if grade >= _WORST or hours > windows[name].hours[grade - 1]:
            if grade > moment.context.expected.get((area, name), 0):
                yield _outside(symptom, windows[name], protocol)
            yield from _late_after_earlier(symptom, sessions[1:], moment)
        yield from trends.of_symptom(symptom, visit, protocol)
    if report.redness_cm is not None or report.swelling_cm is not None:
        yield from trends.of_patch(area, report, visit=visit, hours=hours, history=moment.history, protocol=protocol)


def _late_after_earlier(symptom: Symptom, earlier: Iterable[Visit], moment: _Moment) -> Iterator[Reason]:
    """What the latest session does not explain may be a late onset of an earlier one of the same area."""
    trend = moment.protocol.trends["late_onset"]
    for visit in earlier:
        group = moment.protocol.group_of(visit.agents) or _STRICTEST
        seen = replace(symptom, hours=_hours(visit, moment.at), group=group)
        if trends.is_late_onset(seen, trend):
            yield trends.of_trend(trend, seen)


def _outside(symptom: Symptom, window: Window, protocol: Protocol) -> Reason:
    return Reason(
        rule=f"window_{symptom.group}_{symptom.name}",
        level=protocol.outside[symptom.grade],
        words=window.nurse,
        patient=window.patient,
        source=window.source,
        mark="proposal",
        area=symptom.area,
        value=symptom.grade,
        limit=window.hours[min(symptom.grade, _SEVERE) - 1],
        hours=symptom.hours,
    )


def _has_temperature(rule: Combination, observation: Observation, protocol: Protocol) -> bool:
    value = _plausible(observation.temperature_c, protocol)
    if value is None:
        return False
    return value >= protocol.temperature.fever if rule.temperature == "fever" else value < protocol.temperature.low


def _value(rule: Combination, observation: Observation) -> float | str:
    return observation.temperature_c if rule.temperature and observation.temperature_c is not None else "yes"


def _combined(rule: Combination, area: str | None, value: float | str, hours: float | None) -> Reason:
    limit = rule.at_least if rule.symptom else None
    return Reason(rule.id, rule.level, rule.nurse, rule.patient, rule.source, rule.mark, area, value, limit, hours)


def _unjudged(observation: Observation, context: Context, protocol: Protocol, at: datetime) -> Iterator[str]:
    if not observation.warnings_answered:
        yield "warnings_not_answered"
    if observation.temperature_c is not None and _plausible(observation.temperature_c, protocol) is None:
        yield "temperature_implausible"
    for area in sorted(observation.areas):
        visit = _latest(context.visits, area, at)
        if visit is None:
            yield f"no_visit:{area}"
        elif protocol.group_of(visit.agents) is None:
            yield f"unknown_agent:{area}"


def _latest(visits: Iterable[Visit], area: str | None, at: datetime) -> Visit | None:
    found = _sessions(visits, area, at)
    return found[0] if found else None


def _sessions(visits: Iterable[Visit], area: str | None, at: datetime) -> list[Visit]:
    """The sessions of an area (None: of any) until then, the latest first; what began at one instant is one session."""
    found = [visit for visit in visits if visit.at <= at and (area is None or area in visit.areas)]
    return _one_an_instant(found) if len(found) > 1 else found


def _one_an_instant(visits: Iterable[Visit]) -> list[Visit]:
    found: dict[datetime, Visit] = {}
    for visit in visits:
        same = found.get(visit.at, visit)
        found[visit.at] = replace(visit, areas=same.areas | visit.areas, agents=same.agents | visit.agents)
    return [found[at] for at in sorted(found, reverse=True)]


def _hours(visit: Visit, at: datetime) -> float:
    return round((at - visit.at).total_seconds() / 3600, 2)


def _worst(observation: Observation) -> int:
    return max((grade for report in observation.areas.values() for grade in report.grades.values()), default=0)


def _plausible(temperature_c: float | None, protocol: Protocol) -> float | None:
    low, high = protocol.temperature.plausible
    return temperature_c if temperature_c is not None and low <= temperature_c <= high else None


def _rule(protocol: Protocol, rule_id: str, *, value: float | str, area: str | None = None) -> Reason:
    rule = protocol.rules[rule_id]
    return Reason(rule.id, rule.level, rule.nurse, rule.patient, rule.source, rule.mark, area, value, rule.limit)
