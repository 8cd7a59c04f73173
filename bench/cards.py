"""The card behind what a caller or a form tells, among 10 thousand to 5 million cards, beside one bare indexed query.

Run as `python -m bench.cards [--short] [--only sqlite|postgresql] [--sizes 10000,...]`. A number that rings is looked
for as it is; the rest goes through `match.find`, once with what was typed ("typed": reading it is part of the time) and
once with its keys read already ("keys"), which is what the bare query is given too. PostgreSQL is a throwaway cluster,
left out where none is installed. Aims: three times the bare query for exact keys, fifteen with one letter wrong, flat.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import book, labelled
from tests import postgres
from webapp import config, create_app
from webapp.clients import keys, match
from webapp.db import db, reading
from webapp.office import defaults

BARE = "select client_id, whole from match_key where kind = ? and key = ?"
KINDS = {
    "number": ("phone", lambda one: {"phone": one.number}),
    "phone": ("phone", lambda one: {"phone": one.number}),
    "e-mail": ("email", lambda one: {"email": one.email}),
    "e-mail's domain": ("domain", lambda one: {"email": f"sales@{one.email.partition('@')[2]}"}),
    "website": ("site", lambda one: {"website": one.website}),
    "company": ("company", lambda one: {"name": f"ООО «{one.name.upper()}»"}),
    "surname and name": ("person", lambda one: {"surname": one.surname, "given_name": one.given_name}),
    "company, a slip": ("company", None),
    "surname, a slip": ("person", None),
}
Look = Callable[[], Any]


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="10,000 and 100,000 cards")
    parser.add_argument("--only", default="", choices=("", "sqlite", "postgresql"))
    parser.add_argument("--sizes", default="")
    asked = parser.parse_args()
    sizes = [10_000, 100_000] if asked.short else [10_000, 100_000, 1_000_000, 5_000_000]
    if asked.sizes:
        sizes = [int(size) for size in asked.sizes.split(",")]
    if asked.only != "postgresql":
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
                _measure(config.load({"SECONDRING_DATA": folder}), size)
    programs = postgres.programs()
    if asked.only == "sqlite" or programs is None:
        return
    cluster = postgres.Cluster(programs)
    try:
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
                _measure(config.load({"SECONDRING_DATA": folder, "DATABASE_URL": cluster.database(f"c{size}")}), size)
            cluster._run("dropdb", "-h", str(cluster._folder), "-U", "postgres", "--force", f"c{size}")
    finally:
        cluster.close()


def _measure(settings: config.Config, size: int) -> None:
    app = create_app(settings)
    with app.app_context():
        db.create_all()
        defaults.create(db.session(), "Bench", "en")
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
        started = time.monotonic()
        book.fill(db.engine, size)
        built = time.monotonic() - started
        token = reading.set(True)
        try:
            session = db.session()
            print(
                f"\n{db.engine.dialect.name}, {size:,} cards: written in {built:.0f} s, "
                f"{_bytes(session) / size:,.0f} bytes a card; microseconds p50/p99\n"
                f"{'':18} {'bare query':>14} {'keys':>14} {'ratio':>11} {'typed':>14} {'ratio':>11}  found",
                flush=True,
            )
            gc.freeze()
            for name in KINDS:
                _kind(session, name, size)
        finally:
            reading.reset(token)
            db.session.remove()
            db.engine.dispose()


def _bytes(session: Session) -> int:
    if db.engine.dialect.name == "sqlite":
        return Path(str(db.engine.url.database)).stat().st_size
    return int(session.scalar(text("select pg_database_size(current_database())")) or 0)


def _kind(session: Session, name: str, size: int) -> None:
    dice = random.Random(name)
    taken: dict[str, list[float]] = {"bare": [], "keys": [], "typed": []}
    found = total = 0
    asked = 300 if name.endswith("slip") else 2000
    for _turn in range(asked):
        ways, right = _ways(session, name, dice, size)
        order = list(ways)
        dice.shuffle(order)
        for way in order:
            started = time.perf_counter()
            result = ways[way]()
            taken[way].append((time.perf_counter() - started) * 1e6)
            if way == "typed":
                total += 1
                found += right in {one.client_id for one in result} if right else not result
    warm = asked // 10
    at = {way: (_at(times[warm:], 0.5), _at(times[warm:], 0.99)) for way, times in taken.items()}
    line = f"{name:18} {_pair(at['bare'])}"
    for way in ("keys", "typed"):
        ratio = f"{at[way][0] / at['bare'][0]:.1f}/{at[way][1] / at['bare'][1]:.1f}"
        line += f" {_pair(at[way])} {ratio:>11}"
    print(f"{line}  {found / total:.2f}", flush=True)


def _ways(session: Session, name: str, dice: random.Random, size: int) -> tuple[dict[str, Look], int]:
    card = dice.randrange(size)
    one = book.entry(card, size)
    kind, typed = KINDS[name]
    if name == "number":
        number = book.caller(dice, size)
        key = keys.phone_tail(number, book.COUNTRY)
        look = lambda: match.by_number(session, number, book.COUNTRY)  # noqa: E731
        return {"bare": _bare(session, kind, key), "keys": look, "typed": look}, 0
    if typed is not None:
        draft = typed(one)
    elif kind == "company":
        draft = {"name": labelled.slip(dice, one.name, "ru")}
    else:
        draft = {"surname": labelled.slip(dice, one.surname, "ru"), "given_name": one.given_name}
    asked = match.draft_keys(draft, book.COUNTRY)
    key = next(each.key for each in asked if each.kind == kind)
    return {
        "bare": _bare(session, kind, key),
        "keys": lambda: match.look(session, draft, asked),
        "typed": lambda: match.find(session, draft, book.COUNTRY),
    }, card + 1


def _bare(session: Session, kind: str, key: str) -> Look:
    """The query alone, by the driver on the very connection the desk uses."""
    connection: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name == "sqlite":
        return lambda: connection.execute(BARE, (kind, key)).fetchall()
    statement = BARE.replace("?", "%s")
    return lambda: connection.execute(statement, (kind, key)).fetchall()


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _pair(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.0f}/{pair[1]:.0f}".rjust(14)


if __name__ == "__main__":
    main()
