"""Hears whether somebody speaks."""

from __future__ import annotations

import audioop
from collections.abc import Callable

from sipbridge.media.g711 import decode
from sipbridge.media.stream import Frame

QUIET = 300
"""Root mean square of 16-bit samples: a line's own noise stays below, a person who whispers does not."""


class Listener:
    """A tap that passes frames on and remembers when it last heard a voice (monotonic seconds)."""

    def __init__(self, began: float, then: Callable[[Frame], None]) -> None:
        self.last_voice = began
        self.heard = False
        self._then = then

    def __call__(self, frame: Frame) -> None:
        if audioop.rms(decode(frame.payload, frame.payload_type), 2) > QUIET:
            self.last_voice, self.heard = frame.arrived, True
        self._then(frame)
