"""`./desk privacy find, export, erase`: what the law gives people a right to, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from flask_babel import force_locale
from sqlalchemy.orm import Session

from webapp.clients import cards
from webapp.clients.models import Client, Person
from webapp.config import Config
from webapp.office.queries import the_office
from webapp.privacy import erasing, export, files, finding, scope
from webapp.privacy.scope import Subject
from webapp.typed import row_id, row_of


def subject(session: Session, words: str, country: str) -> Subject | None:
    """`card:12`, `person:5`, or a number or an e-mail in any form; None when there is none such."""
    kind, _, number = words.partition(":")
    if kind == "card" and row_id(number) is not None:
        client = row_of(session, Client, number)
        return scope.of_card(session, client) if client else None
    if kind == "person" and row_id(number) is not None:
        person = row_of(session, Person, number)
        return scope.of_person(session, person) if person else None
    return scope.of_number(session, words, country)


def find(session: Session, text: str, country: str) -> int:
    """Print where somebody is found; 1 when nowhere."""
    found = finding.find(session, text, country)
    for client in found.clients:
        print(f"card:{client.id}  {cards.title(client) or '-'}")
        for person in found.people:
            if person.client_id == client.id:
                print(f"  person:{person.id}  {person.full_name or '-'}")
    if found.places:
        print("the very words stand in: " + _told(found.places))
    if not found.clients and not found.places:
        print("nothing found", file=sys.stderr)
        return 1
    return 0


def write(session: Session, words: str, path: Path, settings: Config, now: datetime) -> int:
    """Write the archive of `words` to `path`, readable by its owner alone."""
    found = subject(session, words, settings.country)
    if found is None:
        return _nobody(words)
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            with force_locale(the_office(session).language):  # who gets it reads the office's language
                counts = export.write(session, found, file, settings.recordings, now)
    except FileExistsError:
        print(f"secondring: {path} is there already; name another file", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"secondring: can't write {path}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{path}: {_told(counts) or 'nothing'}")
    return 0


def erase(session: Session, words: str, why: str, sure: bool, settings: Config, now: datetime) -> int:
    """Show how much it is, ask, and erase it; the database's file is written anew afterwards."""
    found = subject(session, words, settings.country)
    if found is None:
        return _nobody(words)
    print(f"{words}: {_told(found.counts()) or 'nothing of their own'}")
    print("This can't be taken back. Backups keep it until they are deleted themselves.")
    if not sure:
        print("Type ERASE to go on: ", end="", flush=True)
        if sys.stdin.readline().strip() != "ERASE":
            print("nothing was erased", file=sys.stderr)
            return 1
    try:
        record = erasing.erase(session, found, why, None, now, settings.data)
        session.commit()
    except erasing.Refused as refused:
        session.rollback()
        calls = ", ".join(str(call.id) for call in refused.calls)
        print(f"secondring: {refused}{f' ({calls})' if calls else ''}", file=sys.stderr)
        return 1
    except OSError as error:
        session.rollback()
        print(f"secondring: a file can't be deleted: {error.strerror}; nothing was erased", file=sys.stderr)
        return 1
    print(f"erased, record {record.id}: {_told(record.counts)}")
    files.compact(session, whole=True)
    return 0


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{finding.PLACES.get(name, name)} {count}" for name, count in counts.items())


def _nobody(words: str) -> int:
    print(
        f"secondring: {words!r} is no card:ID, person:ID, number or e-mail; ./desk privacy find lists", file=sys.stderr
    )
    return 1
