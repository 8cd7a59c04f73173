"""A telephone that a call has dialled, as its machine sees it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class PhoneState(enum.Enum):
    """How far it has come."""

    RINGING = enum.auto()
    TAKEN = enum.auto()  # picked up
    DROPPED = enum.auto()  # we asked it to stop, its end is not reported yet
    ENDED = enum.auto()


@dataclass(slots=True)
class Phone:
    """`told`: the desk heard of its ringing and is owed its end. `holds`: it has put us on hold itself.

    `speaks`: it sends sound though nobody has picked up, such as the ringing or the words of a network.
    """

    extension: str
    told: bool
    state: PhoneState = PhoneState.RINGING
    rang: bool = False
    speaks: bool = False
    holds: bool = False
