"""The week: who calls when, what people do meanwhile on their pages, what the worker does each round, and an outage.

`Week.run` plays it to its end; then `told.Book` holds what happened and the desk what it made of it (`sums.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import Plan
from tests.webapp.week import office as offices
from tests.webapp.week.bridge import Ask, Bridge
from tests.webapp.week.calls import Incoming
from tests.webapp.week.pages import Pages
from tests.webapp.week.told import Book, Told
from tests.webapp.week.world import Clock, Time
from webapp.accounts.models import User
from webapp.db import db
from webapp.presence import marking
from webapp.roster import absences, shifts, swaps
from webapp.roster.models import Shift
from webapp.roster.wallclock import wall_clock
from webapp.tasks import reminding
from webapp.worker import DUTIES

OUTAGE = timedelta(minutes=40)
HIDDEN = ""


@dataclass
class Person:
    """Where somebody really is. `busy`: the call he is in, '' when he is in none."""

    login: str
    busy: str = ""
    away: bool = False
    absent: bool = False


class Week:
    """Seven days of an office. `calls`: how many callers ring of themselves."""

    def __init__(
        self,
        app: Flask,
        ask: Ask,
        clock: Clock,
        calls: int,
        monday: date,
        seed: int = 1,
        every: timedelta = timedelta(minutes=5),
    ) -> None:
        self.app, self.every, self.many = app, every, calls
        zone = app.config["SETTINGS"].timezone
        self.dice = random.Random(seed)
        starts = datetime.combine(monday, datetime.min.time(), zone).astimezone(ZoneInfo("UTC"))
        clock.at = starts
        self.time = Time(clock)
        self.rounds: list[datetime] = []
        self.wrong_plans: list[str] = []
        self.gaps: set[str] = set()
        self.late: set[str] = set()
        self.followed: Counter[str] = Counter()
        self.lines = offices.LINES
        with self.desk() as session:
            self.office = offices.found(session, monday, zone, starts, self.dice)
        self.people = {login: Person(login) for login in offices.STAFF}
        self.book = Book()
        self.bridge = Bridge(ask, self.time, self.dice, self.lines)
        self.pages = Pages(self)

    @contextmanager
    def desk(self) -> Iterator[Session]:
        """A session of the desk for what somebody does on a page; committed at its end."""
        with self.app.app_context():
            yield db.session()
            db.session.commit()

    def run(self) -> None:
        """Play the week to its end."""
        self.bridge.deliver(heartbeat=True)
        self.outage = self.at(2, 10, 20)
        self._callers()
        self._absences()
        self._keys()
        self._go_through_missed()
        self.time.at(self.outage, self._web_goes)
        self.time.at(self.outage + OUTAGE, self._web_comes)
        self._round()
        self.time.run()
        self.bridge.lost_answers = 0.0
        self.bridge.deliver()

    def at(self, weekday: int, hour: int, minute: int = 0) -> datetime:
        """An instant by the office's clock."""
        day = self.office.monday + timedelta(days=weekday)
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.office.zone)
        return local.astimezone(ZoneInfo("UTC"))

    # Those who call

    def _callers(self) -> None:
        """Most on working days and in working hours; some at night, in that of the clocks, in the outage and a gap."""
        dice, unknown = self.dice, [f"+7495300{number:04}" for number in range(self.many // 4 + 10)]
        for number in range(self.many):
            weekday = dice.choices(range(7), (20, 20, 20, 20, 16, 6, 4))[0]
            hour = dice.choices(range(24), (1, 1, 1, 1, 1, 1, 2, 4, 8, *([14] * 9), 8, 5, 3, 2, 1, 1))[0]
            when = self.at(weekday, hour, dice.randrange(60)) + timedelta(seconds=dice.randrange(60))
            if number < 12:
                when = self.at(6, 0) + timedelta(minutes=dice.randrange(5 * 60))
            elif number < 20:
                when = self.outage + timedelta(minutes=dice.randrange(40))
            elif number < 24:
                when = self.at(6, dice.randrange(20, 24), dice.randrange(60))
            elif number < 30:
                when = self.at(2, 9, dice.randrange(1, 60))
            kind = dice.random()
            if kind < 0.45:
                caller = dice.choice(self.office.known)
            elif kind < 0.55:
                caller = dice.choice(self.office.shared)
            elif kind < 0.65:
                caller = HIDDEN
            else:
                caller = dice.choice(unknown)
            line = dice.choices(self.lines, (6, 3, 2))[0]
            self.time.at(when, lambda caller=caller, line=line: Incoming(self, caller, line) and None)  # type: ignore[misc]

    def ring_once_more(self, number: str, line: str, again: int) -> None:
        """Somebody who was missed tries again."""
        Incoming(self, number, line, again)

    def is_missed(self, number: str) -> bool:
        """Whether somebody with this number waits to be rung back."""
        return any(self.book.is_waiting(one) for one in self.book.of_number[number]) if number else False

    # Whether somebody is there

    def picks_up(self, login: str) -> bool:
        """Whether he takes a telephone that rings now. Nobody does who is not at his desk."""
        person = self.people[login]
        if person.busy or person.away or person.absent:
            return False
        return self.dice.random() < (0.8 if self._works(login) else 0.2)

    def _works(self, login: str) -> bool:
        day, minutes = wall_clock(self.time.now, self.office.zone)
        return day.weekday() < 5 and 8 * 60 <= minutes < 20 * 60

    def look_at_plan(self, told: Told, plan: Plan | None) -> None:
        """Nobody who is absent or away, as the desk was told, may be rung by the desk's own plan; and was it a gap?

        None: the desk answered too late, and by then people may be elsewhere.
        """
        if plan is None:
            self.late.add(told.call_id)
            return
        rung = {self.office.login_at(extension) for step in plan.steps for extension in step.extensions}
        out = sorted(login for login in rung if self.people[login].absent or self.people[login].away)
        self.wrong_plans += [f"{told.call_id} at {told.offered_at} rang {login}" for login in out]
        if not rung or (self._open() and not rung & self._whose(told)):
            self.gaps.add(told.call_id)

    def _open(self) -> bool:
        day, minutes = wall_clock(self.time.now, self.office.zone)
        return day.weekday() < 5 and 9 * 60 <= minutes < 18 * 60

    def _whose(self, told: Told) -> set[str]:
        """Who takes this call by right (D11-D13): anybody but a backup or the head who helps out."""
        now, found = self.time.now, {told.owner}
        found |= {one.login for one in self.office.shifts if one.rank == 0 and one.starts <= now < one.ends}
        found |= {"vera", "denis"} if told.line == "service" else set()
        found |= {"denis"} if told.number in self.office.of_region else set()
        spoke = [one for one in self.book.of_number[told.number] if told.number and one.had]
        return found | {max(spoke, key=lambda one: one.offered_at).had[0]} if spoke else found

    def _absences(self) -> None:
        """Some known long before, some of the moment; and two who swap their shifts of a day."""
        self._absent("denis", self.at(2, 0), self.at(4, 0), known=self.at(0, 9, 5))
        self._absent("anna", self.at(2, 9), self.at(2, 10, 5), known=self.at(2, 9))
        self._absent("anna", self.at(4, 0), self.at(5, 0), known=self.at(3, 11))
        self._absent("helen", self.at(3, 10), self.at(3, 12), known=self.at(1, 10))
        self._absent("boris", self.at(1, 15, 10), self.at(1, 15, 50), known=self.at(1, 15, 10))
        self._absent("vera", self.at(4, 11, 30), self.at(4, 12, 10), known=self.at(4, 11, 30))
        self.time.at(self.at(0, 12, 3), self._swap)

    def _absent(self, login: str, starts: datetime, ends: datetime, known: datetime) -> None:
        def note() -> None:
            with self.desk() as session:
                user, head = (session.get_one(User, self.office.ids[one]) for one in (login, "helen"))
                if starts <= self.time.now:
                    absences.away_now(session, user, ends, self.time.now, self.office.zone)
                else:
                    first, last = (wall_clock(at, self.office.zone) for at in (starts, ends))
                    typed = absences.Away(first, last, "holiday")
                    absences.set_absence(session, None, user, typed, head, self.time.now, self.office.zone)
                shifts.announce(session, self.time.now)

        def be(absent: bool) -> None:
            self.people[login].absent = absent

        self.time.at(known, lambda: self.when_there(note))
        self.time.at(starts, lambda: be(absent=True))
        self.time.at(ends, lambda: be(absent=False))

    def _swap(self) -> None:
        """anna offers her Thursday to boris for his, and he takes it."""
        with self.desk() as session:
            anna, boris = (session.get_one(User, self.office.ids[login]) for login in ("anna", "boris"))
            mine, theirs = (
                session.scalars(
                    select(Shift).where(
                        Shift.user_id == user.id, Shift.starts_at.between(self.at(3, 1), self.at(3, 23))
                    )
                ).one()
                for user in (anna, boris)
            )
            offer = swaps.offer(session, mine, anna, boris, theirs, "dentist", self.time.now, self.office.zone)
            swaps.accept(session, offer, boris, self.time.now, self.office.zone)
        for shift in self.office.shifts:
            if self.at(3, 1) <= shift.starts < self.at(3, 23) and shift.login in ("anna", "boris"):
                shift.login = "boris" if shift.login == "anna" else "anna"

    def _keys(self) -> None:
        """Now and then somebody leaves his desk by the one key, and comes back."""
        for weekday in range(5):
            for login in offices.MANAGERS:
                leaves = self.at(weekday, self.dice.randrange(9, 18), self.dice.randrange(60))
                minutes = self.dice.choice((5, 15, 40))
                self.time.at(leaves, lambda login=login, minutes=minutes: self._leaves(login, minutes))  # type: ignore[misc]

    def _leaves(self, login: str, minutes: int) -> None:
        if self.bridge.away:
            return
        says_when, returns = self.dice.random() < 0.5, self.time.now + timedelta(minutes=minutes)
        self.people[login].away = True
        with self.desk() as session:
            user = session.get_one(User, self.office.ids[login])
            marking.away(session, user, self.time.now, returns if says_when else None)

        def come_back() -> None:
            self.people[login].away = False
            with self.desk() as session:
                marking.back(session, session.get_one(User, self.office.ids[login]), self.time.now)

        self.time.at(returns, lambda: self.when_there(come_back))

    def _go_through_missed(self) -> None:
        """Every three hours of the day somebody looks at who waits: rings back, or writes why nobody need."""
        for weekday in range(7):
            for hour in range(8, 20, 3):
                self.time.at(self.at(weekday, hour, 40), self._rings_back)

    def _rings_back(self) -> None:
        waiting = [one for one in self.book.calls.values() if self.book.is_waiting(one)]
        for told in self.dice.sample(waiting, min(len(waiting), 3)):
            self.pages.see_to(told)

    # The web goes away and comes back

    def _web_goes(self) -> None:
        self.bridge.away = True

    def _web_comes(self) -> None:
        self.bridge.away = False
        self.bridge.deliver()

    def when_there(self, do: Callable[[], None]) -> None:
        """What is done on a page waits until there are pages again."""
        if self.bridge.away:
            self.time.after(60, lambda: self.when_there(do))
        else:
            do()

    def _round(self) -> None:
        """A heartbeat of the bridge, and the worker goes round, unless the desk has not heard all yet: nobody is told
        then of what the desk can't know."""
        if not self.bridge.away:
            self.bridge.deliver()
        if not self.bridge.away and not self.bridge.outbox:
            with self.desk() as session:
                for duty in DUTIES.values():
                    duty(session, self.time.now, self.office.zone)
                    session.commit()
                while reminding.remind(session, self.time.now):
                    session.commit()
            self.rounds.append(self.time.now)
        if self.time.now < self.office.ends + timedelta(hours=2):
            self.time.at(self.time.now + self.every, self._round)
