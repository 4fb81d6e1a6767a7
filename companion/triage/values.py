"""The values of a file of tables, one by one: of the right kind, or a fault that says where."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

LARGEST = 1_000_000

Place = tuple[str | int, ...]  # keys from the outside in; a number, from 0, for one of several


class Fault(Exception):
    """What is wrong, as the end of a sentence that begins with the `place` where it is."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place


def table(value: object, place: Place) -> dict[str, Any]:
    """A table; Fault for anything else."""
    if not isinstance(value, dict):
        raise Fault(place, "must be a section with keys of its own")
    return value


def tables(value: object, place: Place) -> list[dict[str, Any]]:
    """A list of tables."""
    if not isinstance(value, list):
        raise Fault(place, f"must be entries, each under [[{place[-1]}]]")
    return [table(one, (*place, index)) for index, one in enumerate(value)]


def text(value: object, place: Place) -> str:
    """A text of at least one letter, on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise Fault(place, "must be a text of one line, in quotation marks")
    return value


def texts(value: object, place: Place) -> list[str]:
    """A list of texts, at least one."""
    if not isinstance(value, list) or not value:
        raise Fault(place, "must be a list of texts, at least one")
    return [text(one, place) for one in value]


def number(value: object, place: Place) -> float:
    """A number from 0 to a million; no NaN, no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
        raise Fault(place, "must be a number from 0 up to a million")
    return value


def whole(value: object, place: Place) -> int:
    """A whole number above 0, below a million."""
    if type(value) is not int or not 0 < value < LARGEST:
        raise Fault(place, "must be a whole number above 0, below a million")
    return value


def only(row: Mapping[str, Any], known: Collection[str], place: Place) -> None:
    """No key but the known ones."""
    for name in row:
        if name not in known:
            raise Fault((*place, name), f"is an unknown key{_meant(name, known)}")


def all_of(row: Mapping[str, Any], needed: Iterable[str], place: Place) -> None:
    """Every key that is needed."""
    if missing := [name for name in needed if name not in row]:
        raise Fault(place, f"lacks {missing[0]!r}")


def known(value: Iterable[str], names: Collection[str], place: Place, *, what: str) -> None:
    """Only names that there are; in a table the line of the name is the place."""
    for name in value:
        if name not in names:
            where = (*place, name) if isinstance(value, Mapping) else place
            raise Fault(where, f"names an unknown {what}, {name!r}{_meant(name, names)}")


def _meant(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
