"""A week of an office in fast time: events a second through the bridge's door, beside bare inserts of the same rows.

Run as `python -m bench.week [--short] [--only sqlite|postgresql]`. Six people, three lines, seven days with a night in
which the clocks are moved, absences, calls back, forty minutes without the web (tests/webapp/week). The web is a real
process, asked over loopback, one post a moment as a bridge posts. At the end the desk's sums must be what was sent, to
the call. Beside it two floors in the same run: the driver alone inserting the rows that the events left, in as many
commits; and as many posts without an event in them, which is the door alone. Aim: at most five times the first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import flask_migrate
from psycopg.types.json import Json
from sqlalchemy import Table, event, func, select, text
from sqlalchemy.engine import Engine

from tests import postgres
from tests.e2e.installation import Installation
from tests.webapp.week import serve, sums
from tests.webapp.week.bridge import Ask
from tests.webapp.week.week import Week
from webapp.db import db

CALLS, CALLS_SHORT = 2000, 200
MONDAY = date(2026, 10, 19)
ZONE = "Europe/Berlin"


class Stopwatch:
    """Asks as another does, and counts the seconds of the posts."""

    def __init__(self, ask: Ask) -> None:
        self.ask, self.seconds, self.posts = ask, 0.0, 0

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        began = time.perf_counter()
        try:
            return self.ask(method, path, body)
        finally:
            if method == "POST":
                self.seconds += time.perf_counter() - began
                self.posts += 1


def main() -> None:
    """Play the week on both databases and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{CALLS_SHORT} calls")
    parser.add_argument("--only", default="", choices=("", "sqlite", "postgresql"))
    parser.add_argument("--calls", type=int, default=0, help="another number of calls")
    asked = parser.parse_args()
    calls = asked.calls or (CALLS_SHORT if asked.short else CALLS)
    if asked.only != "postgresql":
        with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
            measure(Path(folder), calls)
    programs = postgres.programs()
    if asked.only == "sqlite" or programs is None:
        return
    cluster = postgres.Cluster(programs)
    try:
        with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
            measure(Path(folder), calls, DATABASE_URL=cluster.database())
    finally:
        cluster.close()


def measure(folder: Path, calls: int, **settings: str) -> None:
    """Play the week in an installation of its own."""
    installation = Installation(folder, SECONDRING_TIMEZONE=ZONE, **settings)
    app, clock = installation.app(), serve.Told()
    app.config["CLOCK"] = clock
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()
    try:
        installation.start("web", "tests.webapp.week.serve")
        door = serve.Door(installation.web_port, folder / "var", clock)
        watch = Stopwatch(door)
        week = Week(app, watch, clock, calls, MONDAY)
        with app.app_context():
            before = count(db.engine)
            name = db.engine.dialect.name
            with counted(db.engine) as by_people:
                began = time.monotonic()
                week.run()
                took = time.monotonic() - began
            empty = Stopwatch(door)
            for _turn in range(watch.posts):
                empty("POST", "/bridge/events", {"events": []})
            wrong = check(week)
            left = count(db.engine)
            left.subtract(before)
            left.subtract(by_people)
            rows = {table: many for table, many in left.items() if many > 0}
            bare = floor(db.engine, rows, watch.posts)
        door.close()
    finally:
        installation.close()
    report(name, week, watch, rows, bare, empty.seconds, took, wrong)


def check(week: Week) -> list[str]:
    """What the desk counts otherwise than was sent."""
    with week.desk() as session:
        return sums.differences(sums.by_the_book(week), sums.by_the_desk(session, week)) + week.wrong_plans


def count(engine: Engine) -> Counter[str]:
    """How many rows each table has."""
    with engine.connect() as connection:
        return Counter(
            {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in db.metadata.sorted_tables
            }
        )


