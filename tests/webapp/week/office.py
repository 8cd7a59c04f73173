"""The office of the week: six people, three lines, their roster and clients, made by the desk's own verbs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.clients import keys, match
from webapp.clients.models import Client, ContactPoint
from webapp.office import defaults, dialling
from webapp.office.models import Channel, Line, LinePerson, Region
from webapp.roster import patterns, shifts
from webapp.roster.patterns import Rhythm
from webapp.roster.places import GENERAL
from webapp.roster.wallclock import instant

COUNTRY = "RU"
STAFF = {
    "helen": ("Helen Markova", Role.HEAD),
    "sofia": ("Sofia Belova", Role.SECRETARY),
    "anna": ("Anna Petrova", Role.MANAGER),
    "boris": ("Boris Ivanov", Role.MANAGER),
    "vera": ("Vera Sokolova", Role.MANAGER),
    "denis": ("Denis Zimin", Role.MANAGER),
}
MANAGERS = ("anna", "boris", "vera", "denis")
LINES = ("desk", "service", "north")
CARDS = 60
WEEKDAY, ALL_DAY = range(5), range(7)
PATTERNED = "denis"
"""Whose working days come from a repeating pattern."""
ROSTER = (
    ("anna", WEEKDAY, 8 * 60, 14 * 60, 0),
    ("boris", WEEKDAY, 14 * 60, 20 * 60, 0),
    ("vera", WEEKDAY, 9 * 60, 18 * 60, 1),
    ("denis", WEEKDAY, 9 * 60, 18 * 60, 0),
    ("denis", (5,), 9 * 60, 15 * 60, 0),
    ("boris", (5,), 20 * 60, 32 * 60, 0),  # over midnight, in the night in which the clocks are moved
    ("vera", (6,), 12 * 60, 16 * 60, 0),
)
"""Who is on duty: login, weekdays, minutes after midnight, rank. All other hours are gaps."""


@dataclass
class Shift:
    """Hours of one person on the roster, as the head laid them."""

    login: str
    starts: datetime
    ends: datetime
    rank: int


@dataclass
class Office:
    """The office as the story must know it: who has which telephone, who calls, whose clients they are, who works when.

    `owners`: the manager of the client behind a number. `of_region`: numbers of clients of denis's region.
    """

    monday: date
    zone: ZoneInfo
    extensions: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    of_region: set[str] = field(default_factory=set)
    shifts: list[Shift] = field(default_factory=list)

    @property
    def starts(self) -> datetime:
        """The first instant of the week."""
        return datetime.combine(self.monday, datetime.min.time(), self.zone).astimezone(ZoneInfo("UTC"))

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        after = datetime.combine(self.monday + timedelta(days=7), datetime.min.time(), self.zone)
        return after.astimezone(ZoneInfo("UTC"))

    def login_at(self, extension: str) -> str:
        """Whose telephone this is."""
        return next(login for login, own in self.extensions.items() if own == extension)


def found(session: Session, monday: date, zone: ZoneInfo, now: datetime, dice: random.Random) -> Office:
    """Make it. Flushes."""
    office = Office(monday, zone)
    defaults.create(session, "Northwind Windows", "en")
    for login, (name, role) in STAFF.items():
        office.extensions[login] = f"sip:{login}@127.0.0.1:5999"
        user = User(login=login, name=name, role=role.value, position=role.value, password_hash="")
        user.extension = office.extensions[login]
        session.add(user)
    session.flush()
    users = {user.login: user for user in session.scalars(select(User))}
    office.ids = {login: user.id for login, user in users.items()}
    _lines(session, users)
    for login, weekdays, starts, ends, rank in ROSTER:
        for weekday in weekdays:
            day = monday + timedelta(days=weekday)
            span = [instant(day, minutes, zone) for minutes in (starts, ends)]
            office.shifts.append(Shift(login, span[0], span[1], rank))
            if login != PATTERNED or weekdays is not WEEKDAY:
                shifts.set_shift(session, None, users[login], shifts.Wall(day, starts, ends), rank, False, zone)
        if login == PATTERNED and weekdays is WEEKDAY:
            rhythm = Rhythm(monday, None, 7, list(weekdays), starts, ends)
            patterns.make(session, users[login], rhythm, rank, GENERAL, users["helen"], now, zone)
    _cards(session, office, users, now, dice)
    return office


def _lines(session: Session, users: dict[str, User]) -> None:
    channels = list(session.scalars(select(Channel).order_by(Channel.rank)))
    session.add_all(Line(name=name, title=name.title()) for name in LINES[1:])
    session.flush()
    lines = {line.name: line for line in session.scalars(select(Line))}
    for number, name in enumerate(LINES):
        lines[name].channel_id = channels[number].id
        lines[name].record = False
    for rank, login in enumerate(("vera", "denis")):
        session.add(LinePerson(line_id=lines["service"].id, user_id=users[login].id, rank=rank))
    for role in (Role.MANAGER, Role.HEAD, Role.SECRETARY):
        dialling.add(session, role, "+7495*")
    session.flush()


def _cards(session: Session, office: Office, users: dict[str, User], now: datetime, dice: random.Random) -> None:
    region = Region(names={"en": "North", "ru": "Север"})
    session.add(region)
    session.flush()
    users["denis"].region_id = region.id
    for number in range(CARDS):
        phone = f"+7495100{number:04}"
        owner = dice.choice((*MANAGERS, None))
        client = Client(
            name=f"Firm {number}",
            created_at=now,
            owner_id=users[owner].id if owner else None,
            region_id=region.id if owner is None and number % 2 else None,
        )
        points = [phone]
        if number % 10 == 0:  # two firms behind one switchboard
            points.append(f"+7495200{number // 20:04}")
        client.contact_points = [
            ContactPoint(kind="phone", value=one, normal=keys.normal_contact("phone", one, COUNTRY)) for one in points
        ]
        session.add(client)
        session.flush()
        match.index(session, client)
        office.known.append(phone)
        if owner:
            office.owners[phone] = owner
        if client.region_id:
            office.of_region.add(phone)
    office.shared = [f"+7495200{number:04}" for number in range(CARDS // 20)]
    session.flush()
