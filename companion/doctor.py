"""`companion doctor`: what may stand in the way, each finding with what to do about it."""

import os
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from companion import schema
from companion.clinic import queries as clinic
from companion.config import Config, load_secrets
from companion.db import EVERY_CLINIC, Database
from companion.errors import Misconfigured
from companion.operations import queries as operations
from companion.operations.rules import Sign
from companion.paths import STATIC
from companion.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, what it means or what to do.

    What is not grave is a standing warning: the product works, and something could be safer.
    """

    what: str
    is_ok: bool
    explanation: str
    is_grave: bool = True


def examine(config: Config, now: datetime) -> list[Finding]:
    """Every check, in the order in which they matter; never raises for a fault it can name."""
    findings = [_data_folder(config), _secrets(config), _assets()]
    db = Database(config.url)
    try:
        findings += [_schema(db), *_library(db)]
        if all(finding.is_ok for finding in findings):
            findings += [*_alerting(db, now), *_signs(db, config, now)]
    except (SQLAlchemyError, OSError) as error:
        findings.append(
            Finding("Database", False, f"cannot be reached ({type(error).__name__}); see COMPANION_DATABASE_URL")
        )
    finally:
        db.close()
    return [*findings, _ping(config), _operator(config)]


def _data_folder(config: Config) -> Finding:
    is_ok = config.data_dir.is_dir() and os.access(config.data_dir, os.W_OK)
    told = "can be written" if is_ok else "is missing or cannot be written: `companion serve` makes it"
    return Finding("Data folder", is_ok, f"{config.data_dir} {told}")


def _secrets(config: Config) -> Finding:
    try:
        load_secrets(config.data_dir / "secrets")
    except Misconfigured as error:
        return Finding("Secrets", False, str(error))
    return Finding("Secrets", True, "present, and readable by this account only")


def _assets() -> Finding:
    is_ok = (STATIC / "manifest.json").is_file()
    return Finding(
        "Pages", is_ok, "styles and scripts are built" if is_ok else "static/dist is missing: run `make assets`"
    )


def _schema(db: Database) -> Finding:
    current, wanted = schema.current_revision(db), schema.newest_revision()
    told = f"revision {current}" if current == wanted else f"is at {current}, needs {wanted}: run `companion migrate`"
    return Finding("Schema", current == wanted, told)


def _library(db: Database) -> list[Finding]:
    if not db.is_sqlite:
        return []
    with db.engine.connect() as connection:
        version = connection.execute(text("select sqlite_version()")).scalar_one()
        journal = connection.execute(text("pragma journal_mode")).scalar_one()
    return [Finding("SQLite", True, f"version {version}, journal mode {journal}")]


def _alerting(db: Database, now: datetime) -> list[Finding]:
    with db.reading(EVERY_CLINIC) as session:
        clinics = clinic.clinics(session)
        found = {one.name: operations.alerting(session, one.id, now) for one in clinics}
    is_alive = any(one.is_worker_alive for one in found.values())
    told = "beats" if is_alive else "is silent: start `companion serve` or `companion worker`"
    return [
        Finding("Worker", is_alive or not found, told),
        *(
            Finding(
                f"Alerts of {name}",
                one.reachable > 0,
                f"{one.on_duty} on duty, {one.reachable} with a device"
                + ("" if one.reachable else ": a nurse signs in, goes on duty and switches on notifications"),
            )
            for name, one in found.items()
        ),
    ]


# Signs of health that `_alerting` does not say already, and what to do about each.
_SIGNS = {
    "canary_age_seconds": ("Canary", "no proof lately that an alert gets through: read the worker's log"),
    "devices_of_another_key": ("Push key", "devices that subscribed with a lost key: put the old key back"),
    "pushes_refused_last_day": ("Push services", "messages were refused as our own fault: read the worker's log"),
    "fallbacks_refused_last_day": ("Other ways", "e-mail or webhook refused to tell staff: read the worker's log"),
    "late_jobs": ("Housekeeper", "jobs have not succeeded for long: read the worker's log"),
    "mismatches": ("Reconciliation", "entries, assessments, cases and messages do not agree: read the worker's log"),
    "backup_age_seconds": ("Backup", "none for a day: look at the disk, and at the worker's log"),
    "disk_used_percent": ("Disk", "nearly full: make room"),
    "clock_skew_seconds": ("Clock", "differs from the database's: set both by NTP"),
}


def _signs(db: Database, config: Config, now: datetime) -> list[Finding]:
    rt = Runtime(config, load_secrets(config.data_dir / "secrets"), db, lambda: now)
    with db.reading(EVERY_CLINIC) as session:
        found = operations.health(session, rt, now)
    return [_of_sign(sign) for sign in found if sign.name in _SIGNS]


def _of_sign(sign: Sign) -> Finding:
    what, advice = _SIGNS[sign.name]
    if sign.value is None:
        return Finding(what, False, "not known before the worker has run for some minutes", is_grave=False)
    unit = next((unit for unit in ("seconds", "percent") if sign.name.endswith(unit)), "found")
    return Finding(what, sign.is_ok, f"{sign.value:g} {unit}" if sign.is_ok else f"{advice} ({sign.value:g} {unit})")


def _ping(config: Config) -> Finding:
    told = "is called after each proof" if config.ping_url else "set COMPANION_PING_URL: this machine may sleep unseen"
    return Finding("Outside ping", bool(config.ping_url), told, is_grave=False)


def _operator(config: Config) -> Finding:
    is_ok = bool(config.has_webhook or (config.operator_email and config.has_email))
    told = "is told of alarms" if is_ok else "set COMPANION_OPERATOR_EMAIL and COMPANION_SMTP_URL, or a webhook"
    return Finding("Operator", is_ok, told, is_grave=False)
