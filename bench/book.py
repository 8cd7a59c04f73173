"""A book of any number of cards, made of its size alone and written in bulk to SQLite and to PostgreSQL.

Names of firms are words of three syllables, so that words, like a trade's, are many and often near each other; numbers
are spread over the cities, some shared by two cards, some written without a city code.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import Engine, Table

from webapp.clients import keys, near
from webapp.clients.models import Client, MatchKey, NearWord

COUNTRY = "RU"
CITIES = ("495", "499", "812", "343", "383", "916", "903", "926", "999")
SYLLABLES = "ба ве го ду жи за ка ле ми но пу ра се ти фо ха цу ша ло ме ри ста кро пле тру зна"
ENDINGS = "н р т строй сервис торг мет свет план дом маш хим лес"
SURNAMES = "Орлов Козлова Петров Шевченко Бондаренко Белова Ковальчук Новак Іваненко Дімітрова Зимин Громов"
GIVEN = "Павел Анна Иван Оксана Юрий Ганна Ирина Тарас Ева Николай Мария Пётр"
_SYLLABLES, _ENDINGS = SYLLABLES.split(), ENDINGS.split()
_AT_ONCE = 20_000
_KEYS = ("client_id", "kind", "key", "whole")
_WORDS = ("kind", "variant", "word")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a card's fields hold."""

    name: str
    surname: str
    given_name: str
    number: str
    email: str
    website: str


def vocabulary(size: int) -> int:
    """How many different words the names of `size` cards are made of: they grow slower than the cards do."""
    return min(int(40 * size**0.5), len(_SYLLABLES) ** 3 * len(_ENDINGS))


def entry(card: int, size: int) -> Entry:
    """The card at this place, from 0."""
    dice = random.Random(card)
    words = vocabulary(size)
    name = f"{_word(dice.randrange(words))} {_word(dice.randrange(words))}"
    surname = _surname(dice, size)
    numbers = random.Random(card if card % 20 else card - 1)
    local = f"{numbers.randrange(10_000_000):07}"
    number = local if card % 7 == 3 else f"+7{numbers.choice(CITIES)}{local}"
    return Entry(
        name,
        surname,
        dice.choice(GIVEN.split()),
        number,
        f"box{card}@firm{card // 3}.example",
        f"www.firm{card // 3}.example",
    )


def _word(place: int) -> str:
    place = place * 7919 % (len(_SYLLABLES) ** 3 * len(_ENDINGS))
    word = ""
    for _turn in range(3):
        place, syllable = divmod(place, len(_SYLLABLES))
        word += _SYLLABLES[syllable]
    return (word + _ENDINGS[place % len(_ENDINGS)]).capitalize()


def _surname(dice: random.Random, size: int) -> str:
    if dice.random() < 0.3:  # the common ones are very common
        return dice.choice(SURNAMES.split())
    return _word(dice.randrange(vocabulary(size))) + "ов"


def caller(dice: random.Random, size: int) -> str:
    """Half call from a number on a card, the others from numbers that are on none."""
    number = (
        entry(dice.randrange(size), size).number if dice.random() < 0.5 else f"+7800{dice.randrange(10_000_000):07}"
    )
    return number if number.startswith("+") else f"+7495{number}"


# Writing it


def key_rows(card: int, one: Entry) -> Iterator[tuple[str, str, str]]:
    """The rows of MatchKey `match.index` would write, as (kind, key, whole)."""
    # A name's words are few and its letters run together are its own: each word is heard once.
    words = list(dict.fromkeys(sound for word in one.name.split() for sound in _sounds(word)))
    stem, given = _stem(one.surname), _given(one.given_name)
    digits = one.number.removeprefix("+")
    domain = one.email.partition("@")[2]
    yield from (
        ("company", " ".join(sorted(words)), ""),
        ("company", keys.search_words("".join(dict.fromkeys(one.name.casefold().split())))[0], ""),
        ("surname", stem, ""),
        ("person", f"{stem} {given}", ""),
        ("phone", digits[-keys.TAIL_DIGITS :], keys.phone_whole(one.number)),
        ("number", digits, ""),
        ("ending", digits[::-1], ""),
        ("email", one.email, ""),
        ("domain", domain, ""),
        ("site", domain, domain),
    )
    for word in {*words, *_sounds(one.surname), *_sounds(one.given_name)}:
        yield "word", word, ""


_sounds, _stem, _given = cache(keys.search_words), cache(keys.surname_key), cache(keys.given_name_key)


