"""What an answered caller hears while telephones ring: greeting, menu, ringing. Pure.

A menu follows the greeting; its digits count from the first word of the greeting until somebody takes the call, and,
when nobody is left to be rung, for a moment longer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sipbridge.events import Choice, Plan
from sipbridge.farewell import SOUND_LIMIT
from sipbridge.moves import Sound, StopPlaying

if TYPE_CHECKING:
    from sipbridge.call import Call
    from sipbridge.machine import Agenda

MENU_WAIT = 4.0
"""Seconds after the menu in which a digit still counts when nobody is left to ring."""


class Reception:
    """The sounds of one call before a manager has it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._playing: Sound | None = None
        self._sound = 0
        self._sound_until = math.inf
        self._menu_sound = ""
        self._menu_until = -math.inf  # no digit counts later; infinity while the menu plays or somebody is rung

    def agenda(self) -> Agenda:
        """When a sound counts as played whatever the media side says, and when the time for a digit is over."""
        if self._playing is None:
            return []
        if self._playing is not Sound.RINGBACK:
            return [(self._sound_until, self._over)]
        waits = not self._call.somebody_is_rung and self._menu_until < math.inf
        return [(self._menu_until, self._call.apologise)] if waits else []

    def greet(self, plan: Plan, now: float) -> None:
        """The caller was answered, and nobody has taken the call."""
        if plan.menu is not None:
            self._menu_sound, self._menu_until = plan.menu.sound, math.inf
        self._let_hear(Sound.GREETING, plan.greeting, now)

    def ring(self, now: float) -> None:
        """Let the caller hear that telephones ring."""
        self._let_hear(Sound.RINGBACK, "", now)

    def played(self, number: int, now: float) -> None:
        """The sound of this number is over."""
        if number == self._sound and self._playing is not None:
            self._over(now)

    def nobody_left(self, now: float) -> None:
        """The plan is played to its end: apologise, unless something is to be heard or waited for first."""
        if self._playing in (Sound.GREETING, Sound.MENU):
            return
        if self._menu_until == math.inf:  # a menu was played: leave a moment for the digit
            self._menu_until = now + MENU_WAIT
            if self._playing is None:
                self.ring(now)
        elif self._menu_until <= now:
            self._call.apologise(now)

    def choice(self, plan: Plan, digit: str, now: float) -> Choice | None:
        """What a digit chooses, the first time only."""
        if plan.menu is None or now > self._menu_until:
            return None
        chosen = next((one for one in plan.menu.choices if one.digit == digit), None)
        if chosen is not None:
            self._menu_until, self._playing = -math.inf, None
        return chosen

    def forget(self) -> None:
        """Something else is heard now."""
        self._playing = None

    def stop(self) -> None:
        """Let the caller hear nothing."""
        if self._playing is not None:
            self._playing = None
            self._call.do(StopPlaying())

    def _over(self, now: float) -> None:
        played, self._playing = self._playing, None
        if played is Sound.GREETING and self._menu_until == math.inf:
            self._let_hear(Sound.MENU, self._menu_sound, now)
        elif self._call.somebody_is_rung:
            self.ring(now)
        else:
            self.nobody_left(now)

    def _let_hear(self, sound: Sound, name: str, now: float) -> None:
        self._playing, self._sound_until = sound, now + SOUND_LIMIT
        if name or sound is Sound.RINGBACK:
            self._sound = self._call.play(sound, name)
        else:
            self._over(now)
