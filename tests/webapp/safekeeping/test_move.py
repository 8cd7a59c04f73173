"""From SQLite to PostgreSQL: every row and value, whatever stood there; killed in the middle; and what is refused."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from tests.e2e.installation import wait_for
from tests.webapp.safekeeping.conftest import NOW, Office
from tests.webapp.test_migrations import SAVED, assert_kept, contents, load_into
from webapp.calls.models import Call, CallTrace
from webapp.clients.models import Client
from webapp.db import db
from webapp.jobs.models import Job
from webapp.safekeeping import bases
from webapp.safekeeping.bases import Postgres, Sqlite, Sum
from webapp.safekeeping.move import PROGRESS

LONG = "Рассвет 🏢 \u202e\\ \t\n\r \\N \\. '\" ' -- " * 30_000
DEEP: Any = {"words": LONG, "list": [None, True, 1.5, 10**15, {"": "\u0000\U0001f600"}]}


def here(office: Office) -> dict[str, Sum]:
    with closing(sqlite3.connect(office.file)) as connection:
        return bases.sums(Sqlite(connection))


def there(url: str) -> dict[str, Sum]:
    with bases.postgres_connection(url) as connection:
        return bases.sums(Postgres(connection))


def count(url: str, query: str) -> int:
    with bases.postgres_connection(url) as connection:
        return int(connection.execute(query).fetchone()[0])  # type: ignore[arg-type, index, call-overload]


def test_everything_arrives_as_it_was(office: Office, new_url: Callable[[], str]) -> None:
    with office.session() as session:
        first, second, third = session.scalars(select(Client).order_by(Client.id).limit(3))
        first.merged_into_id, second.merged_into_id = third.id, first.id  # into one that comes later, and a chain
        first.name, second.name = "", "Ω" * 200
        third.note = LONG
        session.add(Job(kind="x", facts=DEEP, said="🙂", made_at=NOW.replace(microsecond=7)))
    office.do("update client set product = 'a' || char(0) || 'b' where id = 5")
    before, url = here(office), new_url()
    done = office.desk("move-to-postgres", url)
    assert done.returncode == 0, done.stderr
    assert f'DATABASE_URL = "{url}"' in done.stdout
    assert "client.product: NUL characters" in done.stdout
    after = there(url)
    assert {name for name in before if before[name] != after[name]} == {"client"}  # the NUL
    assert PROGRESS not in after
    assert here(office) == before, "the old base stays as it was"

    moved = Office(office.data, url)
    with moved.session() as session:
        cards = session.scalars(select(Client).order_by(Client.id)).all()
        assert len(cards) == before["client"].rows == after["client"].rows
        assert (cards[0].merged_into_id, cards[1].merged_into_id) == (cards[2].id, cards[0].id)
        assert (cards[0].name, cards[1].name, cards[2].note) == ("", "Ω" * 200, LONG)
        assert cards[4].product == "ab"
        [job] = session.scalars(select(Job))
        assert (job.facts, job.said, job.made_at.microsecond) == (DEEP, "🙂", 7)
        new = Client(name="New", created_at=NOW)
        session.add(new)
        session.flush()
        assert new.id == cards[-1].id + 1
        session.add(CallTrace(call_id=session.scalars(select(Call.id)).first(), at=NOW, kind="x"))
    assert moved.desk("ledger").returncode == 0


@pytest.mark.parametrize("dump", SAVED, ids=lambda path: path.name)
def test_a_base_of_an_earlier_release_is_brought_up_to_date_first(
    office: Office, new_url: Callable[[], str], dump: Path
) -> None:
    office.file.unlink()
    with closing(load_into(office.file, dump)) as connection:
        before = contents(Sqlite(connection))
    url = new_url()
    assert office.desk("move-to-postgres", url).returncode == 0
    assert there(url) == here(office)
    with bases.postgres_connection(url) as moved:
        assert_kept(before, Postgres(moved))


def test_killed_in_the_middle_it_is_carried_on(office: Office, new_url: Callable[[], str]) -> None:
    office.fill(12_000)
    url = new_url()
    for table in ("match_key", "task"):
        process = office.start("move-to-postgres", url)

        def begun(table: str = table, process: Any = process) -> bool:
            assert process.poll() is None, process.communicate()
            try:
                return bool(count(url, f"select count(*) from {PROGRESS} where name = '{table}'"))  # noqa: S608
            except psycopg.errors.UndefinedTable:
                return False

        wait_for(begun, 60)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        refused = Office(office.data, url).desk("migrate")
        assert refused.returncode == 2 and "move-to-postgres" in refused.stderr, "no desk starts on half an office"
    moved = count(url, f"select done from {PROGRESS} where name = 'match_key'")  # noqa: S608
    assert moved > 0
    done = office.desk("move-to-postgres", url)
    assert done.returncode == 0, done.stderr
    assert "Carrying on where it was left" in done.stdout
    assert there(url) == here(office)
    again = office.desk("move-to-postgres", url)
    assert again.returncode == 1 and "not empty" in again.stderr


def test_what_changed_between_two_attempts_is_not_mixed(office: Office, new_url: Callable[[], str]) -> None:
    url = new_url()
    process = office.start("move-to-postgres", url)
    wait_for(lambda: count(url, f"select count(to_regclass('{PROGRESS}'))"), 30)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    office.do("update client set name = 'Другое'")
    done = office.desk("move-to-postgres", url)
    assert done.returncode == 0, done.stderr
    assert there(url) == here(office)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "update client set name = printf('%201s', 'x') where id = 3",
            "client 3: name is no text of at most 200",
        ),
        ("update job set facts = '{NaN'", "job 1: facts is no JSON"),
        ("update client set created_at = 'yesterday' where id = 4", "client 4: created_at is no time"),
        ("update client set owner_id = 99 where id = 5", "client 5: refers to a row of user that is not there"),
        ("update office set ring_seconds = 'long'", "office 1: ring_seconds is no number"),
        ("update holiday set name = '', day = 'soon' where day = (select min(day) from holiday)", "is no day"),
        ("update user set active = 7 where id = 1", "user 1: active is neither yes nor no"),
        ("update region set rank = 5000000000 where id = 1", "region 1: rank is no number of this size"),
        ("update office set company = x'00ff'", "office 1: company is no text of at most 120 letters"),
    ],
)
def test_what_postgresql_would_not_keep_is_named(
    office: Office, new_url: Callable[[], str], statement: str, said: str
) -> None:
    with office.session() as session:
        session.add(Job(kind="x", made_at=NOW))
    office.do(statement)
    url = new_url()
    done = office.desk("move-to-postgres", url)
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert there(url) == {}


def test_a_database_that_has_something_is_left_alone(office: Office, new_url: Callable[[], str]) -> None:
    url = new_url()
    with bases.postgres_connection(url) as connection:
        connection.execute("create table somebody_elses (a int)")
    done = office.desk("move-to-postgres", url)
    assert done.returncode == 1 and "somebody_elses" in done.stderr
    assert list(there(url)) == ["somebody_elses"]


def test_a_desk_at_work_is_not_moved(office: Office, new_url: Callable[[], str]) -> None:
    with office.session() as session:
        session.scalar(select(Client.id))
        session.commit()  # as each of its processes: nothing under way, the connection open
        done = office.desk("move-to-postgres", new_url())
        assert done.returncode == 1 and "the desk is running" in done.stderr, done.stderr
        db.engine.dispose()


def test_addresses_that_lead_nowhere(office: Office, new_url: Callable[[], str]) -> None:
    for url, said in (
        ("mysql://x", "DATABASE_URL"),
        (f"sqlite:///{office.file}", "names no PostgreSQL"),
        ("postgresql+psycopg://nobody:secret@127.0.0.1:9/none", "does not let us in"),
    ):
        done = office.desk("move-to-postgres", url)
        assert done.returncode == 1 and said in done.stderr, done.stderr
        assert "secret" not in done.stderr + done.stdout and "Traceback" not in done.stderr
    on_postgres = Office(office.data, new_url())
    assert "on PostgreSQL already" in on_postgres.desk("move-to-postgres", new_url()).stderr
    empty = Office(office.data / "nowhere")
    assert "no office" in empty.desk("move-to-postgres", new_url()).stderr
