"""One caller's call until a manager has it: the plan, its steps and the ring policy. Pure, see `sipbridge.machine`.

Times are seconds since the caller got 180 Ringing. The policy (D19-D22, D26): ring k lasts `ring_seconds`. A
manager who picks up is joined no earlier than the start of the configured ring, since lifting on the first one
startles. When that ring ends and nobody took the call, the caller hears the greeting, and a menu if there is
one, while the plan's steps ring on. When the plan is played to its end the caller hears the apology, may leave
a message, and is hung up on; the desk makes the promise.
"""

from __future__ import annotations

import math

from sipbridge.events import (
    CallAnswered,
    CallOffered,
    EndReason,
    GreetingStarted,
    LegEnd,
    LegRinging,
    MenuChosen,
    Mode,
    Plan,
    PlanChosen,
    Step,
)
from sipbridge.farewell import Farewell
from sipbridge.machine import MOMENT, Agenda, Machine
from sipbridge.moves import (
    CALLER,
    Action,
    AnswerCaller,
    CallBroken,
    CallerLeft,
    HangUpCaller,
    Input,
    KeyPressed,
    PhoneAnswered,
    PhoneEnded,
    PhoneRang,
    PlanArrived,
    RedirectCaller,
    Redirected,
    RejectCaller,
    Sound,
    SoundPlayed,
)
from sipbridge.phone import PhoneState
from sipbridge.reception import Reception

PLAN_WAIT = 0.3
"""Seconds the desk has to name a plan; then the standing plan is followed."""

WATCH_LIMIT = 180.0
"""Seconds a watched call may ring before its own place in the ring group is given up."""

REDIRECT_LIMIT = 5.0


