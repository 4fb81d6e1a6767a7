"""`companion …`: everything an operator does."""

import json
import logging
import os
import sqlite3
import sys
import threading
import zoneinfo
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from companion import demo, schema, supervisor, worker
from companion.accounts import actions as accounts
from companion.accounts import queries as people
from companion.accounts.rules import is_address
from companion.clinic import actions as clinic
from companion.clinic import queries as clinics
from companion.clock import utc_now
from companion.config import Config, make_secrets, rotate_vapid_key
from companion.db import EVERY_CLINIC, Database
from companion.doctor import examine
from companion.errors import CompanionError, Misconfigured
from companion.protocols import actions as protocols
from companion.reactions.jobs import replay, replay_to_publish
from companion.reactions.rules import Replay
from companion.runtime import Runtime
from companion.triage.case_file import CaseError
from companion.triage.cases import run_cases
from companion.triage.reader import ProtocolError, load, load_shipped_protocol, parse, text_of
from companion.wiring import build_runtime

console = Console(highlight=False, soft_wrap=True)


@click.group()
def commands() -> None:
    """Aftercare Companion."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def main() -> None:
    """Run a command; what an operator can mend is said in one sentence."""
    try:
        commands(standalone_mode=False)
    except (CompanionError, CaseError, ProtocolError) as error:
        _fail(str(error))
    except PermissionError as error:
        _fail(f"No permission for {error.filename}: give this account the right to write there.")
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


@commands.command()
@click.option("--demonstration", is_flag=True, help="Fill an empty database with invented people and print links.")
def serve(demonstration: bool) -> None:
    """Run web and worker on this machine; sets up what is missing."""
    config = Config()
    supervisor.require_free_port(config)
    _step("Secrets and keys", lambda: _prepare_secrets(config))
    _step("Database", lambda: _prepare_database(config))
    rt = build_runtime(config)
    if demonstration and demo.is_empty(rt):
        _step("Demonstration clinic", lambda: demo.add_demonstration(rt, utc_now()))
    found = demo.links(rt, utc_now()) if demonstration else []
    rt.db.close()
    console.print("Starting web and worker …")
    sys.exit(supervisor.serve(config, when_ready=lambda: _welcome(config, found)))


@commands.command()
def web() -> None:
    """Run the web processes only."""
    config = Config()
    supervisor.require_free_port(config)
    command = supervisor.web_command(config)
    os.execv(command[0], command)  # noqa: S606 - our own command


@commands.command("worker")
def run_worker() -> None:
    """Run the worker only."""
    stop = threading.Event()
    supervisor.stop_on_signals(stop)
    rt = build_runtime(Config())
    schema.require_newest(rt.db)
    worker.run(rt, stop)
    rt.db.close()


@commands.command()
def migrate() -> None:
    """Bring the database to this version's schema; on PostgreSQL as the owner."""
    config = Config()
    _migrate(config)
    console.print("The database is up to date.")


@commands.command()
@click.option("--rotate", is_flag=True, help="Make a new key for pushes; the present one serves until devices moved.")
def keys(rotate: bool) -> None:
    """Make the secrets that are missing."""
    config = Config()
    _prepare_secrets(config)
    if rotate:
        rotate_vapid_key(config.data_dir / "secrets")
        console.print("A new key is in place. Start web and worker again; devices move to it as they are opened.")
    console.print("The secrets are in place.")


@commands.command("demo")
@click.option("--large", is_flag=True, help="A simulated clinic instead of the two small ones.")
@click.option("--patients", default=5_000, show_default=True, type=click.IntRange(1, 100_000), help="With --large.")
@click.option("--seed", default=1, show_default=True, help="With --large: the same seed gives the same clinic.")
def add_demo(large: bool, patients: int, seed: int) -> None:
    """Fill an empty database with the demonstration."""
    rt = build_runtime(Config())
    if not demo.is_empty(rt):
        raise Misconfigured("The database is not empty: the demonstration needs one of its own.")
    if large:
        _simulate(rt, patients, seed)
    else:
        demo.add_demonstration(rt, utc_now())
    _print_links(demo.links(rt, utc_now()))


