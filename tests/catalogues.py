"""`make words`: brings the catalogues up to date with the texts in the code, and compiles them.

A sentence that a patient's safety rests on carries a mark in every catalogue until somebody who may has signed it.
"""

import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from companion.paths import TRANSLATIONS

ROOT = Path(__file__).resolve().parent.parent
AFTERCARE = ROOT / "companion" / "schedule" / "aftercare.toml"
SAFETY = (
    "companion/triage/",
    "companion/schedule/aftercare.toml",
    "companion/reactions/words.py",
    "companion/outbox/words.py",
    "templates/reactions/",
)
MARK = "proposal until signed by a French-speaking clinician"
METHODS = [("companion/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
UNWANTED = (b'"POT-C', b'"PO-Rev', b'"Generated', b'"Report', b'"Last-T', b'"Language-T')
PSEUDO = "ar"  # written from right to left, with dates that look like no other
_PLACE = re.compile(r"(%\(\w+\)s|\{\w+\})")
_STRANGE = str.maketrans("aceinouyACEINOUY", "àçéïñöüýÀÇÉÏÑÖÜÝ")
# The words of a protocol that people read.
PROTOCOL_KEYS = ("line", "nurse", "patient")


def main() -> None:
    """Write every catalogue anew; what has no translation yet is named."""
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        catalogue = updated(path)
        path.write_bytes(as_po(catalogue))
        path.with_suffix(".mo").write_bytes(as_mo(catalogue))
        missing = [message.id for message in catalogue if message.id and not is_translated(message)]
        sys.stdout.write(f"{path.parent.parent.name}: {len(catalogue)} texts, {len(missing)} not translated\n")
        sys.stdout.writelines(f"  {text}\n" for text in missing)


def updated(path: Path) -> Catalog:
    """A catalogue with the texts that are in the code now: new ones empty, dropped ones gone."""
    catalogue = read(path)
    found = template()
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        if is_safety(message) and not message.user_comments:
            message.user_comments = [MARK]
    return catalogue


def read(path: Path) -> Catalog:
    """A catalogue as it lies in its file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def template() -> Catalog:
    """Every text for people in code, templates and protocol files, with the files it stands in."""
    catalogue = Catalog(charset="utf-8", fuzzy=False)
    extracted = extract_from_dir(
        ROOT, METHODS, {"templates/**.html": {"silent": "false"}}, keywords=KEYWORDS, directory_filter=_is_ours
    )
    for name, _line, text, _comments, _context in extracted:
        catalogue.add(text, locations=[(name, 0)])
    for name, text in _of_protocols():
        catalogue.add(text, locations=[(name, 0)])
    return catalogue


def pseudo(text: str) -> str:
    """A text that stays readable and gives away what was not translated, or has no room to be a third longer."""
    parts = _PLACE.split(text)
    strange = "".join(part if _PLACE.fullmatch(part) else part.translate(_STRANGE) for part in parts)
    return f"⟦{strange}{' ~~~' * (len(text) // 12)}⟧"


def write_with_pseudo(folder: Path) -> Path:
    """The catalogues and one more, in a language that nobody speaks, from right to left; says where."""
    shutil.copytree(TRANSLATIONS, folder)
    catalogue = Catalog(locale=PSEUDO, fuzzy=False)
    for message in template():
        if message.id:
            is_plural = isinstance(message.id, tuple | list)
            string = pseudo(message.id[-1] if is_plural else str(message.id))
            catalogue.add(message.id, (string,) * catalogue.num_plurals if is_plural else string)
    target = folder / PSEUDO / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True)
    target.write_bytes(as_mo(catalogue))
    return folder


def is_safety(message: Message) -> bool:
    """Whether a patient's safety rests on this text."""
    return bool(message.id) and any(name.startswith(SAFETY) for name, _ in message.locations)


def is_translated(message: Message) -> bool:
    """Whether every form of the text is there."""
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as its file; without times, so that the same texts give the same bytes."""
    buffer = BytesIO()
    write_po(buffer, catalogue, sort_output=True, omit_header=False, include_lineno=False, width=120)
    kept = [line for line in buffer.getvalue().splitlines() if not line.startswith(UNWANTED)]
    return b"\n".join(kept) + b"\n"


def as_mo(catalogue: Catalog) -> bytes:
    """The catalogue as programs read it; the header's times stand still, so that equal texts give equal bytes."""
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def _is_ours(path: str) -> bool:
    relative = Path(path).relative_to(ROOT).parts
    return not relative or relative[0] in ("companion", "templates")


def texts_of(protocol: Path, *keys: str) -> Iterator[str]:
    """The words of a protocol file under these keys."""
    return _texts(tomllib.loads(protocol.read_text(encoding="utf-8")), keys)


def _of_protocols() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "companion" / "triage").glob("*.toml")):
        yield from ((str(path.relative_to(ROOT)), text) for text in texts_of(path, *PROTOCOL_KEYS))
    yield from ((str(AFTERCARE.relative_to(ROOT)), text) for text in texts_of(AFTERCARE, "line", "source"))


def _texts(value: object, keys: tuple[str, ...], key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _texts(inner, keys, "nurse" if key == "window_words" else inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, keys, key)
    elif key in keys and isinstance(value, str):
        yield value


if __name__ == "__main__":
    main()
