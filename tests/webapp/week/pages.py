"""What people do on their pages in the week: promise, pass on, write down, ring back, give a reason."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import PhoneDialled
from tests.webapp.week import office as offices
from tests.webapp.week.calls import Ours
from tests.webapp.week.told import PROMISED, Told
from webapp.accounts.models import User
from webapp.calls import dialled, missed, outbound, transfers
from webapp.calls.models import BridgeCommand, Call
from webapp.clients import match
from webapp.clients.models import Client
from webapp.office.models import Outcome, Purpose
from webapp.tasks import work
from webapp.touches import closing
from webapp.touches.models import Touch

if TYPE_CHECKING:
    from tests.webapp.week.week import Week


class Pages:
    """The desk's verbs as people use them, while there are pages; what they did is written into the book."""

    def __init__(self, week: Week) -> None:
        self.week = week
        self._ids = itertools.count(1)

    def promise(self, told: Told) -> None:
        """The key "I will call back in ten minutes" in the middle of a talk."""
        if self.week.bridge.away:
            return
        with self.week.desk() as session:
            touch, user = self._touch(session, told), session.get_one(User, self.week.office.ids[told.holder])
            minutes = self.week.dice.choice((None, 30))
            work.promise(session, touch, user, self.week.time.now, minutes)
        told.promises.append((self.week.time.now, minutes or PROMISED))

    def ask_to_pass(self, told: Told, to: str, attended: bool) -> None:
        """Half of them by the page, the others by the telephone alone."""
        if self.week.bridge.away or self.week.dice.random() < 0.5:
            return
        with self.week.desk() as session:
            call = session.scalars(select(Call).where(Call.call_id == told.call_id)).one()
            giver, taker = (session.get_one(User, self.week.office.ids[login]) for login in (told.holder, to))
            target = transfers.colleague(taker)
            assert target
            transfers.start(session, call, giver, target, attended, "asks for oak", self.week.time.now)

    def talked(self, told: Told) -> None:
        """A call of ours or a talk is over; most rows are written down soon."""
        if self.week.dice.random() < 0.85 and (told.answered_at or (told.rings and told.end != "failed")):
            self.week.time.after(
                self.week.dice.uniform(20, 400), lambda: self.week.when_there(lambda: self._write(told))
            )

    def _write(self, told: Told) -> None:
        keys = (
            ("meeting", "order", "offer", "call_back", "answered", "refused") if told.answered_at else ("not_reached",)
        )
        outcome_key = self.week.dice.choice(keys)
        with self.week.desk() as session:
            touch, user = self._touch(session, told), session.get_one(User, self.week.office.ids[told.holder])
            outcome = session.scalars(select(Outcome).where(Outcome.key == outcome_key)).one()
            purpose = session.scalars(select(Purpose).where(Purpose.key == "price")).one()
            values = {"outcome_id": outcome.id, "purpose_id": purpose.id, "note": "wants oak", "next_at": None}
            if not outcome.closes:
                values |= {
                    "next_at": self.week.time.now + timedelta(hours=self.week.dice.randrange(1, 48)),
                    "next_kind": "call_back",
                }
            closing.save(session, touch, values, self.week.time.now)
            if closing.close(session, touch, user, self.week.time.now):  # tried too often in vain (D74)
                closing.save(session, touch, {"approach_reason": "he asked for it"}, self.week.time.now)
                assert not closing.close(session, touch, user, self.week.time.now)
            told.wrote, told.wrote_next = outcome_key, not outcome.closes

    def _touch(self, session: Session, told: Told) -> Touch:
        return session.scalars(
            select(Touch).join(Call, Call.id == Touch.call_id).where(Call.call_id == told.call_id)
        ).one()

    def see_to(self, told: Told) -> None:
        """Somebody who is free looks after one missed caller."""
        free = [login for login in offices.MANAGERS if not self._is_out(login)]
        over = self.week.time.now > self.week.at(6, 20)  # who rings on the last evening waits until Monday
        if over or self.week.bridge.away or not free or not self.week.book.is_waiting(told):
            return
        login, what = self.week.dice.choice(free), self.week.dice.random()
        if not told.number or what < 0.2:
            self._give_reason(told, login)
        elif what < 0.8:
            self._dial(told, login)
        else:
            self._dial_by_telephone(told, login)

    def _is_out(self, login: str) -> bool:
        person = self.week.people[login]
        return bool(person.busy or person.away or person.absent)

    def _give_reason(self, told: Told, login: str) -> None:
        with self.week.desk() as session:
            call = session.scalars(select(Call).where(Call.call_id == told.call_id)).one()
            user = session.get_one(User, self.week.office.ids[login])
            assert missed.close(session, call, "a wrong number", user, self.week.time.now) is None
        for one in self.week.book.waiting_with(told):
            one.reason_at, one.reason_by = self.week.time.now, login

    def _dial(self, told: Told, login: str) -> None:
        """One key calls back: the desk asks, the bridge does."""
        self.week.bridge.deliver(heartbeat=True)  # it tells the desk which lines are up
        with self.week.desk() as session:
            user = session.get_one(User, self.week.office.ids[login])
            certain = match.certain(match.by_number(session, told.number, offices.COUNTRY))
            wanted = outbound.Wanted(told.number, session.get(Client, certain) if certain else None)
            try:
                touch = outbound.dial(session, user, wanted, self.week.time.now, offices.COUNTRY)
            except outbound.Refused:  # a colleague speaks with him now
                session.rollback()
                return
            assert touch.call
            call_id, line = touch.call.call_id, touch.call.line_name
        Ours(self.week, call_id, login, told.number, line)

    def _dial_by_telephone(self, told: Told, login: str) -> None:
        """He dials on his softphone and waits; the desk says yes with a command, or no."""
        call_id, person = f"dialled-{next(self._ids)}", self.week.people[login]
        person.busy = call_id
        self.week.bridge.say(
            PhoneDialled(call_id, self.week.office.extensions[login], told.number, self.week.time.now), at_once=True
        )

        def go_on(*, is_last: bool) -> None:
            kind, line = self._asked(call_id)
            if kind == "Dial":
                Ours(self.week, call_id, login, told.number, line, waits=True)
            elif kind or is_last:
                person.busy = ""
            else:
                self.week.time.after(dialled.ANSWER_WITHIN.total_seconds() + 1, lambda: go_on(is_last=True))

        go_on(is_last=False)

    def _asked(self, call_id: str) -> tuple[str, str]:
        """What the desk has asked of this call last, and through which line; '' when nothing."""
        with self.week.desk() as session:
            last = select(BridgeCommand).where(BridgeCommand.call_id == call_id).order_by(BridgeCommand.id.desc())
            command = session.scalars(last.limit(1)).first()
            return (command.kind, command.data.get("line", "")) if command else ("", "")
