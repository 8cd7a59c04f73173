"""What happened to a leg, in the words of the call's machine."""

from __future__ import annotations

from collections.abc import Callable

from sipbridge import pyvoip
from sipbridge.handset import Handset
from sipbridge.moves import (
    CALLER,
    CallBroken,
    CallerAnswered,
    CallerLeft,
    CallerRang,
    CallerRefused,
    Input,
    KeyPressed,
    PhoneAnswered,
    PhoneEnded,
    PhoneRang,
    SideHeld,
    SideResumed,
    TransferWanted,
)


def happened_to(
    handset: Handset, party: int, leg: pyvoip.Leg, event: pyvoip.LegEvent, call_of: Callable[[str], str]
) -> Input | None:
    """The input that this event makes; None when it is no news. `call_of` gives the call of a leg's id."""
    match event:
        case pyvoip.Held():
            return SideHeld(party)
        case pyvoip.Unheld():
            return SideResumed(party)
        case pyvoip.Dtmf(key):
            return KeyPressed(party, key)
        case pyvoip.TransferAsked(target, replaces):
            return TransferWanted(party, target, call_of(replaces) if replaces is not None else "")
    if party != CALLER:
        return _of_phone(handset, party, leg, event)
    return _of_caller(leg, event) if leg.inbound else _of_client(handset, leg, event)


def _of_phone(handset: Handset, key: int, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> Input | None:
    match event:
        case pyvoip.Ringing(early_media):
            return PhoneRang(key, early_media) if handset.rang(leg, early_media) else None
        case pyvoip.Answered():
            return PhoneAnswered(key) if handset.answered(leg) else None
        case pyvoip.Ended():
            reason = handset.ended(leg, event)
            return PhoneEnded(key, reason) if reason is not None else None
    return None


def _of_caller(leg: pyvoip.Leg, event: pyvoip.LegEvent) -> Input | None:
    match event:
        case pyvoip.Ended(_, "remote_bye" | "cancelled", elsewhere):
            return CallerLeft(elsewhere)
        case pyvoip.Ended(_, cause) if cause != "local":  # what we ended ourselves is no news
            return CallBroken(caller_is_gone=True)
    return None


def _of_client(handset: Handset, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> Input | None:
    match event:
        case pyvoip.Ringing(early_media):
            return CallerRang(early_media) if handset.rang(leg, early_media) else None
        case pyvoip.Answered():
            return CallerAnswered() if handset.answered(leg) else None
        case pyvoip.Ended(_, cause):
            was_taken = handset.taken is leg
            reason = handset.ended(leg, event)
            if reason is None or cause == "local":
                return None
            if was_taken:
                return CallerLeft() if cause == "remote_bye" else CallBroken(caller_is_gone=True)
            return CallerRefused(reason)
    return None