@contextmanager
def counted(engine: Engine) -> Iterator[Counter[str]]:
    """Rows by table that this process inserts meanwhile: what people do on their pages, which is no event."""
    rows: Counter[str] = Counter()

    def note(_connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO "):
            rows[statement.split()[2].strip('"')] += max(cursor.rowcount, 1)

    event.listen(engine, "after_cursor_execute", note)
    yield rows
    event.remove(engine, "after_cursor_execute", note)


def floor(engine: Engine, rows: dict[str, int], commits: int) -> float:
    """Seconds in which the driver alone inserts so many rows of each table, evenly over so many commits.

    They are rows the week has left, under new keys, into the very tables with all their indexes; references are not
    looked at, which makes the floor quicker.
    """
    work = [_inserts(engine, table, many) for table, many in rows.items()]
    raw = engine.raw_connection()
    connection: Any = raw.driver_connection
    sqlite = engine.dialect.name == "sqlite"
    with closing(connection.cursor()) as cursor:
        cursor.execute("pragma foreign_keys = off" if sqlite else "set session_replication_role = replica")
        if not sqlite:
            connection.commit()
        began = time.perf_counter()
        for turn in range(commits):
            if sqlite:
                cursor.execute("begin immediate")
            for sql, values in work:
                share = values[turn * len(values) // commits : (turn + 1) * len(values) // commits]
                if share:
                    cursor.executemany(sql, share)
            connection.execute("commit") if sqlite else connection.commit()
        took = time.perf_counter() - began
    raw.close()
    engine.dispose()
    return took


def _inserts(engine: Engine, name: str, many: int) -> tuple[str, list[tuple[Any, ...]]]:
    table = db.metadata.tables[name]
    columns = [column.name for column in table.columns]
    sign = "?" if engine.dialect.name == "sqlite" else "%s"
    sql = f"insert into {name} ({', '.join(columns)}) values ({', '.join([sign] * len(columns))})"  # noqa: S608
    unique = _unique(table)
    with engine.connect() as connection:
        found = connection.execute(text(f"select {', '.join(columns)} from {name}")).fetchall()[-many:]  # noqa: S608
    return sql, [
        tuple(
            _other(value) if column in unique else _written(value) for column, value in zip(columns, row, strict=True)
        )
        for row in found
    ]


def _unique(table: Table) -> set[str]:
    """The columns of which no two rows may have the same."""
    found = {column.name for column in table.primary_key} | {column.name for column in table.columns if column.unique}
    return found | {column.name for index in table.indexes if index.unique for column in index.columns}


def _other(value: Any) -> Any:
    """A key that is not there yet."""
    return value + 10_000_000 if isinstance(value, int) else None if value is None else f"b{value}"[:80]


def _written(value: Any) -> Any:
    return Json(value) if isinstance(value, (dict, list)) else value  # only PostgreSQL gives them read


def report(
    name: str,
    week: Week,
    watch: Stopwatch,
    rows: dict[str, int],
    bare: float,
    empty: float,
    took: float,
    wrong: list[str],
) -> None:
    """Print it."""
    sent, ends = week.bridge.sent, week.book.ends()
    print(
        f"\n{name}: {len(week.book.calls):,} calls, {sent:,} events in {watch.posts:,} posts ({week.bridge.twice} came "
        f"twice), {sum(rows.values()):,} rows; the week took {took:.0f} s",
        flush=True,
    )
    print(f"  {', '.join(f'{state} {many:,}' for state, many in ends.most_common())}")
    print(f"  the desk's sums are what was sent: {'yes' if not wrong else f'NO, {len(wrong)} differences'}")
    for line in wrong[:20]:
        print(f"    {line}")
    print(f"  {'':28}{'events/s':>10}{'ms/post':>10}{'ratio':>8}")
    for what, seconds in (("through the door", watch.seconds), ("empty posts", empty), ("bare inserts", bare)):
        line = f"  {what:28}{sent / seconds:>10,.0f}{seconds / watch.posts * 1000:>10.2f}"
        aim = "   (aim: at most 5)" if seconds == bare else ""
        print(line if seconds == watch.seconds else f"{line}{watch.seconds / seconds:>8.1f}{aim}", flush=True)


if __name__ == "__main__":
    main()
