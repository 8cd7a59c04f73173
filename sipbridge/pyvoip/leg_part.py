"""What belongs to one leg must not keep it alive."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sipbridge.pyvoip.leg import Leg


class LegPart:
    """Belongs to one leg, which holds it, not the other way: both are free as soon as nobody holds the leg."""

    def __init__(self, leg: Leg) -> None:
        self._leg_or_none = weakref.ref(leg)

    @property
    def _leg(self) -> Leg:
        """The leg. Raises ReferenceError when it is over and free."""
        leg = self._leg_or_none()
        if leg is None:
            raise ReferenceError("the leg is over")
        return leg
