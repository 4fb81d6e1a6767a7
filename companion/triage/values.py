"""The values of a protocol file, one by one: of the right kind, or a fault that says where."""

from collections.abc import Collection, Mapping
from typing import Any

LARGEST = 1_000_000


class Fault(Exception):
    """What is wrong; `near` is a text that stands in the line of it."""

    def __init__(self, near: str, text: str) -> None:
        super().__init__(text)
        self.near = near


def table(value: object, near: str) -> dict[str, Any]:
    """A table; Fault for anything else."""
    if not isinstance(value, dict):
        raise Fault(near.strip("[]"), f"{near} must be a table")
    return value


def tables(value: object, near: str) -> list[dict[str, Any]]:
    """A list of tables."""
    if not isinstance(value, list):
        raise Fault(near.strip("[]"), f"{near} must be a list of tables")
    return [table(one, near) for one in value]


def text(value: object, near: str) -> str:
    """A text of at least one letter, on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise Fault(near, f"{near} must be a text")
    return value


def texts(value: object, near: str) -> list[str]:
    """A list of texts, at least one."""
    if not isinstance(value, list) or not value:
        raise Fault(near, f"{near} must be a list of texts")
    return [text(one, near) for one in value]


def number(value: object, near: str) -> float:
    """A number from 0 to a million; no NaN, no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
        raise Fault(near, f"{near} must be a number from 0")
    return value


def whole(value: object, near: str) -> int:
    """A whole number above 0, below a million."""
    if type(value) is not int or not 0 < value < LARGEST:
        raise Fault(near, f"{near} must be a whole number above 0")
    return value


def only(row: Mapping[str, Any], known: Collection[str], near: str) -> None:
    """No key but the known ones."""
    if unknown := sorted(set(row) - set(known)):
        raise Fault(unknown[0], f"unknown key {unknown[0]!r} in {near}")


def all_of(row: Mapping[str, Any], needed: Collection[str], near: str) -> None:
    """Every key that is needed."""
    if missing := [name for name in needed if name not in row]:
        raise Fault(near, f"{near} lacks {missing[0]!r}")


def known(value: Collection[str], names: Collection[str], near: str, *, what: str) -> None:
    """Only names that there are."""
    if unknown := sorted(set(value) - set(names)):
        raise Fault(near, f"unknown {what} {unknown[0]!r} in {near}")
