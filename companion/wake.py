"""Waking the worker early: whoever has something for it announces it, and the worker watches for commits."""

import threading
import time
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from companion.db import Database


def announce(db: Session) -> None:
    """Wake the workers when this transaction commits; on SQLite they see the commit itself."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("select pg_notify('companion', '')"))


class Watch:
    """Waits for somebody's commit: the SQLite file's data version, or a PostgreSQL notification."""

    def __init__(self, db: Database) -> None:
        self._db, self._is_sqlite = db, db.is_sqlite
        self._open()

    def _open(self) -> None:
        pooled: Any = self._db.engine.raw_connection()
        self._connection = pooled.driver_connection
        pooled.detach()
        if self._is_sqlite:
            self._version = self._data_version()
        else:
            self._connection.autocommit = True
            self._connection.execute("listen companion")

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Return early, with True, when something was committed or `stop` is set; False after `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if stop.is_set() or self._has_news(min(left, 0.05), stop):
                return True
        return False

    def _has_news(self, seconds: float, stop: threading.Event) -> bool:
        if not self._is_sqlite:
            return any(self._connection.notifies(timeout=seconds, stop_after=1))
        before, self._version = self._version, self._data_version()
        return before != self._version or stop.wait(seconds)

    def _data_version(self) -> int:
        cursor = self._connection.cursor()
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
        cursor.close()
        return int(version)

    def reopen(self) -> None:
        """Wait on a new connection, as after the server was started again."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the waiting connection."""
        self._connection.close()
