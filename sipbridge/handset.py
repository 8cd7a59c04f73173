"""Who is behind one number of a call: one telephone, or every softphone a user has registered.

All of them ring; the first that is picked up is the party from then on, the others are told that it was taken.
"""

from __future__ import annotations

from collections.abc import Iterable

from sipbridge import pyvoip
from sipbridge.events import LegEnd

# What is told of several telephones that all refused: the most a person has said.
_WEIGHT = {LegEnd.REJECTED: 4, LegEnd.BUSY: 3, LegEnd.NO_ANSWER: 2, LegEnd.UNREACHABLE: 1, LegEnd.CANCELLED: 0}
_ENDS = {"busy": LegEnd.BUSY, "rejected": LegEnd.REJECTED, "cancelled": LegEnd.CANCELLED}


class Handset:
    """The legs of one party. `taken` is the one that was picked up; a caller's own leg is so from the start."""

    def __init__(self, legs: Iterable[pyvoip.Leg], taken: pyvoip.Leg | None = None) -> None:
        self.legs = list(legs)
        self.taken = taken
        self._open = {leg.id for leg in self.legs}
        self._rang: set[str] = set()
        self._speaking: pyvoip.Leg | None = None
        self._reason = LegEnd.CANCELLED

    @property
    def leg(self) -> pyvoip.Leg:
        """The leg whose sound counts: the one picked up, else one that sends sound already, else the first."""
        return self.taken or self._speaking or self.legs[0]

    def rang(self, leg: pyvoip.Leg, early_media: bool) -> bool:
        """It rings, and perhaps sends sound already; whether that is any news."""
        news = not self._rang or (early_media and self._speaking is None)
        self._rang.add(leg.id)
        if early_media and self._speaking is None:
            self._speaking = leg
        return news and self.taken is None

    def answered(self, leg: pyvoip.Leg) -> bool:
        """It was picked up; False when another had been before, and it is hung up on."""
        if self.taken is not None:
            leg.hangup()
            return False
        self.taken = leg
        for other in self.legs:
            if other is not leg:
                other.cancel(elsewhere=True)
        return True

    def ended(self, leg: pyvoip.Leg, event: pyvoip.Ended) -> LegEnd | None:
        """It is over; why the whole party is, None while it is not."""
        self._open.discard(leg.id)
        if self.taken is not None:
            return LegEnd.CANCELLED if leg is self.taken else None
        # A phone that rang and then gives up by itself was there, and nobody came.
        quiet = LegEnd.NO_ANSWER if leg.id in self._rang and event.code in (408, 480) else LegEnd.UNREACHABLE
        self._reason = max(self._reason, _ENDS.get(event.cause, quiet), key=_WEIGHT.__getitem__)
        return None if self._open else self._reason

    def cancel(self, *, elsewhere: bool) -> None:
        """Stop ringing."""
        for leg in self.legs:
            leg.cancel(elsewhere=elsewhere)

    def hangup(self) -> None:
        """End whatever there is."""
        for leg in self.legs:
            leg.hangup()
