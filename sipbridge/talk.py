"""What goes on between a caller and managers once one has picked up: told of the recording, talking, held. Pure.

`Talk` decides at the end of every turn what each side hears, from the state alone, and asks for what differs
from before; so no path through the states can leave a caller with the sound of an earlier one.
Passing the caller on is `sipbridge.passing`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sipbridge.asking import Asking
from sipbridge.events import (
    CallTransferred,
    CancelTransfer,
    CompleteTransfer,
    EndReason,
    HeldBy,
    Hold,
    NoticePlayed,
    PauseRecording,
    Resume,
    ResumeRecording,
    Transfer,
)
from sipbridge.holding import Holding
from sipbridge.moves import (
    CALLER,
    HearEarly,
    Input,
    Join,
    JoinedTo,
    KeyPressed,
    PartnerLeft,
    PhoneAnswered,
    PhoneEnded,
    PhoneRang,
    SideHeld,
    SideResumed,
    Sound,
    SoundPlayed,
    StopPlaying,
    TakenOver,
    TransferWanted,
)
from sipbridge.passing import Passing
from sipbridge.phone import Phone, PhoneState

if TYPE_CHECKING:
    from sipbridge.machine import Agenda, Machine

NOTICE_LIMIT = 30.0
"""Seconds after which a notice that nobody reported as heard counts as not heard."""

Hearing = int | Sound | None
"""What a party hears: another party, a looped sound, nothing."""


class Talk:
    """The talk of `call`'s caller with the manager at telephone `manager`, and with whom he passes the caller on to.

    `notice` is the sound file that says the talk is recorded, '' when none is due.
    """

    def __init__(self, call: Machine, manager: int, notice: str, now: float) -> None:
        self.call = call
        self.manager: int | None = manager
        self.extension = call.phones[manager].extension
        self.line = ""
        """Whose account dialled the manager's number, when it is one."""
        self.open = False
        """Whether the two have heard each other."""
        self.left = False
        """Whether the caller is alone, and only the call goes on."""
        self.passing: Passing | None = None
        self.joined = False
        """Whether the caller speaks with another call's caller."""
        self.asking = Asking(call)
        self.holding = Holding(call)
        self._notice = notice
        self._notices: set[int] = set()  # sounds that are not over
        self._notice_until = math.inf
        self._hearing: dict[int, Hearing] = {}
        self._seconds = 0.0
        self._heard_since: float | None = None
        if notice:
            self._notices = {call.play(Sound.NOTICE, notice, party) for party in (CALLER, manager)}
            self._notice_until = now + NOTICE_LIMIT

    @property
    def together(self) -> bool:
        """Whether caller and manager hear each other."""
        return self.open and self.manager is not None and self.passing is None and not self.holding

    @property
    def state(self) -> str:
        """A word for the page that shows every call alive."""
        if not self.open:
            return "notice"
        if self.joined:
            return "joined"
        if self.passing is not None:
            return "consulting" if self.passing.consulting else "transferring"
        return "held" if self.holding else "talking"

    def seconds(self, now: float) -> float:
        """How long the caller and any manager have heard each other."""
        return self._seconds + (0.0 if self._heard_since is None else max(0.0, now - self._heard_since))

    def agenda(self) -> Agenda:
        """Everything that waits for its moment, and what to do then."""
        agenda: Agenda = [(self._notice_until, self._notice_lost)] if self._notices else []
        if self.asking.pending:
            agenda.append((self.asking.until, self.asking.too_late))
        if self.passing is not None:
            agenda.append((self.passing.until, self.passing.too_long))
        return agenda

    # What happens.

    def react(self, happened: Input, now: float) -> bool:
        """Take it in; False when it is not the talk's business."""
        phones = self.call.phones
        match happened:
            case SoundPlayed(number, heard) if number in self._notices:
                self._notice_over(number, heard, now)
            case PhoneRang(key, early_media):
                phones[key].rang, phones[key].speaks = True, phones[key].speaks or early_media
                if self.passing is not None and key == self.passing.key:
                    self.passing.rang()
            case PhoneAnswered(key):
                if not self.call.answered_late(key):
                    phones[key].state = PhoneState.TAKEN
                    if self.passing is not None and key == self.passing.key:
                        self.passing.answered(now)
            case PhoneEnded(key, reason):
                was, phones[key].state = phones[key].state, PhoneState.ENDED
                if key == self.manager:
                    self._manager_left(now)
                elif self.passing is not None and key == self.passing.key and was is not PhoneState.DROPPED:
                    self.passing.lost(reason, now)
            case SideHeld(party):
                self.holding.side(party, True)
            case SideResumed(party):
                self.holding.side(party, False)
            case KeyPressed(party, key) if party == self.manager:
                self.call.tape.pressed(key, now)
            case TransferWanted(key, target, other_call_id):
                self._transfer_wanted(key, target, other_call_id, now)
            case JoinedTo(number):
                self._join_other(number, now)
            case TakenOver(key, extension):
                self._taken_over(key, extension, now)
            case PartnerLeft():
                self.call.end(EndReason.COMPLETED, now)
            case _:
                return False
        return True

    def ordered(self, command: object, now: float) -> str:
        """Obey a command; why not, or '' when it was done."""
        free = self.manager is not None and self.passing is None
        done = True
        match command:
            case Hold() if free:
                self.holding.note(HeldBy.PAGE, True)
            case Resume() if free:
                self.holding.note(HeldBy.PAGE, False)
                self.holding.look_at(self.manager)
                done = not self.holding
            case Transfer(_, target, line, attended, seconds) if free:
                self.holding.note(HeldBy.PAGE, False)
                self.passing = Passing(self, target, line, attended=attended, asked=self.asking.granted())
                self.passing.begin(seconds, now)
            case CompleteTransfer() if self.passing is not None:
                done = self.passing.complete_now(now)
            case CancelTransfer() if self.passing is not None:
                done = self.passing.cancel(now)
            case CancelTransfer() if self.asking.pending:
                self.asking.forbid(now)
            case PauseRecording():
                done = self.call.tape.pause(now)
            case ResumeRecording():
                done = self.call.tape.resume(now)
            case _:
                done = False
        return "" if done else "not_now"

    def _manager_left(self, now: float) -> None:
        leg, self.manager = self.manager, None
        self.asking.granted()
        if not self.open:
            self.call.lost_before_talk(now)
        elif self.passing is not None:
            self.passing.manager_left(now)
        elif self.asking.just_refused(leg, now):
            self.passing = Passing(self, self.extension, self.line, attended=False, asked=False)
            self.passing.recall(now)
        else:
            self.call.end(EndReason.COMPLETED, now)

    def taken_by(self, key: int, extension: str, line: str) -> None:
        """The caller is with the manager at this telephone from now on."""
        self.manager, self.extension, self.line = key, extension, line
        self.passing = None

    def leave(self, now: float) -> None:
        """Nobody could be had for the caller: the talk is over, the call goes on."""
        self.passing, self.left = None, True
        self.call.tape.close()
        self.call.nobody_left(now)

    # Told of the recording.

    def _notice_over(self, number: int, heard: bool, now: float) -> None:
        self._notices.discard(number)
        if not heard:
            self._notice_lost(now)
        elif not self._notices:
            self.call.emit(NoticePlayed(self.call.call_id, self._notice, self.call.at(now)))

    def _notice_lost(self, now: float) -> None:
        """Who was not told is not recorded."""
        self._notices.clear()
        self.call.tape.forbid(now)
        self.call.tape.tell_stopped("forbidden", now)

    # Passed on by telephones, or joined.

    def _transfer_wanted(self, key: int, target: str, other_call_id: str, now: float) -> None:
        busy = not self.open or key != self.manager or self.passing is not None or self.asking.pending
        if busy or (self.call.internal and not other_call_id):
            self.asking.refuse(key, 603, "Decline", now)
        else:
            self.asking.ask(key, self.extension, target, other_call_id, now)

    def _join_other(self, number: str, now: float) -> None:
        self.asking.done()
        self.joined = True
        self.call.tape.close()
        if self.manager is not None:
            self.call.release(self.manager)
            self.manager = None
        self.call.emit(CallTransferred(self.call.call_id, number, self.call.at(now)))

    def _taken_over(self, key: int, extension: str, now: float) -> None:
        self.call.phones[key] = Phone(extension, told=False, state=PhoneState.TAKEN, rang=True)
        self.holding.note(HeldBy.PAGE, False)
        self.passing = Passing(self, extension, "", attended=True, asked=self.asking.granted())
        self.passing.taken_over(key, now)

    # Who hears what.

    def settle(self, now: float) -> None:
        """The end of a turn: make everybody hear what they should, record what may be, tell the desk."""
        if self.left:
            return
        self.holding.look_at(self.manager)
        if not self.open and not self._notices:
            self.open = True
            self._wire()
            self.call.tape.follow(self.manager if self.together else None, now)
            self.call.talk_begins(now)
        else:
            self._wire()
            self.call.tape.follow(self.manager if self.together else None, now)
        if self.open and self.manager is not None and self.passing is None:
            self.holding.tell(now)
        if self.together and self._heard_since is None:
            self._heard_since = now
        elif not self.together and self._heard_since is not None:
            self._seconds, self._heard_since = self.seconds(now), None

    def _wire(self) -> None:
        wanted = self._scene()
        joins = set()
        for party, hearing in wanted.items():
            if party in self._hearing and self._hearing[party] == hearing:
                continue
            if hearing is None:
                self.call.do(StopPlaying(party))
            elif isinstance(hearing, Sound):
                self.call.play(hearing, self.call.hold_music if hearing is Sound.MUSIC else "", party)
            elif wanted.get(hearing) == party:
                joins.add((max(party, hearing), min(party, hearing)))
            else:
                self.call.do(HearEarly(hearing, party))
        for leg, other in sorted(joins):
            self.call.do(Join(leg, other))
        self._hearing = wanted
        self.holding.show(self.manager)

    def _scene(self) -> dict[int, Hearing]:
        if not self.open or self.joined:
            return {}
        if self.passing is not None:
            return self.passing.scene()
        if self.manager is None:
            return {CALLER: Sound.RINGBACK}
        if not self.holding:
            return {CALLER: self.manager, self.manager: CALLER}
        return {CALLER: None if self.holding.by_caller_alone else Sound.MUSIC, self.manager: None}
