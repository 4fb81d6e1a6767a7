"""Reads a protocol file: checked whole, each fault with its line, then frozen."""

from functools import cache
from pathlib import Path

from companion.triage import files, sections
from companion.triage.protocol import Protocol
from companion.triage.values import Fault

SHIPPED = Path(__file__).with_name("mesotherapy.toml")


class ProtocolError(ValueError):
    """The file cannot be used; the text names file, line and fault."""


@cache
def load_shipped_protocol() -> Protocol:
    """The protocol that comes with the product: example values, approved by no clinician."""
    return load(SHIPPED)


def load(path: Path) -> Protocol:
    """Read and check one file; ProtocolError says what is wrong and where."""
    return parse(text_of(path), path.name)


def text_of(path: Path) -> str:
    """The text of a file; ProtocolError where it is not in UTF-8."""
    try:
        return files.text_of(path)
    except files.Unreadable as error:
        raise ProtocolError(f"{path.name}, {error}") from None


def parse(raw: str, name: str) -> Protocol:
    """Read and check a file's text; `name` is how a fault calls it."""
    try:
        return sections.read(files.tables_of(raw))
    except files.Unreadable as error:
        raise ProtocolError(f"{name}, {error}") from None
    except Fault as fault:
        raise ProtocolError(files.sentence(name, raw, fault)) from None
