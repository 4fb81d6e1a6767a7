"""Reads a protocol file: checked whole, each fault with its line, then frozen."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from companion.triage import files, publishable, sections
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
    """Read a file's text and check that it may be published; `name` is how a fault calls it."""
    return _parsed(raw, name, publishable.check)


def parse_published(raw: str, name: str) -> Protocol:
    """Read what was published once: ProtocolError only where triage cannot use it.

    What may be published is checked more strictly from version to version of the product; a clinic keeps the protocol
    that its clinician published before.
    """
    return _parsed(raw, name, lambda _content, _protocol: None)


def _parsed(raw: str, name: str, check: Callable[[Mapping[str, Any], Protocol], None]) -> Protocol:
    try:
        content = files.tables_of(raw)
        protocol = sections.read(content)
        check(content, protocol)
    except files.Unreadable as error:
        raise ProtocolError(f"{name}, {error}") from None
    except Fault as fault:
        raise ProtocolError(files.sentence(name, raw, fault)) from None
    return protocol
