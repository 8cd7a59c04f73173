"""An office from nothing: the database brought up to date, and in an empty one the office and its administrator."""

from __future__ import annotations

import sys
from datetime import datetime

import flask_migrate
from sqlalchemy import select

from webapp import create_app
from webapp.accounts import people
from webapp.accounts.models import Role
from webapp.config import Config
from webapp.db import db
from webapp.office import defaults
from webapp.office.models import Office
from webapp.safekeeping import Refused

LONGEST_COMPANY = 120


def migrate(settings: Config) -> int:
    """Bring the database up to date; the exit code."""
    try:
        app = create_app(settings)
    except OSError as error:
        print(f"secondring: can't use the folder {settings.data}: {error.strerror}", file=sys.stderr)
        return 2
    with app.app_context():
        try:
            flask_migrate.upgrade()
        except Refused as error:
            print(f"secondring: {error}", file=sys.stderr)
            return 2
    return 0


def found(settings: Config, company: str, language: str, now: datetime) -> int:
    """Make the office and print its administrator's login and new password, this once; the exit code."""
    company = company.strip()
    if not 0 < len(company) <= LONGEST_COMPANY or not company.isprintable():
        print(f"secondring: the name should have 1 to {LONGEST_COMPANY} printable characters", file=sys.stderr)
        return 2
    if code := migrate(settings):
        return code
    with create_app(settings).app_context():
        session = db.session()
        if session.scalar(select(Office.id)) is not None:
            print("secondring: there is an office already; nothing was changed", file=sys.stderr)
            return 1
        defaults.create(session, company, language)
        details = people.Details("Administrator", "admin", "", Role.ADMIN.value, None, "", False)
        user, password = people.add(session, details, now)
        session.commit()
        print(f"{user.login}  {password}")
    return 0
