"""One caller's call: its states and the ring policy. Pure: no sockets, no threads, no clock of its own.

Feed `Call.handle` what happened and when; it returns what to do, in order. Times are seconds since the
caller got 180 Ringing, so that a step of the machine's clock never bends a call; events carry
`offered_at` plus those seconds. `Call.next_deadline` says when to come back with `TimePassed` at the latest.

The policy (D19-D22, D26): ring k lasts `ring_seconds`. A manager who picks up is joined no earlier than
the start of the configured ring, since lifting on the first one startles. When that ring ends and nobody
took the call, the caller hears the greeting while the plan's steps ring on. When the plan is played to
its end the caller hears the apology and is hung up on; the desk makes the promise.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    CallOffered,
    EndReason,
    Event,
    GreetingStarted,
    LegEnd,
    LegEnded,
    LegRinging,
    Plan,
    PlanChosen,
)
from sipbridge.moves import (
    Action,
    AnswerCaller,
    CallBroken,
    CallerLeft,
    CancelLeg,
    Emit,
    HangUpCaller,
    HangUpLeg,
    Input,
    Join,
    LetWait,
    PhoneAnswered,
    PhoneEnded,
    PlanArrived,
    Play,
    RejectCaller,
    RingPhone,
    Sound,
    SoundPlayed,
    StartRecording,
    StopPlaying,
    StopRecording,
    TimePassed,
)

PLAN_WAIT = 0.3
"""Seconds the desk has to name a plan; then the standing plan is followed."""

SOUND_LIMIT = 120.0
"""Seconds after which a greeting or apology counts as played, whatever the media side says."""

MOMENT = 1e-6  # a deadline reached within a microsecond is reached


class _Phone(enum.Enum):
    RINGING = enum.auto()
    TAKING = enum.auto()  # picked up: waits for the configured ring, or talks
    DROPPED = enum.auto()  # we asked it to stop, its end is not reported yet
    ENDED = enum.auto()


@dataclass(slots=True)
class _Leg:
    extension: str
    step: int
    state: _Phone = _Phone.RINGING


class Call:
    """The state of one call. `standing` is followed when the desk is silent."""

    def __init__(self, offered: CallOffered, standing: Plan) -> None:
        self.offered = offered
        self.over = False
        self._standing = standing
        self._plan: Plan | None = None
        self._legs: dict[int, _Leg] = {}
        self._step = -1
        self._step_ends = math.inf
        self._taker: int | None = None  # the leg that picked up
        self._join_at = math.inf
        self._caller_answered = False
        self._talk_since: float | None = None
        self._wait_ended: tuple[int, float] | None = None  # rings and seconds, fixed when the wait is over
        self._playing: Sound | None = None
        self._sound_number = 0
        self._sound_limit = math.inf
        self._out: list[Action] = []

    def begin(self) -> list[Action]:
        """The first thing to do: the news to the desk. The 180 went out when the call came (`Bridge.on_call`)."""
        self._out = [Emit(self.offered)]
        return self._out

    def handle(self, happened: Input, now: float) -> list[Action]:
        """What to do after `happened` at `now` (seconds since the 180), with everything due by then."""
        self._out = []
        match happened:
            case PlanArrived(plan):
                if self._plan is None and not self.over:
                    self._choose(plan, standing=False, now=now)
            case PhoneAnswered(leg):
                self._phone_answered(leg, now)
            case PhoneEnded(leg, reason):
                self._phone_ended(leg, reason, now)
            case CallerLeft(elsewhere):
                self._caller_left(elsewhere, now)
            case CallBroken(caller_is_gone):
                self._end(EndReason.FAILED, now, caller_is_gone=caller_is_gone)
            case SoundPlayed(number):
                if number == self._sound_number and self._playing is not None:
                    self._sound_over(now)
            case TimePassed():
                pass
        self._settle(now)
        return self._out

    @property
    def next_deadline(self) -> float | None:
        """Seconds since the 180 when something falls due, None when only others can move the call."""
        return min((at for at, _ in self._agenda()), default=None)

    @property
    def talking(self) -> bool:
        """Whether a manager and the caller hear each other."""
        return self._talk_since is not None and not self.over

    # What falls due by itself.

    def _agenda(self) -> list[tuple[float, Callable[[float], None]]]:
        """Everything that waits for its moment, and what to do then."""
        if self.over or self._talk_since is not None:
            return []
        plan = self._plan
        if plan is None:
            return [(PLAN_WAIT, self._follow_standing)]
        agenda: list[tuple[float, Callable[[float], None]]] = []
        if self._playing in (Sound.GREETING, Sound.APOLOGY):
            agenda.append((self._sound_limit, self._sound_over))
        ring_starts = (plan.answer_on_ring - 1) * plan.ring_seconds
        ring_ends = plan.answer_on_ring * plan.ring_seconds
        if self._taker is not None:
            agenda.append((self._join_at, self._join))
        elif self._step < len(plan.steps):
            agenda.append((self._step_ends, self._step_over))
            if not self._caller_answered:
                agenda.append((ring_ends, self._greet))
        elif not self._caller_answered:
            # Nobody on duty: the caller is greeted as on any day. All refused: nothing left to wait for.
            agenda.append((ring_starts, self._apologise) if plan.steps else (ring_ends, self._greet))
        return agenda

    def _settle(self, now: float) -> None:
        while due := [item for item in self._agenda() if item[0] <= now + MOMENT]:
            min(due, key=lambda item: item[0])[1](now)

    # The plan and its steps.

    def _follow_standing(self, now: float) -> None:
        self._choose(self._standing, standing=True, now=now)

    def _choose(self, plan: Plan, *, standing: bool, now: float) -> None:
        self._plan = plan
        extensions = tuple(extension for step in plan.steps for extension in step.extensions)
        self._emit(PlanChosen(self.offered.call_id, standing, extensions, self._at(now)))
        self._next_step(now)

    def _step_over(self, now: float) -> None:
        for key in self._ringing():
            self._drop(key, LegEnd.NO_ANSWER, now)
        self._next_step(now)

    def _next_step(self, now: float) -> None:
        assert self._plan is not None  # noqa: S101 steps exist once a plan is chosen
        self._step += 1
        if self._step >= len(self._plan.steps):
            self._step_ends = math.inf
            if self._caller_answered and self._playing is not Sound.GREETING:
                self._apologise(now)
            return
        step = self._plan.steps[self._step]
        self._step_ends = now + step.seconds
        for extension in step.extensions:
            key = len(self._legs)
            self._legs[key] = _Leg(extension, self._step)
            self._out.append(RingPhone(key, extension))
            self._emit(LegRinging(self.offered.call_id, extension, self._step, self._at(now)))

    def _phone_answered(self, key: int, now: float) -> None:
        leg = self._legs[key]
        if leg.state is _Phone.DROPPED:  # the answer crossed our cancel on the wire
            leg.state = _Phone.ENDED
            self._out.append(HangUpLeg(key))
        elif leg.state is _Phone.RINGING:
            leg.state = _Phone.TAKING
            self._taker = key
            for other in self._ringing():
                self._drop(other, LegEnd.CANCELLED, now, taken=True)
            self._join_at = now
            if not self._caller_answered and self._plan is not None:
                self._join_at = max(now, (self._plan.answer_on_ring - 1) * self._plan.ring_seconds)
            if self._join_at > now + MOMENT:
                self._out.append(LetWait(key))

    def _phone_ended(self, key: int, reason: LegEnd, now: float) -> None:
        leg = self._legs[key]
        was, leg.state = leg.state, _Phone.ENDED
        if was is _Phone.TAKING and self._talk_since is not None:
            self._end(EndReason.COMPLETED, now)
        elif was is _Phone.TAKING:  # picked up and left before the configured ring: as good as a refusal
            self._taker = None
            self._emit(LegEnded(self.offered.call_id, leg.extension, LegEnd.REJECTED, self._at(now)))
            self._next_step(now)
        elif was is _Phone.RINGING:
            self._emit(LegEnded(self.offered.call_id, leg.extension, reason, self._at(now)))
            if not self._ringing():
                self._next_step(now)

    # What the caller hears.

    def _greet(self, now: float) -> None:
        assert self._plan is not None  # noqa: S101 greeted by the plan's ring
        self._answer_caller()
        rings = min(self._rings(now), self._plan.answer_on_ring)
        self._emit(GreetingStarted(self.offered.call_id, rings, round(now, 3), self._at(now)))
        self._play(Sound.GREETING, self._plan.greeting, now)

    def _sound_over(self, now: float) -> None:
        played, self._playing = self._playing, None
        if played is Sound.APOLOGY:
            self._end(EndReason.NO_ANSWER, now)
        elif self._plan is not None and self._step < len(self._plan.steps):
            self._play(Sound.RINGBACK, "", now)
        else:
            self._apologise(now)

    def _apologise(self, now: float) -> None:
        assert self._plan is not None  # noqa: S101 the plan is at its end
        self._fix_wait(now)
        self._answer_caller()
        self._stop_playing()
        self._emit(ApologyStarted(self.offered.call_id, self._at(now)))
        self._play(Sound.APOLOGY, self._plan.apology, now)

    def _join(self, now: float) -> None:
        assert self._taker is not None and self._plan is not None  # noqa: S101 a manager picked up
        self._stop_playing()
        self._answer_caller()
        self._out.append(Join(self._taker))
        if self._plan.record:
            self._out.append(StartRecording(self._taker))
        self._talk_since = now
        rings, seconds = self._fix_wait(now)
        extension = self._legs[self._taker].extension
        self._emit(CallAnswered(self.offered.call_id, extension, rings, seconds, self._at(now)))

    def _answer_caller(self) -> None:
        if not self._caller_answered:
            self._caller_answered = True
            self._out.append(AnswerCaller())

    def _play(self, sound: Sound, name: str, now: float) -> None:
        self._sound_number += 1
        self._sound_limit = now + SOUND_LIMIT
        self._playing = sound
        if name or sound is Sound.RINGBACK:
            self._out.append(Play(self._sound_number, sound, name))
        else:
            self._sound_over(now)

    def _stop_playing(self) -> None:
        if self._playing is not None:
            self._playing = None
            self._out.append(StopPlaying())

    # How it ends.

    def _caller_left(self, elsewhere: bool, now: float) -> None:
        if self._talk_since is not None:
            reason = EndReason.COMPLETED
        elif elsewhere:
            reason = EndReason.ANSWERED_ELSEWHERE
        elif self._playing is Sound.APOLOGY:  # the plan was at its end and the promise is made
            reason = EndReason.NO_ANSWER
        else:
            reason = EndReason.ABANDONED
        self._end(reason, now, caller_is_gone=True)

    def _end(self, reason: EndReason, now: float, *, caller_is_gone: bool = False) -> None:
        if self.over:
            return
        self.over = True
        rings, seconds = self._fix_wait(now)
        self._stop_playing()
        for key in self._ringing():
            self._drop(key, LegEnd.CANCELLED, now)
        if self._taker is not None:
            self._release(self._taker, now)
        if not caller_is_gone:
            self._out.append(HangUpCaller() if self._caller_answered else RejectCaller())
        talk = 0.0 if self._talk_since is None else round(max(0.0, now - self._talk_since), 3)
        self._emit(CallEnded(self.offered.call_id, reason, rings, seconds, talk, self._at(now)))
        if self._talk_since is not None and self._plan is not None and self._plan.record:
            self._out.append(StopRecording())

    def _release(self, key: int, now: float) -> None:
        leg = self._legs[key]
        if leg.state is _Phone.TAKING:
            leg.state = _Phone.ENDED
            self._out.append(HangUpLeg(key))
            if self._talk_since is None:
                self._emit(LegEnded(self.offered.call_id, leg.extension, LegEnd.CANCELLED, self._at(now)))

    def _drop(self, key: int, reason: LegEnd, now: float, *, taken: bool = False) -> None:
        leg = self._legs[key]
        leg.state = _Phone.DROPPED
        self._out.append(CancelLeg(key, taken))
        self._emit(LegEnded(self.offered.call_id, leg.extension, reason, self._at(now)))

    def _ringing(self) -> list[int]:
        return [key for key, leg in self._legs.items() if leg.state is _Phone.RINGING]

    def _fix_wait(self, now: float) -> tuple[int, float]:
        if self._wait_ended is None:
            self._wait_ended = (self._rings(now), round(now, 3))
        return self._wait_ended

    def _rings(self, now: float) -> int:
        """Rings begun by `now`; without a plan nobody knows their length, and it is the first."""
        return 1 if self._plan is None else int((now + MOMENT) / self._plan.ring_seconds) + 1

    def _at(self, now: float) -> datetime:
        return self.offered.offered_at + timedelta(seconds=now)

    def _emit(self, event: Event) -> None:
        self._out.append(Emit(event))
