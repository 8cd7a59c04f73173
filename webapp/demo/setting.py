"""The demo office itself: settings, people, regions, lines, prices and a roster without a gap."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts import passwords
from webapp.accounts.models import Role, User
from webapp.demo.phones import DIAL_RULES
from webapp.demo.texts import Texts
from webapp.office import defaults
from webapp.office.models import Channel, DialRule, Line, PriceRange, Region
from webapp.roster import holidays, patterns
from webapp.roster.models import Absence, Shift, Swap
from webapp.roster.places import Place

ROLES = {
    "helen": Role.HEAD,
    "anna": Role.MANAGER,
    "mark": Role.MANAGER,
    "vera": Role.MANAGER,
    "sofia": Role.SECRETARY,
    "denis": Role.AGENT,
    "admin": Role.ADMIN,
}
CALLERS = (Role.HEAD, Role.MANAGER, Role.SECRETARY, Role.AGENT)
"""Roles that may call out."""
MANAGERS = ("anna", "mark", "vera")
REGIONS = (
    ("Home city", "Москва", ""),
    ("North-West", "Северо-Запад", "mark"),
    ("East", "Урал и восток", "vera"),
    ("Abroad", "Зарубежье", ""),
)
"""(English, Russian, login of its manager); home city and abroad go to whoever is on duty (D1, D11)."""
LINE_NUMBERS = {
    "ru": {"desk": "+74950000010", "site": "+74950000020", "ads": "+74950000030"},
    "en": {"desk": "+442079460001", "site": "+442079460002", "ads": "+442079460003"},
}
LINE_CHANNELS = {"desk": 2, "site": 0, "ads": 1}
"""The place of each line's channel in the list a new office begins with."""
CHANGES = (8, 14, 20)
"""Office hours at which the next manager takes over; the last one keeps the night."""
DAYS_BACK, DAYS_AHEAD = 7, 21
HOLIDAYS = {"ru": ("RU", "ru"), "en": ("GB", "en")}
"""Whose public holidays the office has, and in which language."""


def make_office(session: Session, words: Texts, language: str) -> None:
    """Settings, lists, lines, price ranges, and which numbers may be called."""
    office = defaults.create(session, words.company, language)
    office.what_we_do = words.what_we_do
    office.greeting_phrase = words.greeting
    office.is_demo = True
    channels = session.scalars(select(Channel).order_by(Channel.rank)).all()
    lines = {line.name: line for line in session.scalars(select(Line))}
    numbers = LINE_NUMBERS.get(language, LINE_NUMBERS["en"])
    for name, title in words.lines.items():
        if name not in lines:
            lines[name] = Line(name=name)
            session.add(lines[name])
        lines[name].title = title
        lines[name].number = numbers[name]
        if name in LINE_CHANNELS:
            lines[name].channel_id = channels[LINE_CHANNELS[name]].id
    session.add_all(DialRule(role=role.value, pattern=rule) for role in CALLERS for rule in DIAL_RULES)
    session.add_all(PriceRange(product=p, low=low, high=high, conditions=c) for p, low, high, c in words.prices)
    session.flush()


def make_people(session: Session, words: Texts) -> tuple[dict[str, User], dict[str, str]]:
    """The users by login, and their passwords. Managers, agent and head have a built-in desk phone."""
    secrets = {login: passwords.generate() for login in words.people}
    users = {
        login: User(
            login=login,
            name=name,
            position=position,
            role=ROLES[login].value,
            password_hash=passwords.hashed(secrets[login]),
            desk_phone=ROLES[login] in (Role.MANAGER, Role.HEAD, Role.AGENT),
        )
        for login, (name, position) in words.people.items()
    }
    session.add_all(users.values())
    for rank, (english, russian, login) in enumerate(REGIONS):
        region = Region(names={"en": english, "ru": russian}, rank=rank)
        session.add(region)
        session.flush()
        if login:
            users[login].region_id = region.id
    session.flush()
    return users, secrets


def make_roster(
    session: Session, users: dict[str, User], now: datetime, zone: ZoneInfo, reason: str, language: str
) -> None:
    """Shifts from a week ago to three weeks ahead, every hour covered twice: on duty and backup.

    One manager is away the day after tomorrow while two others hold the shift. A region has a pattern of its own, and
    the public holidays are entered.
    """
    today = now.astimezone(zone).date()
    turn = 0
    for offset in range(-DAYS_BACK - 1, DAYS_AHEAD + 1):
        day = today + timedelta(days=offset)
        for index, hour in enumerate(CHANGES):
            starts = _at(day, hour, zone)
            last = index + 1 == len(CHANGES)
            ends = _at(day + timedelta(days=1), CHANGES[0], zone) if last else _at(day, CHANGES[index + 1], zone)
            for rank in (0, 1):
                manager = users[MANAGERS[(turn + rank) % len(MANAGERS)]]
                session.add(Shift(user_id=manager.id, starts_at=starts, ends_at=ends, rank=rank))
            if offset == 2 and index == 0:
                free = users[MANAGERS[(turn + 2) % len(MANAGERS)]]
                session.add(Absence(user_id=free.id, starts_at=starts, ends_at=ends, reason=reason))
            turn += 1
        turn += 1  # so that nobody has the same hours two days running
    session.flush()
    for year in (today.year, today.year + 1):
        holidays.fill(session, *HOLIDAYS.get(language, HOLIDAYS["en"]), year)
    abroad = session.scalars(select(Region).order_by(Region.rank.desc())).first()
    week = patterns.Rhythm(today - timedelta(days=today.weekday()), None, 7, [0, 1, 2, 3, 4], 11 * 60, 17 * 60)
    place = Place(region_id=abroad.id if abroad else None)
    patterns.make(session, users["denis"], week, 0, place, users["helen"], now, zone)


def offer_shifts(session: Session, users: dict[str, User], now: datetime, words: str) -> None:
    """Mark offers a shift of the coming week to Anna, and Vera one of hers to whoever takes it."""
    for login, to in (("mark", users["anna"]), ("vera", None)):
        shift = session.scalars(
            select(Shift)
            .where(Shift.user_id == users[login].id, Shift.rank == 0, Shift.starts_at > now + timedelta(days=3))
            .order_by(Shift.starts_at)
        ).first()
        if shift is not None:
            session.add(
                Swap(
                    shift_id=shift.id,
                    starts_at=shift.starts_at,
                    ends_at=shift.ends_at,
                    shift_version=shift.version,
                    from_user_id=users[login].id,
                    to_user_id=to.id if to else None,
                    words=words if to else "",
                    offered_at=now - timedelta(hours=2),
                )
            )
    session.flush()


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=zone)
