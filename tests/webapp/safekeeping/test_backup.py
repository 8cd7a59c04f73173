"""A backup and back from it, on both databases: everything compared, half ones not believed, nothing deleted."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.e2e.installation import wait_for
from tests.webapp.safekeeping.conftest import NOW, SOUND, Office
from tests.webapp.test_migrations import SAVED, load_into
from webapp.clients.models import Client
from webapp.config import Config
from webapp.recordings.models import Recording
from webapp.safekeeping import Refused, backup, bases, manifest, programs
from webapp.safekeeping.bases import Postgres, Sqlite, Sum


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(office: Office, request: pytest.FixtureRequest) -> Office:
    """The office on either database."""
    if request.param == "sqlite":
        return office
    url = request.getfixturevalue("server").database()
    assert office.desk("move-to-postgres", url).returncode == 0
    return Office(office.data, url)


def held(office: Office) -> dict[str, Sum]:
    """What every table of its database holds."""
    if path := bases.sqlite_file(office.settings.database_url):
        with closing(sqlite3.connect(path)) as connection:
            return bases.sums(Sqlite(connection))
    with bases.postgres_connection(office.settings.database_url) as connection:
        return bases.sums(Postgres(connection))


def files(data: Path) -> dict[str, bytes]:
    return {
        path.relative_to(data).as_posix(): path.read_bytes()
        for name in backup.WORTH_KEEPING
        for path in (data / name, *(data / name).rglob("*"))
        if path.is_file()
    }


def test_there_and_back(kept: Office, tmp_path: Path) -> None:
    before, had = held(kept), files(kept.data)
    done = kept.desk("backup", str(tmp_path / "copies"))
    assert done.returncode == 0, done.stderr
    with kept.session() as session:
        for client in session.scalars(select(Client)):
            client.name = "spoilt"
    (kept.data / "recordings" / "2026/03/1.wav").unlink()
    (kept.data / "recordings" / "new.wav").write_bytes(b"x")
    spoilt = held(kept)

    refused = kept.desk("restore", str(tmp_path / "copies"))
    assert refused.returncode == 1 and "--replace" in refused.stderr
    assert held(kept) == spoilt
    back = kept.desk("restore", str(tmp_path / "copies"), "--replace")
    assert back.returncode == 0, back.stderr
    assert (held(kept), files(kept.data)) == (before, had)
    [aside] = kept.data.glob("replaced-*")
    assert (aside / "recordings" / "new.wav").exists() and aside.name in back.stdout
    if bases.sqlite_file(kept.settings.database_url):
        assert held(Office(aside)) == spoilt
    with kept.session() as session:
        session.add(Client(name="New", created_at=NOW))  # numbers go on after the last
    again = kept.desk("backup", str(tmp_path / "copies"))
    assert again.returncode == 0, again.stderr


def test_into_an_empty_installation(kept: Office, tmp_path: Path, new_url: Callable[[], str]) -> None:
    assert kept.desk("backup", str(tmp_path / "copies")).returncode == 0
    on_postgres = bases.sqlite_file(kept.settings.database_url) is None
    fresh = Office(tmp_path / "fresh", new_url() if on_postgres else "")
    done = fresh.desk("restore", str(tmp_path / "copies"))
    assert done.returncode == 0, done.stderr
    assert (held(fresh), files(fresh.data)) == (held(kept), files(kept.data))
    assert not list(fresh.data.glob("replaced-*"))
    other = Office(tmp_path / "other", "" if on_postgres else new_url())
    refused = other.desk("restore", str(tmp_path / "copies"))
    assert refused.returncode == 1 and "move-to-postgres" in refused.stderr


def test_a_backup_that_was_killed_is_never_taken_for_a_whole_one(kept: Office, tmp_path: Path) -> None:
    for number in range(2000):
        (kept.data / "recordings" / f"{number}.wav").write_bytes(SOUND)
    folder = tmp_path / "copies"
    process = kept.start("backup", str(folder))
    wait_for(lambda: len(list((folder / backup.UNFINISHED / "recordings").glob("*.wav"))) > 20, 30)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert manifest.all_in(folder) == []
    refused = kept.desk("restore", str(folder), "--replace")
    assert refused.returncode == 1 and "no whole backup" in refused.stderr
    done = kept.desk("backup", str(folder))
    assert done.returncode == 0, done.stderr
    [whole] = manifest.all_in(folder)
    assert [path.name for path in folder.iterdir()] == [whole.name]
    (whole / manifest.NAME).unlink()
    assert "no whole backup" in kept.desk("restore", str(folder), "--replace").stderr


def test_a_damaged_backup_changes_nothing(office: Office, tmp_path: Path) -> None:
    before, folder = held(office), tmp_path / "copies"
    made = backup.backup(office.settings, folder, NOW)
    whole = (made / manifest.NAME).read_text()

    def refused(said: str) -> None:
        done = office.desk("restore", str(folder), "--replace")
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert held(office) == before and len(files(office.data)) == 5

    recording = made / "recordings/2026/03/0.wav"
    recording.write_bytes(SOUND + b"\1")
    refused("is not what was written")
    recording.write_bytes(SOUND + b"\0")
    for broken in ("", "[]", "{}", whole[:200], whole.replace('"rows"', '"lines"')):
        (made / manifest.NAME).write_text(broken)
        refused("not a whole backup")
    values = json.loads(whole)
    values["files"]["../../outside"] = {"size": 0, "sha256": ""}
    (made / manifest.NAME).write_text(json.dumps(values))
    refused("is not what was written")
    (made / "desk.env").write_bytes(b"")
    for elsewhere in (
        "desk.env",
        "recordings/../desk.env",
        f"{made}/desk.env",
    ):  # into the data folder, but no part of a backup
        values = json.loads(whole)
        values["files"][elsewhere] = asdict(manifest.file_of(made / "desk.env"))
        (made / manifest.NAME).write_text(json.dumps(values))
        refused("is not what was written")
    values = json.loads(whole)
    values["tables"]["client"]["rows"] += 1
    (made / manifest.NAME).write_text(json.dumps(values))
    refused("not what the backup says")
    (made / manifest.NAME).write_text(whole)
    assert office.desk("restore", str(made), "--replace").returncode == 0


def test_a_ruined_database_is_replaced(office: Office, tmp_path: Path) -> None:
    before = held(office)
    backup.backup(office.settings, tmp_path / "copies", NOW)
    office.file.write_bytes(b"SQLite format 3\0" + b"\xff" * 100_000)
    spoilt = office.desk("backup", str(tmp_path / "copies"))
    assert spoilt.returncode == 1 and "Traceback" not in spoilt.stderr
    assert office.desk("restore", str(tmp_path / "copies")).returncode == 1
    assert office.desk("restore", str(tmp_path / "copies"), "--replace").returncode == 0
    assert held(office) == before


@pytest.mark.parametrize("dump", SAVED, ids=lambda path: path.name)
def test_a_backup_of_an_earlier_release_is_brought_up_to_date(office: Office, tmp_path: Path, dump: Path) -> None:
    office.file.unlink()
    load_into(office.file, dump).close()
    before = held(office)
    made = backup.backup(office.settings, tmp_path / "copies", NOW)
    assert manifest.read(made).revision == dump.name[:4]
    fresh = Office(tmp_path / "fresh")
    done = fresh.desk("restore", str(tmp_path / "copies"))
    assert done.returncode == 0, done.stderr
    after = held(fresh)
    assert set(before) <= set(after)
    assert all(after[name].rows >= before[name].rows for name in before)
    with fresh.session() as session:
        assert session.scalars(select(Client)).first()


def test_earlier_copies_are_kept_and_share_what_is_the_same(office: Office, tmp_path: Path) -> None:
    first = backup.backup(office.settings, tmp_path, NOW)
    (office.data / "recordings/2026/03/1.wav").write_bytes(b"another")
    later = [backup.backup(office.settings, tmp_path, NOW.replace(hour=hour)) for hour in range(10, 18)]
    assert manifest.all_in(tmp_path) == later[-backup.KEPT :]
    assert not first.exists()
    same, changed = "recordings/2026/03/0.wav", "recordings/2026/03/1.wav"
    assert (later[-1] / same).stat().st_nlink == backup.KEPT
    assert (later[-1] / changed).read_bytes() == b"another"
    assert oct(later[-1].stat().st_mode & 0o77) == "0o0"
    with pytest.raises(Refused):
        backup.backup(office.settings, tmp_path, NOW.replace(hour=17))
    for inside in (office.data, office.data / "recordings", office.data / "recordings" / "copies"):
        with pytest.raises(Refused):
            backup.backup(office.settings, inside, NOW)


def test_recordings_that_come_and_go_meanwhile(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made after the files were looked at, and put at rest under another name before they are again."""
    real, turns = backup._copy_database, []

    def call_it(name: str) -> None:
        with office.session() as session:
            recording = session.scalars(select(Recording).order_by(Recording.id)).first()
            assert recording
            (office.data / "recordings" / recording.path).rename(office.data / "recordings" / name)
            recording.path = name

    def meanwhile(settings: Config, to: Path) -> object:
        turns.append(to)
        if len(turns) == 1:
            call_it("new.wav")
        copied = real(settings, to)
        if len(turns) == 1:
            call_it("stored.webm")
        return copied

    monkeypatch.setattr(backup, "_copy_database", meanwhile)
    made = backup.backup(office.settings, tmp_path / "copies", NOW)
    assert len(turns) == 2, "the first copy names what was never there to be copied"
    with closing(sqlite3.connect(made / "secondring.sqlite")) as connection:
        named = backup.named_recordings(Sqlite(connection))
    assert "stored.webm" in named
    assert all((made / "recordings" / path).is_file() for path in named)
    assert manifest.read(made).absent == []


