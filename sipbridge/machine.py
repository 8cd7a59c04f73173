"""What the machines of inbound and outbound calls share: telephones by number, the order of a turn, the end.

Pure: no sockets, no threads, no clock of its own. Feed `handle` what happened and when; it returns what to do,
in order. Times are seconds since the call began, so that a step of the machine's clock never bends a call;
events carry `began_at` plus those seconds. `next_deadline` says when to come back with `TimePassed` at the latest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta

from sipbridge.events import CallEnded, CommandRefused, EndReason, Event, ForbidRecording, HangUp, LegEnd, LegEnded
from sipbridge.moves import (
    CALLER,
    Action,
    CancelLeg,
    Emit,
    HangUpCaller,
    HangUpLeg,
    Input,
    Ordered,
    PhoneAnswered,
    Play,
    RecordingBroke,
    RingPhone,
    Sound,
)
from sipbridge.phone import Phone, PhoneState
from sipbridge.talk import Talk
from sipbridge.tape import Tape

MOMENT = 1e-6  # a deadline reached within a microsecond is reached

Agenda = list[tuple[float, Callable[[float], None]]]


class Machine(ABC):
    """One call of one caller. `Call` and `Placed` say how it comes to a talk."""

    answered = False
    """Whether the caller's leg is more than ringing: hung up on, not refused."""

    direction = "in"
    internal = False
    """Whether a manager speaks with a colleague: the desk is told nothing of it."""

    def __init__(
        self, call_id: str, line: str, number: str, shown: tuple[str, str], began_at: datetime, hold_music: str
    ) -> None:
        self.call_id, self.line, self.began_at = call_id, line, began_at
        self.number = number
        """The caller's."""
        self.shown = shown
        """The number and the name that telephones we ring show."""
        self.over = False
        self.phones: dict[int, Phone] = {}
        self.hold_music = hold_music
        self.tape = Tape(self)
        self.talk: Talk | None = None
        self.since = 0.0
        """When `state` became what it is."""
        self._wait_ended: tuple[int, float] | None = None  # rings and seconds, fixed when the wait is over
        self._sound_number = 0
        self._out: list[Action] = []

    # One turn.

    def handle(self, happened: Input, now: float) -> list[Action]:
        """What to do after `happened` at `now` (seconds since the call began), with everything due by then."""
        self._out = []
        before = self.state
        match happened:
            case Ordered(command_id, command):
                self._ordered(command_id, command, now)
            case PhoneAnswered(key) if self.over:
                self.answered_late(key)
            case RecordingBroke(why) if not self.over:
                self.tape.broke(why, now)
            case _ if not self.over:
                self.react(happened, now)
        while due := [item for item in self._due() if item[0] <= now + MOMENT]:
            min(due, key=lambda item: item[0])[1](now)
        if self.talk is not None and not self.over:
            self.talk.settle(now)
        if self.state != before:
            self.since = now
        return self._out

    @property
    def next_deadline(self) -> float | None:
        """Seconds since the call began when something falls due, None when only others can move the call."""
        return min((at for at, _ in self._due()), default=None)

    def _due(self) -> Agenda:
        if self.over:
            return []
        return self.talk.agenda() if self.talk is not None and not self.talk.left else self.agenda()

    def _ordered(self, command_id: str, command: object, now: float) -> None:
        why = ""
        if self.over:
            why = "no_call"
        elif isinstance(command, HangUp):
            self.hang_up(now)
        elif isinstance(command, ForbidRecording):
            self.tape.forbid(now)
        else:
            why = self.talk.ordered(command, now) if self.talk is not None and self.talking else "not_now"
        if why:
            self.emit(CommandRefused(self.call_id, command_id, why, self.at(now)))

    # What each kind of call says for itself.

    @abstractmethod
    def react(self, happened: Input, now: float) -> None:
        """Take in an input that is no command."""

    @abstractmethod
    def agenda(self) -> Agenda:
        """Everything that waits for its moment while there is no talk, and what to do then."""

    @property
    @abstractmethod
    def state(self) -> str:
        """A word for the page that shows every call alive."""

    @property
    def extension(self) -> str:
        """Whose telephone has the caller, '' while nobody's."""
        return self.talk.extension if self.talk is not None else ""

    @abstractmethod
    def hang_up(self, now: float) -> None:
        """End the call because the desk says so."""

    @abstractmethod
    def lost_before_talk(self, now: float) -> None:
        """The manager left while both were being told of the recording."""

    @abstractmethod
    def nobody_left(self, now: float) -> None:
        """A transfer failed and so did the recall: the caller is alone."""

    @abstractmethod
    def talk_begins(self, now: float) -> None:
        """Manager and caller hear each other for the first time."""

    # What they have in common.

    @property
    def talking(self) -> bool:
        """Whether the caller has been with a manager, and still is or is being passed on."""
        return self.talk is not None and self.talk.open and not self.talk.left and not self.over

    @property
    def can_be_joined(self) -> bool:
        """Whether its caller can be joined with another call's of the same manager."""
        talk = self.talk
        return talk is not None and self.talking and talk.manager is not None and talk.passing is None

    def ring(self, extension: str, *, told: bool = False, line: str = "") -> int:
        """Ring a telephone; its number."""
        key = len(self.phones)
        self.phones[key] = Phone(extension, told)
        self.do(RingPhone(key, extension, line))
        return key

    def answered_late(self, key: int) -> bool:
        """Whether this answer crossed our cancel on the wire; then it is hung up on."""
        phone = self.phones[key]
        if phone.state is PhoneState.DROPPED:
            self.release(key)
        return phone.state is not PhoneState.RINGING

    def ringing(self) -> list[int]:
        return [key for key, phone in self.phones.items() if phone.state is PhoneState.RINGING]

    def drop(self, key: int, reason: LegEnd, now: float, *, taken: bool = False) -> None:
        """Stop a telephone from ringing."""
        self.phones[key].state = PhoneState.DROPPED
        self.do(CancelLeg(key, taken))
        self.tell_leg_ended(key, reason, now)

    def release(self, key: int) -> None:
        """Hang up on a telephone that had picked up."""
        self.phones[key].state = PhoneState.ENDED
        self.do(HangUpLeg(key))

    def tell_leg_ended(self, key: int, reason: LegEnd, now: float) -> None:
        phone = self.phones[key]
        if phone.told:
            phone.told = False
            self.emit(LegEnded(self.call_id, phone.extension, reason, self.at(now)))

    def talk_heard(self, happened: Input, now: float) -> bool:
        """Let the talk take what concerns it; False when it is not its business."""
        return self.talk is not None and not self.talk.left and self.talk.react(happened, now)

    def begin_talk(self, key: int, notice: str, pause_keys: str, now: float) -> None:
        """The caller and the manager at this telephone belong together from now on."""
        self.tape.pause_keys = pause_keys
        self.talk = Talk(self, key, notice if self.tape.wanted else "", now)
        self.fix_wait(now)

    def end(self, reason: EndReason, now: float, *, caller_is_gone: bool = False) -> None:
        """End the call, once; whatever rings or talks is released."""
        if self.over:
            return
        self.over = True
        rings, seconds = self.fix_wait(now)
        for key in self.ringing():
            self.drop(key, LegEnd.CANCELLED, now)
        for key, phone in self.phones.items():
            if phone.state is PhoneState.TAKEN:
                self.release(key)
                self.tell_leg_ended(key, LegEnd.CANCELLED, now)
        if not caller_is_gone:
            self.release_caller()
        talk = 0.0 if self.talk is None else round(self.talk.seconds(now), 3)
        self.emit(CallEnded(self.call_id, reason, rings, seconds, talk, self.at(now)))
        self.tape.close()

    def release_caller(self) -> None:
        """End the caller's leg, whatever its state."""
        self.do(HangUpCaller())

    def fix_wait(self, now: float) -> tuple[int, float]:
        """The rings and seconds that the caller waited, the same from the first time on."""
        if self._wait_ended is None:
            self._wait_ended = self.wait(now)
        return self._wait_ended

    @abstractmethod
    def wait(self, now: float) -> tuple[int, float]:
        """Rings begun by `now`, and seconds."""

    def play(self, sound: Sound, name: str = "", party: int = CALLER) -> int:
        """Let a party hear a sound; the number its end will carry."""
        self._sound_number += 1
        self.do(Play(self._sound_number, sound, name, party))
        return self._sound_number

    def at(self, now: float) -> datetime:
        return self.began_at + timedelta(seconds=now)

    def emit(self, event: Event) -> None:
        self._out.append(Emit(event))

    def do(self, action: Action) -> None:
        self._out.append(action)
