"""What a running process carries: settings, secrets, database, clock. Built once, in `wiring`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app

from companion.config import Config, Secrets
from companion.db import Database
from companion.languages import Languages


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything the edges need; handed down by parameter, never imported."""

    config: Config
    secrets: Secrets
    db: Database
    clock: Callable[[], datetime]

    @property
    def languages(self) -> Languages:
        """The languages that people can choose from."""
        return Languages(self.config.translations)


def current_runtime() -> Runtime:
    """The runtime of the application that serves this request."""
    return cast(Runtime, current_app.extensions["companion"])
