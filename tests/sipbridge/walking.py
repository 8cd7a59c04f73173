"""A call's machine walked by hand: deadlines kept as the bridge keeps them, and ears for everybody in the call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from sipbridge.call import Call
from sipbridge.events import CallEnded, CallHeld, CallOffered, Command, Dial, Event, HeldBy, Plan, Step
from sipbridge.machine import Machine
from sipbridge.moves import (
    CALLER,
    LOOPED,
    Action,
    CallerAnswered,
    CancelLeg,
    DialCaller,
    DiscardRecording,
    Emit,
    HangUpCaller,
    HangUpLeg,
    HearEarly,
    Input,
    Join,
    Ordered,
    PhoneAnswered,
    Play,
    RejectCaller,
    RingPhone,
    Sound,
    SoundPlayed,
    StartRecording,
    StopPlaying,
    StopRecording,
    Tap,
    TimePassed,
)
from sipbridge.phone import PhoneState
from sipbridge.placed import Placed

OFFERED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OFFERED = CallOffered("c1", "desk", "+74951234567", "Orlova", "desk", OFFERED_AT)
ANNA, BORIS, VERA = "sip:anna@10.0.0.1", "sip:boris@10.0.0.2", "sip:vera@10.0.0.3"
RINGS_LONG = Plan((Step((ANNA,), 60.0),), 1, 60.0, "hello.wav", "sorry.wav", False)
DIAL = Dial("c2", ANNA, "tel:+74957654321", "desk", "+74951110000", True, "", "hold.wav", 30.0)

E = TypeVar("E", bound=Event)


class Walk:
    """`hears` says what each party hears: a sound, another party, or nothing (None or no entry)."""

    def __init__(self, call: Call | Placed) -> None:
        self.call: Machine = call
        self.now = 0.0
        self.done: list[tuple[float, Action]] = []
        self.hears: dict[int, Sound | int | None] = {}
        self.playing: dict[int, int] = {}
        self.taped: int | None = None
        self.tape_runs = False
        self._commands = 0
        self._note(call.begin())

    def feed(self, happened: Input) -> list[Action]:
        """The actions that are no news."""
        if isinstance(happened, SoundPlayed):
            self.hears.update(dict.fromkeys((p for p, n in self.playing.items() if n == happened.number), None))
        return [a for a in self._note(self.call.handle(happened, self.now)) if not isinstance(a, Emit)]

    def order(self, command: Command) -> list[Action]:
        self._commands += 1
        return self.feed(Ordered(f"o{self._commands}", command))

    def _note(self, actions: list[Action]) -> list[Action]:
        self.done += [(self.now, action) for action in actions]
        for action in actions:
            match action:
                case Play(number, sound, _, party):
                    self._part(party)
                    self.hears[party], self.playing[party] = sound, number
                case StopPlaying(party):
                    self._part(party)
                    self.hears[party] = None
                case Join(leg, other):
                    self._part(leg)
                    self._part(other)
                    self.hears[leg], self.hears[other] = other, leg
                case HearEarly(leg, other):
                    self._part(leg)
                    self._part(other)
                    self.hears[other] = leg
                    assert self.call.phones[leg].state is PhoneState.RINGING
                case HangUpLeg(leg) | CancelLeg(leg):
                    self._part(leg)
                    self.hears.pop(leg, None)
                case StartRecording(leg):
                    self.taped, self.tape_runs = leg, True
                case Tap(leg):
                    assert self.tape_runs
                    self.taped = leg
                case StopRecording() | DiscardRecording():
                    assert self.tape_runs
                    self.taped, self.tape_runs = None, False
        return actions

    def _part(self, party: int) -> None:
        other = self.hears.get(party)
        if isinstance(other, int) and self.hears.get(other) == party:
            self.hears[other] = None

    def gone(self, party: int) -> None:
        """This party's leg is no more."""
        self._part(party)
        self.hears.pop(party, None)

    def until(self, moment: float) -> None:
        """Let time pass, stopping at every deadline on the way."""
        while (due := self.call.next_deadline) is not None and due <= moment:
            self.now = max(self.now, due)
            self.feed(TimePassed())
        self.now = moment

    def after(self, seconds: float) -> None:
        self.until(self.now + seconds)

    def sound_ends(self, party: int = CALLER, *, heard: bool = True) -> None:
        """What plays for this party is over."""
        self.feed(SoundPlayed(self.playing[party], heard))

    @property
    def events(self) -> list[Event]:
        return [action.event for _, action in self.done if isinstance(action, Emit)]

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def of(self, wanted: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, wanted)]

    def last(self, wanted: type[E]) -> E:
        return self.of(wanted)[-1]

    @property
    def ended(self) -> CallEnded:
        assert self.call.over
        (only,) = self.of(CallEnded)
        return only

    def check(self) -> None:
        """What must hold between any two inputs."""
        call, phones = self.call, self.call.phones
        if self.taped is not None:
            assert self.hears.get(CALLER) == self.taped and self.hears.get(self.taped) == CALLER, "a taped talk is one"
        if call.over:
            assert not self.tape_runs
            assert all(p.state in (PhoneState.DROPPED, PhoneState.ENDED) for p in phones.values())
            assert self.events.count(self.ended) == 1
            return
        for party, heard in self.hears.items():
            if isinstance(heard, int) and party != CALLER:
                assert phones[party].state is PhoneState.TAKEN, "only who picked up hears anybody"
        by_caller = call.state == "held" and self.last(CallHeld).by is HeldBy.CALLER
        silent_by_right = call.state in ("message", "notice", "joined") or by_caller or not call.answered
        assert silent_by_right or self.hears.get(CALLER) is not None, f"the caller hears nothing while {call.state}"

    def check_whole(self) -> None:
        """What must hold when all is over."""
        actions = [action for _, action in self.done]
        rung = {a.leg for a in actions if isinstance(a, RingPhone)}
        assert rung == set(self.call.phones)
        dialled = any(isinstance(a, DialCaller) for a in actions)
        ends = sum(isinstance(a, HangUpCaller | RejectCaller) for a in actions)
        assert ends <= 1
        assert not (self.call.direction == "out" and ends) or dialled, "nobody is hung up on who was not called"
        times = [moment for moment, _ in self.done]
        assert times == sorted(times)


def talk(*, record: bool = False, **more: object) -> Walk:
    """An inbound call that Anna took at once; her telephone is 0."""
    plan = Plan(RINGS_LONG.steps, 1, 60.0, "hello.wav", "sorry.wav", record, **more)  # type: ignore[arg-type]
    walk = Walk(Call(OFFERED, plan))
    walk.until(0.5)
    walk.feed(PhoneAnswered(0))
    return walk


def placed_talk(dial: Dial = DIAL) -> Walk:
    """An outbound call in which both have picked up."""
    walk = Walk(Placed(dial, OFFERED_AT))
    walk.until(2.0)
    walk.feed(PhoneAnswered(0))
    walk.until(9.0)
    walk.feed(CallerAnswered())
    return walk


__all__ = ["ANNA", "BORIS", "DIAL", "LOOPED", "OFFERED", "OFFERED_AT", "VERA", "Walk", "placed_talk", "talk"]
