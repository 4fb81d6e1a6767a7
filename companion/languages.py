"""The languages people read: a mark for texts that belong in the catalogue, and the texts out of it.

Texts are written in English, in the code; a folder `<language>/LC_MESSAGES` adds a language. Standard library only.
"""

import gettext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = "en"


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for a mark
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of an installation: English, and every one that `folder` holds a catalogue of."""

    folder: Path

    @property
    def codes(self) -> tuple[str, ...]:
        """The languages' codes, English first."""
        return _codes(self.folder)

    def translate(self, code: str, text: str) -> str:
        """A marked text in a language; as it is written where the language or the text has no translation."""
        return _catalogue(self.folder, code).gettext(text)


@cache
def _codes(folder: Path) -> tuple[str, ...]:
    return (SOURCE, *sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/messages.mo")))


@cache
def _catalogue(folder: Path, code: str) -> gettext.NullTranslations:
    return gettext.translation("messages", folder, [code], fallback=True)
