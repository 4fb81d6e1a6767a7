"""Where templates, static files and migrations lie, in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _asset_folder(name: str) -> Path:
    beside = _PACKAGE.parent / name
    return beside if beside.is_dir() else _PACKAGE / name


TEMPLATES = _asset_folder("templates")
STATIC = _asset_folder("static") / "dist"
TRANSLATIONS = _PACKAGE / "translations"
MIGRATIONS = _asset_folder("migrations")
