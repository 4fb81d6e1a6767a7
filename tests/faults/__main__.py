"""`make faults`: both databases, one line each; the exit code says whether nothing was lost."""

import argparse
import sys
import tempfile
from pathlib import Path

from companion import schema
from companion.db import Database
from tests.databases import APPLICATION_ROLE, Postgres, sqlite_url
from tests.faults.harness import Verdict, installation, run


def main() -> None:
    """Run on SQLite and on PostgreSQL, print a line for each, and what is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="at random moments, for each database")
    parser.add_argument("--each-point", type=int, default=20, help="at each named point, for each database")
    chosen = parser.parse_args()
    verdicts = [_on_sqlite(chosen.kills, chosen.each_point), _on_postgresql(chosen.kills, chosen.each_point)]
    faults = [f"{verdict.database}: {sentence}" for verdict in verdicts for sentence in verdict.faults]
    for sentence in faults:
        print(sentence, file=sys.stderr)
    sys.exit(1 if faults else 0)


def _on_sqlite(kills: int, each_point: int) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder))
        migrate(url, None)
        return _run(Path(folder), url, "sqlite", kills, each_point)


def _on_postgresql(kills: int, each_point: int) -> Verdict:
    with tempfile.TemporaryDirectory() as folder, Postgres.running() as server, server.database() as urls:
        migrate(urls.owner, APPLICATION_ROLE)
        return _run(Path(folder), urls.application, "postgresql", kills, each_point)


def _run(folder: Path, url: str, name: str, kills: int, each_point: int) -> Verdict:
    with installation(folder, url) as rt:
        verdict = run(rt, name=name, kills=kills, each_point=each_point, tell=_tell)
    print(verdict.line, flush=True)
    _tell(
        f"{name}: {verdict.entries} entries, {verdict.messages} messages; at random {verdict.random_kills} kills, "
        f"{verdict.random_duplicates} duplicates, {verdict.random_max_copies} copies at most"
    )
    return verdict


def _tell(sentence: str) -> None:
    print(f"  {sentence}", file=sys.stderr, flush=True)


def migrate(url: str, role: str | None) -> None:
    """Bring an empty database to the newest schema."""
    database = Database(url)
    schema.migrate(database, application_role=role)
    database.close()


if __name__ == "__main__":
    main()
