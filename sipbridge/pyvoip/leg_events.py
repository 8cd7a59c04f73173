"""What befalls a leg, as the bridge is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ringing:
    """The telephone we dialled rings.

    `early_media`: it already sends sound of its own (a ringing tone, an announcement), which the leg's media
    hears from now on (RFC 3960). Reported once without and once with it at most.
    """

    early_media: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides agree that they talk: our dialled telephone picked up, or the caller confirmed our answer."""


@dataclass(frozen=True, slots=True)
class Held:
    """The far end put us on hold: it does not listen. Our own `Leg.hold` is not reported."""


@dataclass(frozen=True, slots=True)
class Unheld:
    """The far end took us back from its hold."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed: one of 0-9, *, #, A-D. Once a press, however the telephone told it (RFC 4733, INFO).

    Unlike all other events it may come on the media thread.
    """

    key: str


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The far end asks us to connect the other side of its call elsewhere (REFER, RFC 3515).

    `target` is a sip or tel URI. `replaces` is the id of another leg of ours whose place the other side shall
    take (attended transfer), None for a blind transfer. Whether the far end may ask for that is not judged here.
    What comes of it goes back by `Leg.transfer_progress`.
    """

    target: str
    replaces: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg is over. `code` is the SIP status nearest to why.

    `cause`: remote_bye, cancelled, busy, rejected, timeout, unreachable, no_ack, local or failed.
    `answered_elsewhere`: another phone of the ring group took the call (Reason: SIP;cause=200).
    """

    code: int
    cause: str
    answered_elsewhere: bool = False


LegEvent = Ringing | Answered | Held | Unheld | Dtmf | TransferAsked | Ended
