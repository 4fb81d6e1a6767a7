"""Files of tables (TOML): their text, what they hold, and in which line a fault is."""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from companion.triage.values import Fault, Place

_NOTICED = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_OPENS = re.compile(r"""[\[{]|\"{3}|'{3}""")  # what may go on in the lines below
_CLOSES = re.compile(r"""[\]}]|\"{3}|'{3}""")  # and what ends it


class Unreadable(Exception):
    """A file that is no TOML; the text begins with the line."""


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, without the mark that some editors put before it; Unreadable in any other code."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"line {line}: this is no text in UTF-8; save the file with the encoding UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tables_of(text: str) -> dict[str, Any]:
    """What the text holds; Unreadable where it is no TOML, nests too deeply or has a number of thousands of digits."""
    lines = _lines(text)
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        noticed = _NOTICED.search(str(error))
        last = int(noticed[1]) if noticed and noticed[1] else len(lines)
        what = _NOTICED.sub("", str(error))
        raise Unreadable(f"line {_begun(lines, last)}: this is not written as TOML has it ({what})") from None
    except RecursionError:
        line = _first(lines, lambda some: _raises(some, RecursionError))
        raise Unreadable(f"line {line}: too many brackets within brackets") from None
    except ValueError:
        line = _first(lines, lambda some: _raises(some, ValueError))
        raise Unreadable(f"line {line}: a number with too many digits") from None


def sentence(name: str, text: str, fault: Fault) -> str:
    """The fault as a sentence: the file by its name, the line, what is there, and what is wrong with it."""
    return f"{name}, line {line_of(text, fault.place)}: {_called(tables_of(text), fault.place)} {fault}"


def line_of(text: str, place: Place) -> int:
    """The line, from 1, in which this place begins; where there is no such place, that of what is around it."""
    content = tables_of(text)
    while not _stands(content, place):
        place = place[:-1]
    if not place:
        return 1
    lines = _lines(text)
    whole = list(_whole(lines))
    begun = whole[bisect_left(whole, True, key=lambda count: _stands(_read(lines[:count]), place)) - 1] + 1
    value = _at(content, place)
    if isinstance(place[-1], int) and isinstance(value, str):  # one text of a list that has many lines
        quoted = (f'"{value}"', f"'{value}'")
        below = enumerate(lines[begun - 1 :], begun)
        return next((number for number, line in below if any(one in line for one in quoted)), begun)
    return begun


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def _first(lines: Sequence[str], holds: Callable[[Sequence[str]], bool]) -> int:
    """How many lines it takes until it holds, for something that goes on holding."""
    return bisect_left(range(len(lines) + 1), True, key=lambda count: holds(lines[:count]))


def _whole(lines: Sequence[str]) -> Iterator[int]:
    """After how many lines of a readable text no statement is left open."""
    yield 0
    begun = 0
    for count, line in enumerate(lines, 1):
        if (count == begun + 1 or _CLOSES.search(line)) and _read(lines[begun:count]) is not None:
            yield count
            begun = count


def _read(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _begun(lines: Sequence[str], last: int) -> int:
    """Where the statement began in which this line was found not to be TOML."""
    opening = (line for line in range(last, 0, -1) if line == last or _OPENS.search(lines[line - 1]))
    return next((line for line in opening if _read(lines[: line - 1]) is not None), last)


def _raises(lines: Sequence[str], kind: type[Exception]) -> bool:
    try:
        _read(lines)
    except kind:
        return True
    return False


def _stands(content: Any, place: Place) -> bool:
    try:
        _at(content, place)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _at(content: Any, place: Place) -> Any:
    for key in place:
        content = content[key]
    return content


def _called(content: dict[str, Any], place: Place) -> str:
    """The place as a reader calls it: "the file", "windows.booster.redness", 'level of sign "seizure"'."""
    section, number, *keys = (*place, "", "")[: max(2, len(place))]
    if not isinstance(number, int):
        return ".".join(one for one in place if isinstance(one, str)) or "the file"
    row = _at(content, place[:2])
    called = f'{section} "{row["id"]}"' if isinstance(row, dict) and "id" in row else f"{section} {number + 1}"
    return f"{'.'.join(map(str, keys))} of {called}" if keys else called
