"""What happened in the demo office: talks, missed calls, next touches owed, promises and deals."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import Call, CallTrace
from webapp.clients.models import Client
from webapp.deals.models import Deal
from webapp.demo.cards import Book
from webapp.demo.phones import Number, Numbers
from webapp.demo.setting import MANAGERS
from webapp.demo.texts import Texts
from webapp.office.models import Line, Office, Outcome, Purpose, TouchClass
from webapp.tasks.models import Task
from webapp.touches.models import Touch

DOORS = (("in", "call", 70), ("out", "call", 12), ("in", "mail", 10), ("in", "web", 5), ("in", "visit", 3))
OUTCOMES = {
    "meeting": (14, ("meeting_ours", "meeting_theirs")),
    "order": (12, ("order",)),
    "offer": (28, ("offer", "samples")),
    "call_back": (22, ("call_back",)),
    "technologist": (8, ("technologist",)),
    "message": (3, ("call_back",)),
    "answered": (14, ()),
    "refused": (6, ()),
    "not_ours": (2, ()),
}
"""Outcome's key: its weight, and the next steps that follow from it."""
TODAY_EACH = 8
MISSED_NOW = (172, 64, 41, 12)
"""Minutes since the calls that nobody has made good yet."""


class History:
    """Writes the past of one office, talk by talk."""

    def __init__(
        self,
        session: Session,
        words: Texts,
        users: dict[str, User],
        book: Book,
        numbers: Numbers,
        now: datetime,
        zone: ZoneInfo,
        dice: random.Random,
    ) -> None:
        self.session, self.words, self.users, self.book = session, words, users, book
        self.numbers, self.now, self.zone, self.dice = numbers, now, zone, dice
        self.managers = [users[login] for login in MANAGERS]
        self.lines = list(session.scalars(select(Line).order_by(Line.id)))
        self.purposes = list(session.scalars(select(Purpose).order_by(Purpose.rank)))
        self.outcomes = {outcome.key: outcome for outcome in session.scalars(select(Outcome))}
        self.classes = list(session.scalars(select(TouchClass).order_by(TouchClass.rank)))
        self.promise_minutes = session.get_one(Office, 1).promise_minutes
        self.busy: set[tuple[int, datetime]] = set()
        self.traces: list[tuple[Call, datetime, str, dict[str, object]]] = []

    def past_talks(self, client: Client) -> None:
        """Up to five finished contacts with a client over the last months, each leading to the next."""
        count = self.dice.choices((0, 1, 2, 3, 5), (8, 40, 26, 18, 8))[0]
        ages = sorted((self.dice.uniform(1, 120) for _ in range(count)), reverse=True)
        owed: Task | None = None
        for index, age in enumerate(ages):
            user = self._manager_of(client)
            at = self._free_hour(user, self.now - timedelta(days=age))
            owed = self._talk(client, user, at, last=index + 1 == count, owed=owed)

    def todays_talks(self) -> None:
        """The ledger of today has rows for every manager; each has one row left unfinished."""
        start, end = self._working_day()
        for user in self.managers:
            own = [client for client in self.book.clients if client.owner_id == user.id]
            step = (end - start) / TODAY_EACH
            for index, client in enumerate(self.dice.sample(own, TODAY_EACH)):
                at = start + step * index + step * self.dice.uniform(0, 0.4)
                self._talk(client, user, at, longest=step.total_seconds() * 0.5, unfinished=index == TODAY_EACH - 1)

    def missed(self) -> None:
        """Calls nobody answered: old ones made good or closed with a reason, and a few that wait now."""
        for _ in range(18):
            at = self.now - timedelta(days=self.dice.uniform(1, 14))
            client = self.dice.choice(self.book.clients) if self.dice.random() < 0.5 else None
            call = self._missed_call(client, self._number(client), at)
            user = self.dice.choice(self.managers)
            call.missed_closed_by_id = user.id
            call.missed_closed_at = at + timedelta(minutes=self.dice.choice((4, 9, 16, 38, 75)))
            if client is None or self.dice.random() < 0.3:
                call.missed_how = "reason"
                call.missed_reason = self.dice.choice(self.words.missed_reasons)
                self._trace(call, call.missed_closed_at, "closed_with_reason", reason=call.missed_reason)
            else:
                call.missed_how = "in" if self.dice.random() < 0.3 else "out"
                kind = "made_good" if call.missed_how == "in" else "rang_back"
                self._trace(call, call.missed_closed_at, kind, name=user.name)
        known = self.dice.choice([client for client in self.book.clients if client.owner_id])
        stranger = self.numbers.new("ru" if self.book.numbers[known.id].country == "ru" else "gb")
        waiting = ((known, self._number(known)), (None, stranger), (None, None), (None, stranger))
        for (client, number), minutes in zip(waiting, MISSED_NOW, strict=True):
            at = self.now - timedelta(minutes=minutes)
            call = self._missed_call(client, number, at)
            if call.end_reason == "no_answer":
                self._promise(call, at)

    def deals(self) -> None:
        """A third of the clients has a matter with us: most are open, some are won or lost."""
        for client in self.book.clients:
            if self.dice.random() > 0.35:
                continue
            opened = max(client.created_at, self.now - timedelta(days=self.dice.randrange(2, 90)))
            deal = Deal(
                client_id=client.id,
                owner_id=client.owner_id,
                title=self.words.deal.format(product=self._product(client), volume=client.volume or "…").removesuffix(
                    ", …"
                ),
                stage=self.dice.choice(("found", "offer_sent", "repeat_call", "discussion", "contract", "invoice")),
                opened_at=opened,
            )
            if self.dice.random() < 0.4:
                deal.stage = self.dice.choice(("won", "won", "lost"))
                deal.ended_at = opened + (self.now - opened) * self.dice.uniform(0.3, 0.95)
            self.session.add(deal)

    def write(self) -> None:
        """Flush it all; the traces last, when their calls have ids."""
        self.session.flush()
        self.session.add_all(
            CallTrace(call_id=call.id, at=at, kind=kind, facts=facts) for call, at, kind, facts in self.traces
        )
        self.session.flush()

    def _talk(
        self,
        client: Client,
        user: User,
        at: datetime,
        *,
        longest: float = 900,
        last: bool = True,
        unfinished: bool = False,
        owed: Task | None = None,
    ) -> Task | None:
        """One contact with its row; what was owed is done by it. Returns the task it leaves, if any."""
        direction, door = self.dice.choices([d[:2] for d in DOORS], [d[2] for d in DOORS])[0]
        keys = [key for key in OUTCOMES if last or OUTCOMES[key][1]]
        key = self.dice.choices(keys, [OUTCOMES[key][0] for key in keys])[0]
        outcome = self.outcomes[key]
        call = None
        if door == "call" and direction == "in":
            call = self._answered_call(client, user, at, longest)
        touch = Touch(
            direction=direction,
            door=door,
            started_at=at,
            user_id=user.id,
            call=call,
            client_id=client.id,
            person_id=client.people[0].id,
            purpose_id=self.dice.choice(self.purposes).id,
            class_id=self.dice.choice(self.classes).id if self.dice.random() < 0.7 else None,
            channel_id=(call.line.channel_id if call and call.line else None) or client.channel_id,
            name_known=True,
            note=self.dice.choice(self.words.notes[key]),
            saved_at=at + timedelta(seconds=60),
        )
        self.session.add(touch)
        if owed:
            owed.done_at, owed.done_by_id = at, user.id
            owed.report = self.dice.choice(self.words.reports)
        if unfinished:
            return None
        touch.outcome_id = outcome.id
        touch.closed_at = at + timedelta(seconds=longest * 0.6 + 60)
        kinds = OUTCOMES[key][1]
        task = None
        if kinds:
            touch.next_kind = self.dice.choice(kinds)
            touch.next_at = self._next_at(at, last)
            touch.next_step_agreed = True
            task = Task(
                kind="next_touch",
                text=self.words.tasks[touch.next_kind].format(product=self._product(client)),
                user_id=user.id,
                client_id=client.id,
                call=call,
                touch=touch,
                number=call.number if call else "",
                due_at=touch.next_at,
                created_at=touch.closed_at,
            )
            self.session.add(task)
        return task

    def _next_at(self, at: datetime, last: bool) -> datetime:
        """When the next touch was set for. Of the last ones most lie ahead, some are due today, a few overdue."""
        if not last:
            return self._workday(at + timedelta(days=self.dice.randrange(1, 8)))
        kind = self.dice.choices(("ahead", "today", "late"), (84, 9, 7))[0]
        if kind == "late" and at < self.now - timedelta(days=3):
            return max(at + timedelta(hours=20), self.now - timedelta(days=self.dice.uniform(0.2, 2.5)))
        if kind == "today":
            soon = self.now.replace(minute=self.now.minute // 5 * 5, second=0, microsecond=0)
            return soon + timedelta(minutes=10 * self.dice.randrange(2, 22))
        return self._workday(self.now + timedelta(days=self.dice.randrange(1, 15)))

    def _answered_call(self, client: Client, user: User, at: datetime, longest: float) -> Call:
        rings = self.dice.choices((1, 2, 3, 4, 5), (12, 45, 28, 10, 5))[0]
        wait = rings * 5 - self.dice.uniform(0.5, 4)
        talk = self.dice.uniform(35, max(60, min(700, longest)))
        call = self._call(self._number(client), at, client)
        call.answered_at, call.answered_by_id = at + timedelta(seconds=wait), user.id
        call.rings, call.ring_seconds, call.talk_seconds = rings, round(wait, 1), round(talk, 1)
        call.ended_at, call.end_reason = call.answered_at + timedelta(seconds=talk), "completed"
        call.situation = "known_client" if client.owner_id == user.id else "colleagues_client"
        self._trace(call, call.answered_at, "answered", name=user.name, rings=rings, seconds=round(wait, 1))
        self._trace(call, call.ended_at, "ended_completed", seconds=round(talk))
        return call

    def _missed_call(self, client: Client | None, number: Number | None, at: datetime) -> Call:
        call = self._call(number, at, client)
        call.duty_ids = [self.dice.choice(self.managers).id]
        call.rings = self.dice.choice((2, 3, 4, 6, 8))
        call.ring_seconds = call.rings * 5.0 - 2
        call.end_reason = "no_answer" if call.rings > 4 else "abandoned"
        call.ended_at = at + timedelta(seconds=call.ring_seconds)
        self._trace(call, call.ended_at, f"ended_{call.end_reason}", seconds=round(call.ring_seconds))
        self.session.add(
            Touch(
                started_at=at,
                call=call,
                client_id=call.client_id,
                channel_id=call.line.channel_id if call.line else None,
                name_known=bool(client),
            )
        )
        return call

    def _call(self, number: Number | None, at: datetime, client: Client | None) -> Call:
        line = self.dice.choices(self.lines, (60, 25, 15))[0]
        call = Call(
            call_id=f"demo-{self.dice.getrandbits(48):012x}",
            line_name=line.name,
            line=line,
            number=number.e164 if number else "",
            caller_number=number.e164 if number else "",
            dialed_number=line.number,
            offered_at=at,
            state="ended",
            client_id=client.id if client else None,
            why_client={"reason": "phone" if client else "unknown" if number else "hidden"},
        )
        self.session.add(call)
        self._trace(call, at, "offered", number=call.number, line=line.name)
        if client:
            self._trace(call, at, "matched", client=client.name, reason="phone")
        else:
            self._trace(call, at, "unknown" if number else "hidden")
        return call

    def _promise(self, call: Call, at: datetime) -> None:
        self.session.add(
            Task(
                kind="promise",
                text=self.words.promise,
                user_id=self.dice.choice(self.managers).id,
                client_id=call.client_id,
                call=call,
                number=call.number,
                due_at=at + timedelta(minutes=self.promise_minutes),
                created_at=at,
            )
        )

    def _trace(self, call: Call, at: datetime, kind: str, **facts: object) -> None:
        self.traces.append((call, at, kind, facts))

    def _number(self, client: Client | None) -> Number:
        return self.book.numbers[client.id] if client else self.numbers.new("ru")

    def _product(self, client: Client) -> str:
        return client.product or self.words.prices[client.id % len(self.words.prices)][0]

    def _manager_of(self, client: Client) -> User:
        own = [user for user in self.managers if user.id == client.owner_id]
        return own[0] if own and self.dice.random() < 0.85 else self.dice.choice(self.managers)

    def _working_day(self) -> tuple[datetime, datetime]:
        """From nine this morning, or from what there is of the day, until a quarter of an hour ago."""
        midnight = datetime.combine(self.now.astimezone(self.zone).date(), time(), tzinfo=self.zone)
        end = self.now - timedelta(minutes=15)
        for start in (midnight + timedelta(hours=9), midnight):
            if end - start > timedelta(hours=2):
                return start, min(end, start + timedelta(hours=11))
        return self.now - timedelta(hours=2), end

    def _workday(self, at: datetime) -> datetime:
        """An office hour of that day, or of the Monday after it."""
        at = self._office_hour(at)
        return at + timedelta(days=7 - at.weekday() if at.weekday() >= 5 else 0)

    def _office_hour(self, at: datetime) -> datetime:
        """`at`, moved to a half hour between ten and six of its day."""
        day = at.astimezone(self.zone).date()
        hour, minute = self.dice.randrange(10, 18), self.dice.choice((0, 30))
        return datetime.combine(day, time(hour, minute), tzinfo=self.zone)

    def _free_hour(self, user: User, near: datetime) -> datetime:
        """A time on a working day near `near` at which this manager talks with nobody else."""
        while True:
            at = self._office_hour(near)
            if at.weekday() < 5 and (user.id, at) not in self.busy:
                self.busy.add((user.id, at))
                return at + timedelta(seconds=self.dice.randrange(600))
            near -= timedelta(hours=7)  # an earlier half of the day, then an earlier day
