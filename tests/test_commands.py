"""The commands, as an operator runs them: processes of their own, and one clear sentence when something is wrong."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent


def run(folder: Path, *words: str, answer: str | None = None, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COMPANION_DATA_DIR": str(folder), **settings}
    command = [sys.executable, "-m", "companion.cli", *words]
    return subprocess.run(
        command, env=environment, input=answer, capture_output=True, text=True, timeout=60, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_triage_prints_one_line_of_json_for_each_log(tmp_path: Path) -> None:
    case = {
        "id": "T1",
        "sessions": [{"id": "S1", "areas": ["face"], "agents": ["vitamins"], "combined_with": []}],
        "logs": [
            {"session_id": "S1", "hours_since_session": hours, "areas": {"face": {"redness": 1}}, "temperature_c": None,
             "warning_signs": signs, "warnings_answered": True, "missed": missed}
            for hours, signs, missed in ((6, [], False), (30, [], True), (54, ["collapse"], False))
        ],
    }  # fmt: skip
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"vignettes": [case]}))
    done = run(tmp_path, "triage", str(path))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["case"], line["log"], line["hours"], line["disposition"]) for line in lines] == [
        ("T1", 0, 6, "self_care"),
        ("T1", 1, 30, "self_care"),  # missed: judged by the silence
        ("T1", 2, 54, "emergency"),
    ]
    assert lines[2]["reasons"][0]["rule"] == "sign_collapse"


@pytest.mark.parametrize("words", [("check",), ("publish", "--by", "carla@example.org")], ids=lambda words: words[0])
def test_a_protocol_in_another_code_is_one_clear_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes("[protocol]\nname = 'été'\n".encode("latin-1"))
    command, *more = words
    done = run(tmp_path, "protocol", command, str(path), *more)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "own.toml, line 2: this is no text in UTF-8; save the file with the encoding UTF-8\n"


def test_a_case_file_that_cannot_be_read_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text("{")
    done = run(tmp_path, "triage", str(path))
    assert done.returncode == 1
    assert "not a case file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "serve", COMPANION_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "stop what listens there, or set COMPANION_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "data", "keys")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_made_once_and_private_ones_only_are_used(tmp_path: Path) -> None:
    assert run(tmp_path, "keys").returncode == 0
    key = tmp_path / "secrets" / "vapid.pem"
    before = key.read_bytes()
    assert run(tmp_path, "keys").returncode == 0
    assert key.read_bytes() == before
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    done = run(tmp_path, "worker")
    assert "can be read by others" in done.stderr
    key.unlink()
    assert "is missing" in run(tmp_path, "worker").stderr


def test_a_changed_push_key_keeps_the_one_before_for_devices_that_have_not_moved(tmp_path: Path) -> None:
    assert run(tmp_path, "keys").returncode == 0
    folder = tmp_path / "secrets"
    before = (folder / "vapid.pem").read_bytes()
    done = run(tmp_path, "keys", "--rotate")
    assert "Start web and worker again" in done.stdout
    assert (folder / "vapid-previous.pem").read_bytes() == before != (folder / "vapid.pem").read_bytes()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "keys")
    done = run(tmp_path, "worker")
    assert done.returncode == 1
    assert "run `companion migrate`" in done.stderr


def test_the_demonstration_refuses_an_address_that_others_reach(tmp_path: Path) -> None:
    run(tmp_path, "keys")
    run(tmp_path, "migrate")
    done = run(tmp_path, "demo", COMPANION_BASE_URL="https://clinic.example.org")
    assert done.returncode == 1
    assert "loopback" in done.stderr


def test_serve_sets_up_answers_and_stops_cleanly_and_a_second_run_keeps_all(tmp_path: Path) -> None:
    port = str(free_port())
    environment = {
        **os.environ,
        "COMPANION_DATA_DIR": str(tmp_path / "data"),
        "COMPANION_PORT": port,
        "COMPANION_BASE_URL": f"http://127.0.0.1:{port}",
    }
    counts = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "companion.cli", "serve", "--demonstration"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Carla Reed, clinician" in line:
                break
        assert said.count("/join#") >= 2, said
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.stdout.close()
        assert process.wait(30) == 0
        with sqlite3.connect(tmp_path / "data" / "companion.sqlite3") as db:
            counts.append(db.execute("select count(*) from people where name <> 'Canary'").fetchone()[0])
        db.close()
    assert counts == [31, 31]


def test_the_doctor_explains_what_is_wrong(tmp_path: Path) -> None:
    done = run(tmp_path / "nothing", "doctor")
    assert done.returncode == 1
    assert "`companion serve` makes it" in done.stdout
    assert "run `companion keys`" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_new_clinic_gets_its_first_member_of_staff(tmp_path: Path) -> None:
    for command in ("keys", "migrate"):
        assert run(tmp_path, command).returncode == 0
    clinic = ("clinic", "Harbour", "--zone", "Europe/Paris", "--phone", "+33 1 23", "--out-of-hours", "+33 1 24")
    assert run(tmp_path, "staff", "Carla Reed", "carla@clinic.example", "--role", "clinician").returncode == 1
    assert run(tmp_path, *clinic).returncode == 0
    staff = run(tmp_path, "staff", "Carla Reed", "carla@clinic.example", "--role", "clinician", "--role", "manager")
    assert "/join#" in staff.stdout
    again = run(tmp_path, "staff", "Carla Reed", "carla@clinic.example", "--role", "nurse")
    assert (again.returncode, again.stderr.strip()) == (1, "This e-mail address is already in use.")
    assert "/join#" in run(tmp_path, "invite", "carla@clinic.example").stdout
    assert run(tmp_path, "staff", "Noor Hale", "noor", "--role", "nurse").returncode == 1
    for wrong in (["--zone", "Mars/Base"], ["--phone", "none"]):
        done = run(tmp_path, *clinic, *wrong)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_a_protocol_is_published_after_its_replay_and_a_yes(tmp_path: Path) -> None:
    publish = (
        "protocol",
        "publish",
        str(ROOT / "companion" / "triage" / "mesotherapy.toml"),
        "--by",
        "c@clinic.example",
    )
    assert run(tmp_path, "keys").returncode == 0
    assert run(tmp_path, "migrate").returncode == 0
    place = ("--zone", "Europe/Paris", "--phone", "+33 1 99 00 00 01", "--out-of-hours", "+33 1 99 00 00 02")
    assert run(tmp_path, "clinic", "North", *place).returncode == 0
    assert run(tmp_path, "staff", "Carla", "c@clinic.example", "--role", "clinician").returncode == 0

    def published() -> list[str]:
        with sqlite3.connect(next(tmp_path.glob("*.sqlite3"))) as db:
            return [row[0] for row in db.execute("select replayed from protocols")]

    for answer in ("", "n\n"):
        refused = run(tmp_path, *publish, answer=answer)
        assert refused.returncode != 0
        assert "No entry in the last 90 days." in refused.stdout
        assert published() == []
    done = run(tmp_path, *publish, answer="y\n")
    assert (done.returncode, "in the name of Carla" in done.stdout) == (0, True)
    assert "Traceback" not in refused.stderr
    assert run(tmp_path, *publish, "--yes", answer="").returncode == 0
    assert [json.loads(one)["days"] for one in published()] == [90, 90]
