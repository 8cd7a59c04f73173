"""The card behind a caller's number among 100,000 and 1,000,000 cards, beside one bare indexed SQLite query.

Run as `python -m bench.cards [--short]`. All look for the same numbers in one file, turn about. Two floors: a query
of the number's seven digits alone, and one that fetches the very rows the desk reads (numbers of small towns, written
with six or five digits, too). Neither does anything with them. Aim: at most three times, and flat between the sizes.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from webapp import config, create_app
from webapp.clients import keys, match
from webapp.clients.models import Client, MatchKey
from webapp.db import db, reading

ONE_KEY = "select client_id, whole from match_key where kind = 'phone' and key = ?"
SAME_ROWS = "select client_id, whole from match_key where kind = 'phone' and key in (?, ?, ?)"
WAYS = ("one key", "same rows", "by_number")
COUNTRY = "RU"
CITIES = ("495", "499", "812", "343", "383", "916", "903", "926", "999")
FIRST = "Рассвет Восход Northern Κύμα Сокіл Atlas Вершина Ηλιος Маяк Quartz Орион Світанок Delta Яхонт Πέλαγος Ліс"
SECOND = "Строй Окна Trade Μεταφορές Будівля Glass Сервис Logistics Торг Foods Κήπος Метал Мебель Textile Свет"
SURNAMES = "Орлов Козлова Petrov Шевченко Παπαδόπουλος Müller Белова Ковальчук Nowak Іваненко Dimitriou Зимин"
GIVEN = "Павел Анна Ivan Оксана Γιώργος Hans Ирина Тарас Ewa Николай Μαρία Пётр"
_FIRST, _SECOND = FIRST.split(), SECOND.split()


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="10,000 and 100,000 cards")
    sizes = (10_000, 100_000) if parser.parse_args().short else (100_000, 1_000_000)
    asked = 20_000
    print(f"{asked} numbers, microseconds p50/p99")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
            taken = _measure(Path(folder), size, asked)
        middle = {way: _at(taken[way], 0.5) for way in WAYS}
        slow = {way: _at(taken[way], 0.99) for way in WAYS}
        times = "   ".join(f"{way} {middle[way]:.1f}/{slow[way]:.1f}" for way in WAYS)
        ratios = "   ".join(
            f"to {way} {middle['by_number'] / middle[way]:.2f}/{slow['by_number'] / slow[way]:.2f}" for way in WAYS[:2]
        )
        print(f"{size:>9,} cards: {times}   ratio {ratios}", flush=True)


def _measure(folder: Path, size: int, asked: int) -> dict[str, list[float]]:
    """Sorted microseconds by way."""
    app = create_app(config.load({"SECONDRING_DATA": str(folder)}))
    with app.app_context():
        db.create_all()
        db.session.remove()
        path = str(db.engine.url.database)
        fill(path, size)
        dice = random.Random(7)
        numbers = [_caller(dice, size) for _ in range(asked)]
        token = reading.set(True)
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("begin")
                return _take_turns(connection, db.session(), numbers)
        finally:
            reading.reset(token)
            db.session.remove()
            db.engine.dispose()


def _take_turns(connection: sqlite3.Connection, session: Session, numbers: list[str]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    found = 0
    for turn, number in enumerate(numbers):
        tail = keys.phone_tail(number, COUNTRY)
        for way in (*WAYS[turn % 3 :], *WAYS[: turn % 3]):
            started = time.perf_counter()
            if way == "one key":
                connection.execute(ONE_KEY, (tail,)).fetchall()
            elif way == "same rows":
                connection.execute(SAME_ROWS, (tail, tail[-6:], tail[-5:])).fetchall()
            else:
                found += bool(match.by_number(session, number, COUNTRY))
            taken[way].append((time.perf_counter() - started) * 1e6)
    if not len(numbers) // 4 < found < len(numbers):
        raise SystemExit(f"{found} of {len(numbers)} numbers found: the cards are not what the benchmark thinks")
    warm = len(numbers) // 10
    return {way: sorted(times[warm:]) for way, times in taken.items()}


def _at(values: list[float], share: float) -> float:
    return values[int(len(values) * share)]


# A book of cards


def _number(card: int) -> str:
    """The number of a card: spread over the cities, some shared by two cards, some written without a city code."""
    dice = random.Random(card if card % 20 else card - 1)
    local = f"{dice.randrange(10_000_000):07}"
    return local if card % 7 == 3 else f"+7{dice.choice(CITIES)}{local}"


def _caller(dice: random.Random, size: int) -> str:
    """Half call from a number on a card, the others from numbers that are on none."""
    number = _number(dice.randrange(size)) if dice.random() < 0.5 else f"+7800{dice.randrange(10_000_000):07}"
    return number if number.startswith("+") else f"+7495{number}"


def fill(path: str, size: int) -> None:
    """Write `size` cards and their keys as `match.index` would, a million in a minute or so."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        indexes = connection.execute("select name, sql from sqlite_master where tbl_name = 'match_key' and sql > ''")
        later = [(name, sql) for name, sql in indexes.fetchall() if sql.lower().startswith("create index")]
        for name, _ in later:
            connection.execute(f"drop index {name}")
        connection.execute("begin")
        _write(connection, Client.__table__, _client_rows(size))  # type: ignore[arg-type]
        _write(connection, MatchKey.__table__, _key_rows(size))  # type: ignore[arg-type]
        connection.execute("commit")
        for _, sql in later:
            connection.execute(sql)
        connection.execute("analyze")


def _write(connection: sqlite3.Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    defaults = {
        column.name: column.default.arg  # type: ignore[attr-defined]
        for column in table.columns
        if column.default is not None and column.default.is_scalar
    }
    while some := list(islice(rows, 10_000)):
        names = list(defaults | some[0])
        sql = f"insert into {table.name} ({', '.join(names)}) values ({', '.join('?' * len(names))})"  # noqa: S608
        connection.executemany(sql, [[(defaults | row)[name] for name in names] for row in some])


def _client_rows(size: int) -> Iterator[dict[str, Any]]:
    made = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None).isoformat(" ")
    for card in range(size):
        yield {"id": card + 1, "name": " ".join(_names(card)), "created_at": made}


def _names(card: int) -> tuple[str, str, str]:
    return _FIRST[card % 16], _SECOND[card // 16 % 15], str(card // 240)


def _key_rows(size: int) -> Iterator[dict[str, Any]]:
    surnames = [(keys.surname_key(surname), keys.search_words(surname)) for surname in SURNAMES.split()]
    given = [keys.given_name_key(name) for name in GIVEN.split()]
    words = {name: keys.search_words(name)[0] for name in (*_FIRST, *_SECOND)}
    for card in range(size):
        first, second, third = _names(card)
        sounds = [words[first], words[second], third]
        surname, surname_words = surnames[card % len(surnames)]
        number = _number(card)
        digits = number.removeprefix("+")
        rows = [
            ("company", " ".join(sorted(sounds)), ""),
            ("company", "".join(sounds), ""),
            ("surname", surname, given[card // 12 % len(given)]),
            ("phone", keys.phone_tail(number, COUNTRY), keys.phone_whole(number)),
            ("number", digits, ""),
            ("ending", digits[::-1], ""),
            *(("word", sound, "") for sound in (*sounds, *surname_words)),
        ]
        for kind, key, whole in rows:
            yield {"client_id": card + 1, "kind": kind, "key": key, "whole": whole}


if __name__ == "__main__":
    main()
