"""How long a replay of 100,000 entries takes: a simulated clinic, copied until it has so many."""

import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import Connection, Table, func, insert, select

from companion import demo, schema, wiring  # noqa: F401 - wiring registers every table
from companion.accounts.models import Person
from companion.clock import utc_now
from companion.config import Config, load_secrets, make_secrets
from companion.course.models import Course
from companion.db import EVERY_CLINIC, Database
from companion.reactions.jobs import replay
from companion.reactions.models import Assessment, Reaction
from companion.runtime import Runtime
from companion.schedule.models import Visit
from companion.triage.reader import load_shipped_protocol
from tests.bench.machine import machine

ENTRIES = 100_000
PATIENTS = 500
DAYS = 3660
TABLES = (Person, Course, Visit, Reaction, Assessment)


def main() -> None:
    """Print the time of one replay over all entries, on SQLite."""
    console = Console(soft_wrap=True)
    with tempfile.TemporaryDirectory() as folder:
        rt = _installation(Path(folder))
        with console.status("Simulating a clinic …"):
            demo.simulate(rt, utc_now(), patients=PATIENTS, seed=1)
            entries = _copy_until(rt, ENTRIES)
        began = time.perf_counter()
        found = replay(rt, load_shipped_protocol(), days=DAYS, now=utc_now())
        took = time.perf_counter() - began
        rt.db.close()
    assert found.entries == entries
    console.print(f"Replay of {entries:,} entries: {took:.1f} s ({entries / took:,.0f} a second). {machine()}")


def _installation(folder: Path) -> Runtime:
    config = Config(data_dir=folder)
    make_secrets(folder / "secrets")
    db = Database(config.url)
    schema.migrate(db)
    return Runtime(config, load_secrets(folder / "secrets"), db, utc_now)


def _copy_until(rt: Runtime, wanted: int) -> int:
    with rt.db.transaction(EVERY_CLINIC) as db:
        connection = db.connection()
        tables: list[Any] = [model.__table__ for model in TABLES]
        rows = {table.name: connection.execute(select(table)).mappings().all() for table in tables}
        have = len(rows["reactions"])
        for copy in range(wanted // have):
            for table in tables:
                _insert(connection, table, [dict(row) for row in rows[table.name]], str(copy))
        return connection.scalar(select(func.count()).select_from(Reaction)) or 0


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]], copy: str) -> None:
    assert isinstance(table, Table)
    for row in rows:
        for name, value in row.items():
            if isinstance(value, uuid.UUID) and name != "clinic_id":
                row[name] = uuid.uuid5(value, copy)
        if "subject_key" in row:
            row |= {"subject_key": f"{row['subject_key']}{copy}", "email": None}
    connection.execute(insert(table), rows)


if __name__ == "__main__":
    main()
