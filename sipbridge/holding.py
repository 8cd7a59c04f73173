"""Who has put a talk on hold: the manager on his page, his telephone, the caller. Pure.

The talk goes on when none of them holds any more. The desk is told of the side that began last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipbridge.events import CallHeld, CallResumed, HeldBy
from sipbridge.moves import CALLER, HoldLeg, ResumeLeg
from sipbridge.phone import PhoneState

if TYPE_CHECKING:
    from sipbridge.machine import Machine


class Holding:
    """The holds of one talk."""

    def __init__(self, call: Machine) -> None:
        self._call = call
        self._holders: list[HeldBy] = []  # in the order in which they began
        self._told: HeldBy | None = None
        self._shown_on: int | None = None  # the telephone that shows a hold of the page

    def __bool__(self) -> bool:
        return bool(self._holders)

    @property
    def by_caller_alone(self) -> bool:
        """Whether nobody but the caller holds: nothing need be played to them."""
        return self._holders == [HeldBy.CALLER]

    def note(self, by: HeldBy, holds: bool) -> None:
        """This side holds, or does not."""
        if holds and by not in self._holders:
            self._holders.append(by)
        elif not holds and by in self._holders:
            self._holders.remove(by)

    def side(self, party: int, holds: bool) -> None:
        """A telephone put us on hold, or took us back."""
        if party == CALLER:
            self.note(HeldBy.CALLER, holds)
        elif party in self._call.phones:
            self._call.phones[party].holds = holds

    def look_at(self, manager: int | None) -> None:
        """The hold of a telephone counts while its manager has the caller."""
        self.note(HeldBy.PHONE, manager is not None and self._call.phones[manager].holds)

    def tell(self, now: float) -> None:
        """Tell the desk who holds, if that is news."""
        holder = self._holders[-1] if self._holders else None
        if holder is not self._told:
            self._told = holder
            call_id, at = self._call.call_id, self._call.at(now)
            self._call.emit(CallResumed(call_id, at) if holder is None else CallHeld(call_id, holder, at))

    def told_otherwise(self) -> None:
        """The desk was told in other words that the caller is with a manager who hears them."""
        self._told = None

    def show(self, manager: int | None) -> None:
        """A talk held from the page is shown as held on the manager's telephone, too."""
        held = manager if HeldBy.PAGE in self._holders else None
        if held == self._shown_on:
            return
        before, self._shown_on = self._shown_on, held
        if before is not None and self._call.phones[before].state is PhoneState.TAKEN:
            self._call.do(ResumeLeg(before))
        if held is not None:
            self._call.do(HoldLeg(held))
