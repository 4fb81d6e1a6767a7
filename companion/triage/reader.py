"""Reads a protocol file: checked whole, each fault with its line, then frozen."""

import tomllib
from functools import cache
from pathlib import Path

from companion.triage.protocol import Protocol
from companion.triage.sections import read
from companion.triage.values import Fault

SHIPPED = Path(__file__).with_name("mesotherapy.toml")


class ProtocolError(ValueError):
    """The file cannot be used; the text names file, line where known, and fault."""


@cache
def load_shipped_protocol() -> Protocol:
    """The protocol that comes with the product: example values, approved by no clinician."""
    return load(SHIPPED)


def load(path: Path) -> Protocol:
    """Read and check one file; ProtocolError says what is wrong and where."""
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(raw: str, name: str) -> Protocol:
    """Read and check a file's text; `name` is how a fault calls it."""
    try:
        return read(tomllib.loads(raw))
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{name}: {error}") from None
    except Fault as fault:
        raise ProtocolError(f"{name}, line {_line_of(raw, fault.near)}: {fault}") from None


def _line_of(raw: str, near: str) -> int:
    return next((number for number, line in enumerate(raw.splitlines(), 1) if near in line), 1)