def fill(engine: Engine, size: int) -> None:
    """Write `size` cards with their keys and near words as `match.index` would, indexes last."""
    if engine.dialect.name == "sqlite":
        _fill_sqlite(str(engine.url.database), size)
    else:
        _fill_postgres(engine.url.render_as_string(hide_password=False).replace("+psycopg", ""), size)


def _rows(size: int) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Cards and their keys, some at a time."""
    numbers = iter(range(size))
    while some := list(islice(numbers, _AT_ONCE)):
        cards, rows = [], []
        for card in some:
            one = entry(card, size)
            cards.append((card + 1, one.name, one.website))
            rows += [(card + 1, *row) for row in key_rows(card, one)]
        yield cards, rows


def _near_rows(size: int) -> Iterator[tuple[str, str, str]]:
    """The near words of all names and surnames, each once."""
    company: dict[str, str] = {}
    surnames: dict[str, str] = {}
    for place in range(vocabulary(size)):
        word = _word(place)
        for written, sound in keys.name_words(word).items():
            company.setdefault(sound, written)
        surnames.setdefault(_stem(word + "ов"), word + "ов")
    for surname in SURNAMES.split():
        surnames.setdefault(_stem(surname), surname)
    for kind, words in (("company", company), ("surname", surnames)):
        yield from near.rows(kind, words)


def _fill_sqlite(path: str, size: int) -> None:
    client, defaults = _client_columns("2026-01-01 00:00:00.000000")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma cache_size = -400000")
        later = _dropped(connection)
        connection.execute("begin")
        for cards, rows in _rows(size):
            connection.executemany(_insert("client", client), [(*card, *defaults) for card in cards])
            connection.executemany(_insert("match_key", _KEYS), rows)
        connection.executemany(
            _insert("near_word", _WORDS).replace("insert", "insert or ignore"),
            sorted(_near_rows(size), key=lambda row: row[:2]),
        )
        connection.execute("commit")
        for sql in later:
            connection.execute(sql)
        connection.execute("analyze")
        connection.execute("pragma journal_mode = wal")


def _dropped(connection: sqlite3.Connection) -> list[str]:
    """Drop the indexes of the two big tables; what makes them again."""
    found = connection.execute(
        "select name, sql from sqlite_master where type = 'index' and tbl_name in ('match_key', 'client') and sql > ''"
    ).fetchall()
    for name, _sql in found:
        connection.execute(f"drop index {name}")
    return [sql for _name, sql in found]


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"  # noqa: S608


def _client_columns(created: Any) -> tuple[list[str], list[Any]]:
    """Client's columns that a card of the book needs, and what those have that `_rows` doesn't give."""
    table: Table = Client.__table__  # type: ignore[assignment]
    given = {"id", "name", "website", "created_at"}
    defaults = {
        column.name: column.default.arg  # type: ignore[attr-defined]
        for column in table.columns
        if column.name not in given and column.default is not None and column.default.is_scalar
    }
    return ["id", "name", "website", *defaults, "created_at"], [*defaults.values(), created]


def _fill_postgres(url: str, size: int) -> None:
    client, defaults = _client_columns("2026-01-01T00:00:00Z")
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '512MB'")
        cursor.execute("set synchronous_commit = off")
        cursor.execute(
            "select indexname, indexdef from pg_indexes where tablename in ('match_key', 'client')"
            " and indexname not like 'pk%' order by 1"
        )
        later = cursor.fetchall()
        for name, _sql in later:
            cursor.execute(f"drop index {name}".encode())
        for key in ("fk_match_key_client_id_client",):
            cursor.execute(f"alter table match_key drop constraint if exists {key}".encode())
        for cards, rows in _rows(size):
            with cursor.copy(f"copy client ({', '.join(client)}) from stdin".encode()) as copy:
                for card in cards:
                    copy.write_row((*card, *defaults))
            with cursor.copy(b"copy match_key (client_id, kind, key, whole) from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
        with cursor.copy(b"copy near_word (kind, variant, word) from stdin") as copy:
            for near_row in dict.fromkeys(_near_rows(size)):
                copy.write_row(near_row)
        for _name, sql in later:
            cursor.execute(sql.encode())
        connection.commit()
        connection.autocommit = True
        cursor.execute("vacuum analyze client, match_key, near_word")


__all__ = ["COUNTRY", "Entry", "MatchKey", "NearWord", "caller", "entry", "fill", "key_rows"]