def _simulate(rt: Runtime, patients: int, seed: int) -> None:
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as bar:
        task = bar.add_task("Simulating patients", total=patients)
        found = demo.simulate(rt, utc_now(), patients=patients, seed=seed, advance=lambda: bar.advance(task))
    assumed = f"assumed: {found.incidence:.0%} of sessions have an unusual reaction"
    console.print(f"{patients:,} patients, seed {seed}; {assumed}.")
    share = found.pushes / max(1, found.entries)
    console.print(f"{found.entries:,} entries, {found.pushes:,} push a nurse ({share:.1%}; goal: at most 10%).")


@commands.command("clinic")
@click.argument("name")
@click.option("--zone", required=True, help="IANA zone, like Europe/Paris.")
@click.option("--phone", required=True, help="The number that patients call.")
@click.option("--out-of-hours", "out_of_hours_phone", required=True, help="The number while the clinic is closed.")
@click.option("--emergency", "emergency_number", default="112", show_default=True, help="The country's own number.")
def add_clinic(name: str, zone: str, **numbers: str) -> None:
    """A new clinic, open from 9 to 18 on weekdays until its staff change that on the page."""
    if zone not in zoneinfo.available_timezones():
        raise Misconfigured(f"There is no zone {zone!r}: name one like Europe/Paris.")
    if wrong := [number for number in numbers.values() if not any(map(str.isdigit, number))]:
        raise Misconfigured(f"{wrong[0]!r} is no number that a phone can call.")
    rt = build_runtime(Config())
    opening = {str(day): ["09:00", "18:00"] for day in range(5)}
    with rt.db.transaction(EVERY_CLINIC) as db:
        clinic.add_clinic(db, name=name, zone=zone, opening=opening, is_demonstration=False, now=rt.clock(), **numbers)
    console.print(f"The clinic {name} is there. Its staff come next: `companion staff NAME EMAIL --role clinician`.")


@commands.command("staff")
@click.argument("name")
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(["nurse", "clinician", "manager"]))
@click.option("--clinic", "named", default="", help="Its name, where there are several.")
def add_staff(name: str, email: str, roles: tuple[str, ...], named: str) -> None:
    """A member of staff, with a one-use sign-in link that is good for a day."""
    rt = build_runtime(Config())
    now = rt.clock()
    with rt.db.transaction(EVERY_CLINIC) as db:
        if not is_address(email):
            raise Misconfigured(f"{email!r} is no e-mail address.")
        own = [one for one in clinics.clinics(db) if named in ("", one.name)]
        if len(own) != 1:
            raise Misconfigured("Name one clinic with --clinic." if own else "There is no such clinic yet.")
        person = accounts.add_person(db, clinic_id=own[0].id, name=name, roles=[*roles], email=email, now=now)
        made = accounts.invite(db, person, now=now, lasts=timedelta(days=1))
    console.print(f"{rt.config.base_url}/join#{made.token}")


@commands.command()
@click.argument("email")
def invite(email: str) -> None:
    """A one-use link for the member of staff with this e-mail address, good for a day."""
    rt = build_runtime(Config())
    now = rt.clock()
    with rt.db.transaction(EVERY_CLINIC) as db:
        person = people.person_by_email(db, email)
        if person is None:
            raise Misconfigured("Nobody has this e-mail address.")
        made = accounts.invite(db, person, now=now, lasts=timedelta(days=1))
    console.print(f"{rt.config.base_url}/join#{made.token}")


@commands.command()
def doctor() -> None:
    """Check this installation and explain each finding."""
    findings = examine(Config(), utc_now())
    for finding in findings:
        bad = "[red]fault[/red]" if finding.is_grave else "[yellow]warn[/yellow] "
        mark = "[green]ok[/green]   " if finding.is_ok else bad
        console.print(f"{mark} {finding.what}: {finding.explanation}")
    sys.exit(0 if all(finding.is_ok or not finding.is_grave for finding in findings) else 1)


@commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--protocol", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another protocol file.")
def triage(file: Path, protocol: Path | None) -> None:
    """Run a case file through triage and print one line of JSON for each log."""
    rules = load(protocol) if protocol else load_shipped_protocol()
    for result in run_cases(file, rules):
        click.echo(json.dumps(result, ensure_ascii=False))


