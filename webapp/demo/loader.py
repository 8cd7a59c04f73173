"""Filling an empty database with the demo office, in one go."""

from __future__ import annotations

import random
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from webapp.demo.cards import make_clients
from webapp.demo.doubles import make_doubles
from webapp.demo.history import History
from webapp.demo.letters import make_letters
from webapp.demo.owed import make_owed
from webapp.demo.rules import make_rules
from webapp.demo.setting import make_office, make_people, make_roster, offer_shifts
from webapp.demo.texts import texts
from webapp.demo.worklists import make_worklist

SEED = 2


def load(session: Session, now: datetime, language: str, zone: ZoneInfo) -> dict[str, str]:
    """Make the demo office in an empty database (tables exist, nothing is in them).

    `language` is what the office speaks (`ru` or `en`; others get English words), `zone` its time zone. Returns the
    passwords by login, made now and kept nowhere else. Flushes; the caller commits.
    """
    dice = random.Random(SEED)  # noqa: S311  (nothing secret is drawn with it)
    words = texts(language)
    make_office(session, words, language)
    users, secrets = make_people(session, words)
    make_roster(session, users, now, zone, words.absence, language)
    offer_shifts(session, users, now, words.swap)
    book, numbers = make_clients(session, words, language, users, now, dice)
    history = History(session, words, users, book, numbers, now, zone, dice)
    for client in book.clients:
        history.past_talks(client)
    history.todays_talks()
    history.missed()
    history.deals()
    history.write()
    make_owed(session, language, users, book.clients, now)
    make_rules(session, language, book.clients, now, random.Random(SEED))  # noqa: S311
    make_letters(session, words, users, now)
    make_worklist(session, language, users, numbers, now, zone)
    make_doubles(session, words, users, book, now)
    return secrets
