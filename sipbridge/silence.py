"""What it means that nobody is heard in a call."""

from __future__ import annotations

import structlog

from sipbridge.livecall import LiveCall
from sipbridge.moves import CallBroken, CallerSilent, Input

SILENCE_LIMIT = 60.0
"""Seconds without a packet from either side after which a talk is taken for lost."""

HELD_SILENCE_LIMIT = 600.0
"""The same while somebody is on hold: who only listens to music may have fallen silent by right."""

MESSAGE_SILENCE = 10.0
"""Seconds without a voice after which a voice message is over."""

log = structlog.get_logger(__name__)


def too_silent(live: LiveCall, now: float) -> Input | None:
    """What the call is told when it was silent for too long at `now` (monotonic); None while it was not."""
    limit = SILENCE_LIMIT if live.call.state == "talking" else HELD_SILENCE_LIMIT
    if live.call.talking and now - live.last_heard(now) > limit:
        log.warning("both sides are silent; the call is ended", call_id=live.id)
        return CallBroken()
    if now - live.quiet_since() > MESSAGE_SILENCE:
        return CallerSilent()
    return None
