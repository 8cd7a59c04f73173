"""What befalls a leg, as the bridge is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ringing:
    """The telephone we dialled rings."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides agree that they talk: our dialled telephone picked up, or the caller confirmed our answer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg is over. `code` is the SIP status nearest to why.

    `cause`: remote_bye, cancelled, busy, rejected, timeout, unreachable, no_ack, local or failed.
    `answered_elsewhere`: another phone of the ring group took the call (Reason: SIP;cause=200).
    """

    code: int
    cause: str
    answered_elsewhere: bool = False


LegEvent = Ringing | Answered | Ended
