"""Where swelling is to be expected: what a patient writes of it there is no warning sign. Pure."""

from collections.abc import Iterable
from datetime import datetime

from companion.triage.observation import Visit
from companion.triage.protocol import AGENT_GROUPS, Protocol


def still_swelling(visits: Iterable[Visit], at: datetime, protocol: Protocol) -> frozenset[str]:
    """The treated areas that may still swell at a time, a little at least, by the protocol's windows.

    Not those that a patient reports: lips that swell after a session of the thighs are told of as well. An agent that
    nobody knows has the shortest windows.
    """
    return frozenset(area for visit in visits for area in visit.areas if _may_swell(area, visit, at, protocol))


def _may_swell(area: str, visit: Visit, at: datetime, protocol: Protocol) -> bool:
    windows = protocol.windows_of(protocol.group_of(visit.agents) or AGENT_GROUPS[0], area)
    hours = (at - visit.at).total_seconds() / 3600
    return 0 <= hours <= windows["swelling"].hours[0]
