"""What happens on the telephone: callers ring, people pick up or don't, talk, pass on, promise a call; we ring back.

All of it is seen through the bridge's events alone. What happened is written into the book by whoever does it here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    CallerReturning,
    CallHeld,
    CallOffered,
    CallPlaced,
    CallResumed,
    CallTransferred,
    ClientRinging,
    ConsultationStarted,
    EndReason,
    GreetingStarted,
    HeldBy,
    LegEnd,
    LegEnded,
    LegRinging,
    MessageLeft,
    Plan,
    PlanChosen,
    TransferFailed,
    TransferStarted,
)
from tests.webapp.week.told import PROMISED, Told

if TYPE_CHECKING:
    from tests.webapp.week.week import Week


class Incoming:
    """One caller, from the first ring to the end."""

    def __init__(self, week: Week, number: str, line: str, again: int = 0) -> None:
        self.week, self.time, self.dice, self.bridge = week, week.time, week.dice, week.bridge
        self.call_id = f"in-{len(week.book.calls) + 1}"
        self.began = self.time.now
        self.ringing: set[str] = set()
        self.again = again
        self.plan: Plan
        self.told = week.book.add(Told(self.call_id, "in", line, number, self.began))
        self.told.owner = week.office.owners.get(number, "")
        self.ring()

    def ring(self) -> None:
        """The call reaches its line; somebody decides whom it rings."""
        line = self.told.line
        event = CallOffered(self.call_id, line, self.told.number, "", f"49511122{len(line)}", self.began)
        answered, self.plan = self.bridge.offer(event)
        standing = self.plan is not answered
        self.week.look_at_plan(self.told, answered)
        extensions = tuple(one for step in self.plan.steps for one in step.extensions)
        self.bridge.say(PlanChosen(self.call_id, standing, extensions, self.time.now))
        self.week.followed["standing" if standing else "desk"] += 1
        odd = self.dice.random()
        if odd < 0.02:
            reason = self.dice.choice((EndReason.ANSWERED_ELSEWHERE, EndReason.FAILED, EndReason.REDIRECTED))
            self.time.after(6, lambda: self.end(reason))
        elif odd < 0.12:
            self.time.after(self.dice.uniform(2, 40), self.give_up)
        if 0.12 < odd < 0.22 and self.told.number and self.again < 3:  # from another telephone of theirs, impatient
            line = self.dice.choice(self.week.lines)
            self.time.after(self.dice.uniform(1, 9), lambda: self.week.ring_once_more(self.told.number, line, 3))
        greeting = self.plan.answer_on_ring * self.plan.ring_seconds
        self.time.after(greeting, self.greet)
        self.step(0)

    @property
    def waits(self) -> bool:
        """Nobody has picked up, and the caller is still there."""
        return not self.told.end and self.told.answered_at is None

    def step(self, number: int) -> None:
        """The next ones are rung; after the last the caller is told that we ring back."""
        if not self.waits:
            return
        for extension in sorted(self.ringing):
            self.bridge.say(LegEnded(self.call_id, extension, LegEnd.NO_ANSWER, self.time.now))
        self.ringing.clear()
        if number >= len(self.plan.steps):
            self.apologise()
            return
        step = self.plan.steps[number]
        self.bridge.say(*(LegRinging(self.call_id, one, number, self.time.now) for one in step.extensions))
        self.ringing |= set(step.extensions)
        for extension in step.extensions:
            login = self.week.office.login_at(extension)
            if self.week.people[login].busy:
                self.time.after(0.3, lambda one=extension: self.refuse(one))  # type: ignore[misc]
            elif self.week.picks_up(login):
                seconds = self.dice.choice((2, 4, 6, 8, 12, 15))
                self.time.after(seconds, lambda one=login: self.pick_up(one))  # type: ignore[misc]
        self.time.after(step.seconds, lambda: self.step(number + 1))

    def refuse(self, extension: str) -> None:
        """He is in a talk: busy."""
        if self.waits and extension in self.ringing:
            self.ringing.discard(extension)
            self.bridge.say(LegEnded(self.call_id, extension, LegEnd.BUSY, self.time.now))

    def greet(self) -> None:
        """Nobody had picked up on the configured ring."""
        if self.waits and self.plan.steps:
            seconds = (self.time.now - self.began).total_seconds()
            self.bridge.say(GreetingStarted(self.call_id, self.plan.answer_on_ring, seconds, self.time.now))

    def pick_up(self, login: str) -> None:
        """Somebody takes the call, if it still rings at his telephone and he is free."""
        extension, person = self.week.office.extensions[login], self.week.people[login]
        if not self.waits or extension not in self.ringing or person.busy:
            return
        seconds = (self.time.now - self.began).total_seconds()
        told = self.told
        told.rings = int(seconds // self.plan.ring_seconds) + 1
        told.answered_at, told.answered_by, told.holder = self.time.now, login, login
        told.had.append(login)
        person.busy = self.call_id
        for other in sorted(self.ringing - {extension}):
            self.bridge.say(LegEnded(self.call_id, other, LegEnd.CANCELLED, self.time.now))
        self.ringing.clear()
        self.bridge.say(CallAnswered(self.call_id, extension, told.rings, seconds, self.time.now))
        silent = self.dice.random() < (0.25 if self.week.is_missed(told.number) else 0.02)
        told_length = 0.4 if silent else min(self.dice.expovariate(1 / 160) + 5, 1500)
        if not silent:
            self.talk(told_length)
        self.time.after(told_length, self.hang_up)

    def talk(self, length: float) -> None:
        """What may happen in a talk: it is held, the caller is promised a call, or passed on."""
        what = self.dice.random()
        if what < 0.10 and length > 20:
            self.time.after(length * 0.3, lambda: self.bridge.say(self._held()))
            self.time.after(length * 0.5, lambda: self.bridge.say(CallResumed(self.call_id, self.time.now)))
        elif what < 0.18 and length > 60:
            self.time.after(length * 0.3, self.pass_on)
        elif what < 0.26:
            self.time.after(length * 0.8, self.promise)

    def _held(self) -> CallHeld:
        return CallHeld(self.call_id, self.dice.choice(list(HeldBy)), self.time.now)

    def promise(self) -> None:
        """He says that he will ring back, and presses the key."""
        if self.told.holder and not self.told.end:
            self.week.pages.promise(self.told)

    def pass_on(self) -> None:
        """The caller is passed on, by the page or by the telephone; the colleague takes him or doesn't."""
        free = [one for one in sorted(self.week.people) if not self.week.people[one].busy]
        if not free or self.told.end:
            return
        to, attended = self.dice.choice(free), self.dice.random() < 0.5
        target = self.week.office.extensions[to]
        self.week.pages.ask_to_pass(self.told, to, attended)
        self.bridge.say(TransferStarted(self.call_id, target, attended, self.time.now))
        if self.week.picks_up(to):
            self.week.people[to].busy = self.call_id
            self.time.after(6, lambda: self.passed(to, attended))
        else:
            self.time.after(15, lambda: self.came_back(target, attended))

    def passed(self, to: str, attended: bool) -> None:
        """The colleague has the caller; who gave him is free."""
        told, target = self.told, self.week.office.extensions[to]
        if told.end:
            self.week.people[to].busy = ""
            return
        if attended:
            self.bridge.say(ConsultationStarted(self.call_id, target, self.time.now))
        self.bridge.say(CallTransferred(self.call_id, target, self.time.now))
        self.week.people[told.holder].busy = ""
        told.holder = to
        told.had.append(to)

    def came_back(self, target: str, attended: bool) -> None:
        """The colleague did not pick up: who passed the caller on has him again."""
        if self.told.end:
            return
        self.bridge.say(TransferFailed(self.call_id, target, LegEnd.NO_ANSWER, self.time.now))
        if not attended:
            extension = self.week.office.extensions[self.told.holder]
            self.bridge.say(CallerReturning(self.call_id, extension, self.time.now))

    def apologise(self) -> None:
        """The plan was played to its end: a promise, perhaps a voice message."""
        self.told.promises.append((self.time.now, PROMISED))
        self.bridge.say(ApologyStarted(self.call_id, self.time.now))
        self.time.after(self.dice.uniform(5, 30), self.leave)

    def leave(self) -> None:
        """The caller leaves a message, or none, and hangs up."""
        if not self.waits:
            return
        if self.dice.random() < 0.4:
            self.bridge.say(MessageLeft(self.call_id, f"2026/10/{self.call_id}.wav", 9.5, self.time.now))
        self.end(EndReason.NO_ANSWER)

    def give_up(self) -> None:
        """The caller has waited long enough."""
        if self.waits:
            for extension in sorted(self.ringing):
                self.bridge.say(LegEnded(self.call_id, extension, LegEnd.CANCELLED, self.time.now))
            self.end(EndReason.ABANDONED)

    def hang_up(self) -> None:
        """The talk is over."""
        told = self.told
        assert told.answered_at
        told.talk = (self.time.now - told.answered_at).total_seconds()
        for person in self.week.people.values():
            if person.busy == self.call_id:
                person.busy = ""
        self.end(EndReason.COMPLETED)
        self.week.pages.talked(told)

    def end(self, reason: EndReason) -> None:
        """It is over, once."""
        told = self.told
        if told.end or (told.answered_at and reason is not EndReason.COMPLETED):
            return
        waited = ((told.answered_at or self.time.now) - self.began).total_seconds()
        rings = told.rings if told.answered_at else int(waited // self.plan.ring_seconds) + 1
        told.end, told.ended_at = reason.value, self.time.now
        self.bridge.say(CallEnded(self.call_id, reason, rings, waited, told.talk, self.time.now))
        if told.promises and self.dice.random() < 0.8:
            self.time.after(self.dice.uniform(60, 900), lambda: self.week.pages.see_to(told))
        if told.is_missed and told.number and self.again < 3 and self.dice.random() < 0.4:
            again = self.again + 1
            self.time.after(
                self.dice.uniform(40, 5000),
                lambda: self.week.ring_once_more(told.number, self.dice.choice(self.week.lines), again),
            )


class Ours:
    """A call of ours that the desk has asked the bridge for, or whose telephone has dialled itself (`waits`)."""

    def __init__(self, week: Week, call_id: str, login: str, number: str, line: str, *, waits: bool = False) -> None:
        self.week, self.time, self.dice, self.bridge = week, week.time, week.dice, week.bridge
        self.call_id, self.login = call_id, login
        self.extension = week.office.extensions[login]
        week.people[login].busy = call_id
        self.told = week.book.add(Told(call_id, "out", line, number, self.time.now, holder=login))
        if not waits and self.dice.random() < 0.08:
            self.time.after(8, lambda: self.end(EndReason.ABANDONED, 0))
            return
        self.bridge.say(CallPlaced(call_id, self.extension, f"tel:{number}", line, self.time.now))
        self.time.after(3, self.client_rings)

    def client_rings(self) -> None:
        """His own telephone was picked up; the client's rings."""
        self.bridge.say(ClientRinging(self.call_id, False, self.time.now))
        if self.dice.random() < 0.7:
            self.time.after(self.dice.uniform(2, 20), self.answer)
        else:
            self.time.after(25, lambda: self.end(EndReason.NO_ANSWER, 5))

    def answer(self) -> None:
        """The client speaks."""
        told = self.told
        told.answered_at, told.answered_by, told.rings = self.time.now, self.login, 2
        told.had.append(self.login)
        waited = (self.time.now - told.offered_at).total_seconds()
        self.bridge.say(CallAnswered(self.call_id, self.extension, 2, waited, self.time.now))
        length = 0.5 if self.dice.random() < 0.15 else min(self.dice.expovariate(1 / 120) + 5, 900)
        self.time.after(length, lambda: self.end(EndReason.COMPLETED, 2))

    def end(self, reason: EndReason, rings: int) -> None:
        """It is over."""
        told, now = self.told, self.time.now
        told.end, told.ended_at, told.rings = reason.value, now, rings
        told.talk = (now - told.answered_at).total_seconds() if told.answered_at else 0.0
        waited = ((told.answered_at or now) - told.offered_at) / timedelta(seconds=1)
        self.bridge.say(CallEnded(self.call_id, reason, rings, waited, told.talk, now))
        self.week.people[self.login].busy = ""
        self.week.pages.talked(told)
