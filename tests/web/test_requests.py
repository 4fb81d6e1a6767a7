"""Strict reading of JSON: what cannot be read is refused, never guessed."""

import pytest

from companion.errors import Invalid, Malformed
from companion.web.requests import parse_json


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 9, "a": 1}', b"{", b"[1]", b'{"a": "\xe9"}', '{"a": 1}'.encode("utf-16"), b'{"a": ' + b"9" * 5000 + b"}"],
)
def test_unreadable_bodies_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": "\\ud800"}',
        b'{"a": "x\\u0000"}',
        b'{"a": ' + b"9" * 30 + b"}",
    ],
)
def test_values_that_cannot_be_right_are_invalid(raw: bytes) -> None:
    with pytest.raises(Invalid):
        parse_json(raw)