@commands.group("protocol")
def protocol_commands() -> None:
    """The triage protocol of a clinic."""


@protocol_commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Say whether a protocol file can be used, and its version."""
    console.print(f"The file can be used. Version: {load(file).version}")


@protocol_commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", "email", required=True, help="E-mail address of the clinician who answers for it.")
@click.option("--yes", is_flag=True, help="For scripts: publish without being asked, whatever the replay says.")
def publish(file: Path, email: str, yes: bool) -> None:
    """Make a file the protocol of the clinician's clinic, after a replay over its entries; older versions are kept."""
    text = text_of(file)
    protocol = parse(text, file.name)
    rt = build_runtime(Config())
    with rt.db.reading(EVERY_CLINIC) as db:
        person = people.person_by_email(db, email)
        if person is None:
            raise Misconfigured("Nobody has this e-mail address.")
        clinic_id, person_id = person.clinic_id, person.id
    found = _replay(lambda advance: replay_to_publish(rt, protocol, clinic_id, now=rt.clock(), advance=advance))
    if not (yes or click.confirm(f"Publish version {protocol.version}?")):
        raise Misconfigured("Nothing was published.")
    with rt.db.transaction(clinic_id) as db:
        clinician = people.person(db, clinic_id, person_id)
        replayed = {**asdict(found), "at": rt.clock().isoformat()}
        row = protocols.publish(db, clinician, text, name=file.name, replayed=replayed, now=rt.clock())
        console.print(f"Published version {row.version}, in the name of {clinician.name}.")


@commands.command("replay")
@click.option("--protocol", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The new file.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3660), help="How far back.")
def run_replay(file: Path | None, days: int) -> None:
    """Judge past entries by another protocol and compare: alerts a day, share that alerts, entries that change."""
    rt = build_runtime(Config())
    other = load(file) if file else load_shipped_protocol()
    _replay(lambda advance: replay(rt, other, days=days, now=rt.clock(), advance=advance))


def _replay(run: Callable[[Callable[[int, int], None]], Replay]) -> Replay:
    """Run a replay beside a progress bar and print its figures."""
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as bar:
        task = bar.add_task("Replaying entries", total=None)
        found = run(lambda done, total: bar.update(task, completed=done, total=total))
    for line in found.lines():
        console.print(line)
    return found


def _prepare_secrets(config: Config) -> None:
    try:
        make_secrets(config.data_dir / "secrets")
    except OSError as error:
        raise Misconfigured(f"The data folder {config.data_dir} cannot be written ({error.strerror}).") from None


def _prepare_database(config: Config) -> None:
    db = Database(config.url)
    current = schema.current_revision(db)
    db.close()
    if current == schema.newest_revision():
        return
    if not config.url.startswith("sqlite"):
        raise Misconfigured("The database has another schema: run `companion migrate` as its owner first.")
    if current is not None:
        _back_up(Path(config.url.removeprefix("sqlite:///")), utc_now())
    _migrate(config)


def _migrate(config: Config) -> None:
    db = Database(config.database_owner_url or config.url)
    schema.migrate(db, application_role=None if db.is_sqlite else schema.application_role(config.url))
    db.close()


def _back_up(path: Path, now: datetime) -> None:
    target = path.with_name(f"{path.stem}-{now:%Y%m%d-%H%M%S}.sqlite3")
    with sqlite3.connect(path) as source, sqlite3.connect(target) as copy:
        source.backup(copy)


def _step(what: str, work: Callable[[], None]) -> None:
    with console.status(f"{what} …"):
        work()
    console.print(f"[green]done[/green] {what}")


def _welcome(config: Config, found: list[demo.Link]) -> None:
    console.print(f"\nAftercare Companion is at [bold]{config.base_url}[/bold]  (Ctrl-C stops it)")
    _print_links(found)


def _print_links(found: list[demo.Link]) -> None:
    if found:
        console.print("\nOne-use sign-in links, each good for 12 hours:")
    for link in found:
        console.print(f"  {link.who}:\n    {link.url}")


def _fail(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