class Call(Machine):
    """The state of one inbound call. `standing` is followed when the desk is silent."""

    def __init__(self, offered: CallOffered, standing: Plan) -> None:
        number, name = offered.caller_number, offered.caller_name
        super().__init__(offered.call_id, offered.line, number, (number, name), offered.offered_at, standing.hold_music)
        self.offered = offered
        self._standing = standing
        self._plan: Plan | None = None
        self._mode = Mode.BRIDGE
        self._redirect_until = math.inf
        self._steps: tuple[Step, ...] = ()
        self._step = -1
        self._step_ends = math.inf
        self._taker: int | None = None  # the telephone that picked up
        self._join_at = math.inf
        self._reception = Reception(self)
        self._farewell: Farewell | None = None

    def begin(self) -> list[Action]:
        """The first thing to do: the news to the desk. The 180 went out when the call came (`Bridge.on_call`)."""
        self._out = []
        self.emit(self.offered)
        return self._out

    def react(self, happened: Input, now: float) -> None:
        if self.talk_heard(happened, now) or (self._farewell is not None and self._farewell.react(happened, now)):
            return
        match happened:
            case PlanArrived(plan):
                if self._plan is None:
                    self._choose(plan, standing=False, now=now)
            case PhoneRang(key):
                self.phones[key].rang = True
            case PhoneAnswered(key):
                if not self.answered_late(key):
                    self._phone_answered(key, now)
            case PhoneEnded(key, reason):
                self._phone_ended(key, reason, now)
            case KeyPressed(party, key):
                if party == CALLER:
                    self._choose_from_menu(key, now)
            case SoundPlayed(number, _):
                self._reception.played(number, now)
            case Redirected(done):
                self._redirected(done, now)
            case CallerLeft(elsewhere):
                self._caller_left(elsewhere, now)
            case CallBroken(caller_is_gone):
                self.end(EndReason.FAILED, now, caller_is_gone=caller_is_gone)

    @property
    def state(self) -> str:
        if self.over:
            return "over"
        if self._farewell is not None:
            return self._farewell.state
        if self.talk is not None:
            return self.talk.state
        return "greeting" if self.answered else "ringing"

    def agenda(self) -> Agenda:
        plan = self._plan
        if self._farewell is not None:
            return self._farewell.agenda()
        if plan is None:
            return [(PLAN_WAIT, self._follow_standing)]
        ring_starts = (plan.answer_on_ring - 1) * plan.ring_seconds
        ring_ends = plan.answer_on_ring * plan.ring_seconds
        if self._mode is Mode.WATCH:
            return [(WATCH_LIMIT, self._give_up_watching)]
        if self._mode is Mode.REDIRECT:
            asked = self._redirect_until < math.inf
            return [(self._redirect_until, self._bridge)] if asked else [(ring_starts, self._redirect)]
        agenda = self._reception.agenda()
        if self._taker is not None:
            agenda.append((self._join_at, self._join))
        elif self.somebody_is_rung:
            agenda.append((self._step_ends, self._step_over))
            if not self.answered:
                agenda.append((ring_ends, self._greet))
        elif not self.answered:
            # Nobody on duty: the caller is greeted as on any day. All refused: nothing left to wait for.
            agenda.append((ring_starts, self.apologise) if plan.steps else (ring_ends, self._greet))
        return agenda

    @property
    def somebody_is_rung(self) -> bool:
        """Whether the plan's steps are not over."""
        return self._step < len(self._steps)

    # The plan and its steps.

    def _follow_standing(self, now: float) -> None:
        self._choose(self._standing, standing=True, now=now)

    def _choose(self, plan: Plan, *, standing: bool, now: float) -> None:
        self._plan, self._mode, self._steps = plan, plan.mode, plan.steps
        self.hold_music = plan.hold_music
        self.tape.want(plan.record)
        extensions = tuple(extension for step in plan.steps for extension in step.extensions)
        self.emit(PlanChosen(self.call_id, standing, extensions, self.at(now)))
        if plan.mode is Mode.BRIDGE or (plan.mode is Mode.REDIRECT and not plan.steps):
            self._bridge(now)

    def _bridge(self, now: float) -> None:
        self._mode = Mode.BRIDGE
        self._next_step(now)

    def _step_over(self, now: float) -> None:
        for key in self.ringing():
            self.drop(key, LegEnd.NO_ANSWER, now)
        self._next_step(now)

    def _next_step(self, now: float, ringing_on: tuple[str, ...] = ()) -> None:
        self._step += 1
        if self._step >= len(self._steps):
            self._step_ends = math.inf
            if self.answered:
                self._reception.nobody_left(now)
            return
        step = self._steps[self._step]
        self._step_ends = now + step.seconds
        for extension in step.extensions:
            if extension not in ringing_on:
                self.ring(extension, told=True)
                self.emit(LegRinging(self.call_id, extension, self._step, self.at(now)))

    def _phone_answered(self, key: int, now: float) -> None:
        self.phones[key].state = PhoneState.TAKEN
        self._taker = key
        for other in self.ringing():
            self.drop(other, LegEnd.CANCELLED, now, taken=True)
        self._join_at = now
        if not self.answered and self._plan is not None:
            self._join_at = max(now, (self._plan.answer_on_ring - 1) * self._plan.ring_seconds)
        if self._join_at > now + MOMENT:
            self.play(Sound.RINGBACK, party=key)  # who lifted early hears what the caller hears

    def _phone_ended(self, key: int, reason: LegEnd, now: float) -> None:
        was, self.phones[key].state = self.phones[key].state, PhoneState.ENDED
        if was is PhoneState.TAKEN:  # picked up and left before the configured ring: as good as a refusal
            self._taker = None
            self.tell_leg_ended(key, LegEnd.REJECTED, now)
            self._next_step(now)
        elif was is PhoneState.RINGING:
            self.tell_leg_ended(key, reason, now)
            if not self.ringing():
                self._next_step(now)

    # What the caller hears.

    def _greet(self, now: float) -> None:
        assert self._plan is not None  # noqa: S101 greeted by the plan's ring
        self._answer_caller()
        rings = min(self.wait(now)[0], self._plan.answer_on_ring)
        self.emit(GreetingStarted(self.call_id, rings, round(now, 3), self.at(now)))
        self._reception.greet(self._plan, now)

    def _choose_from_menu(self, digit: str, now: float) -> None:
        if self._plan is None or self._taker is not None:
            return
        choice = self._reception.choice(self._plan, digit, now)
        if choice is None:
            return
        self.emit(MenuChosen(self.call_id, digit, self.at(now)))
        first = choice.steps[0].extensions if choice.steps else ()
        for key in self.ringing():
            if self.phones[key].extension not in first:
                self.drop(key, LegEnd.CANCELLED, now)
        ringing_on = tuple(self.phones[key].extension for key in self.ringing())
        self._steps, self._step = choice.steps, -1
        self._next_step(now, ringing_on)
        if self._farewell is None:
            self._reception.ring(now)

    def apologise(self, now: float) -> None:
        """The plan is played to its end."""
        assert self._plan is not None  # noqa: S101 the plan is at its end
        self.fix_wait(now)
        self._answer_caller()
        self._reception.stop()
        reason = EndReason.NO_ANSWER if self.talk is None else EndReason.COMPLETED
        self._farewell = Farewell(self, self._plan.apology, self._plan.message_seconds, reason, now)

    def _answer_caller(self) -> None:
        if not self.answered:
            self.answered = True
            self.do(AnswerCaller())

    # The talk.

    def _join(self, now: float) -> None:
        assert self._taker is not None and self._plan is not None  # noqa: S101 a manager picked up
        self._reception.forget()
        self._answer_caller()
        self.begin_talk(self._taker, self._plan.notice, self._plan.pause_keys, now)

    def talk_begins(self, now: float) -> None:
        assert self.talk is not None  # noqa: S101 it says so itself
        rings, seconds = self.fix_wait(now)
        self.phones[self._taker or 0].told = False
        self.emit(CallAnswered(self.call_id, self.talk.extension, rings, seconds, self.at(now)))

    def lost_before_talk(self, now: float) -> None:
        assert self._taker is not None  # noqa: S101 who was lost
        key, self._taker, self.talk, self._wait_ended = self._taker, None, None, None
        self.tell_leg_ended(key, LegEnd.REJECTED, now)
        self._reception.ring(now)
        self._next_step(now)

    def nobody_left(self, now: float) -> None:
        self.apologise(now)

    # Other ways to stand in an office.

    def _give_up_watching(self, now: float) -> None:
        self.end(EndReason.NO_ANSWER, now)

    def _redirect(self, now: float) -> None:
        self._redirect_until = now + REDIRECT_LIMIT
        self.do(RedirectCaller(self._steps[0].extensions))

    def _redirected(self, done: bool, now: float) -> None:
        if self._mode is not Mode.REDIRECT:
            return
        if done:
            self.end(EndReason.REDIRECTED, now, caller_is_gone=True)
        else:
            self._bridge(now)

    # How it ends.

    def hang_up(self, now: float) -> None:
        if self._farewell is None:
            self.end(EndReason.COMPLETED if self.talking else EndReason.REJECTED, now)
        else:
            self._farewell.react(CallBroken(), now)

    def release_caller(self) -> None:
        self.do(HangUpCaller() if self.answered else RejectCaller())

    def _caller_left(self, elsewhere: bool, now: float) -> None:
        if self.talking:
            reason = EndReason.COMPLETED
        elif elsewhere:
            reason = EndReason.ANSWERED_ELSEWHERE
        else:
            reason = EndReason.ABANDONED
        self.end(reason, now, caller_is_gone=True)

    def wait(self, now: float) -> tuple[int, float]:
        """Without a plan nobody knows how long a ring is, and it is the first."""
        rings = 1 if self._plan is None else int((now + MOMENT) / self._plan.ring_seconds) + 1
        return rings, round(now, 3)