def test_a_recording_that_is_nowhere_is_said(office: Office, tmp_path: Path) -> None:
    (office.data / "recordings/2026/03/1.wav").unlink()
    done = office.desk("backup", str(tmp_path))
    assert done.returncode == 0 and "1 recordings that the database names" in done.stdout
    assert manifest.read(manifest.find(tmp_path)).absent == ["2026/03/1.wav"]


def test_a_desk_at_work_is_copied_but_not_replaced(kept: Office, tmp_path: Path) -> None:
    with kept.session() as session:
        session.scalar(select(Client.id))
        assert kept.desk("backup", str(tmp_path / "copies")).returncode == 0
        session.commit()
        done = kept.desk("restore", str(tmp_path / "copies"), "--replace")
        assert done.returncode == 1 and "the desk is running" in done.stderr
    assert kept.desk("restore", str(tmp_path / "copies"), "--replace").returncode == 0


def test_the_programs_are_told_the_password_where_nobody_sees_it(tmp_path: Path) -> None:
    url = "postgresql+psycopg://desk:se%20c%2Bret@db.office.example:5433/desk?sslmode=require"
    environment = programs._environment(url)
    assert environment["PGPASSWORD"] == "se c+ret"
    assert (environment["PGHOST"], environment["PGPORT"], environment["PGDATABASE"]) == (
        "db.office.example",
        "5433",
        "desk",
    )
    assert environment["PGSSLMODE"] == "require"


def test_a_large_base_keeps_no_caller_out_of_the_copy(office: Office, tmp_path: Path) -> None:
    """What is written while the copy is made is whole in it, or not in it."""
    office.fill(3_000)
    process = office.start("backup", str(tmp_path))
    written = 0
    while process.poll() is None:
        with closing(sqlite3.connect(office.file, timeout=1)) as connection:
            connection.execute("insert into free_mail values (?)", (f"mail{written}.example",))
            connection.commit()
        written += 1
    process.communicate()
    assert process.returncode == 0 and written > 3
    copy = manifest.read(manifest.find(tmp_path)).tables["free_mail"].rows
    assert held(office)["free_mail"].rows - written <= copy <= held(office)["free_mail"].rows
