"""How sure it is that a card is the one meant, from the keys it shares with what was typed (D29)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from flask_babel import gettext as _

from webapp.clients import keys
from webapp.clients.near import is_near


class Asked(NamedTuple):
    """One key of what was typed into `field`. `whole`: of a phone its full form, of a site its host."""

    kind: str
    key: str
    whole: str
    field: str


class Key(NamedTuple):
    """One key of a card, as `MatchKey` has it."""

    kind: str
    key: str
    whole: str


WEIGHTS = {
    "email": 0.97,
    "phone": 0.94,
    "company": 0.78,
    "site": 0.72,
    "phone_local": 0.7,
    "domain": 0.62,
    "company_near": 0.55,
    "person": 0.45,
    "person_near": 0.3,
    "phone_tail": 0.25,
    "surname": 0.2,
    "surname_near": 0.1,
}
"""Reason -> how much it says by itself, 0..1. The order is that of the hits."""
GROUPS = {
    "email": "net",
    "site": "net",
    "domain": "net",
    "phone": "phone",
    "phone_local": "phone",
    "phone_tail": "phone",
    "company": "firm",
    "company_near": "firm",
    "person": "person",
    "person_near": "person",
    "surname": "person",
    "surname_near": "person",
}
"""Reasons of one group say the same thing twice: the best of them counts."""
GROUP_OF_KEY = {"email": "net", "site": "net", "domain": "net", "phone": "phone", "company": "firm"} | {
    "person": "person",
    "surname": "person",
}
RANKS = {"same": 0, "likely": 1, "maybe": 2}
SHORT_NAME = 6
"""A company's name of fewer letters is another name when one of them differs, more often than a slip."""


def reasons(asked: Sequence[Asked], theirs: Collection[Key], slips: Collection[tuple[str, str]] = ()) -> dict[str, str]:
    """Why a card with the keys `theirs` may be meant: reason -> the field that brings it, the best of a group first.

    `slips`: keys (kind, key) known to be one letter from what was asked for.
    """
    found: dict[str, str] = {}
    for one in asked:
        if (reason := _reason(one, theirs, slips)) and reason not in found:
            found[reason] = one.field
    best: dict[str, tuple[str, str]] = {}
    for reason in WEIGHTS:
        if reason in found:
            best.setdefault(GROUPS[reason], (reason, found[reason]))
    return dict(best.values())


def _reason(one: Asked, theirs: Iterable[Key], slips: Collection[tuple[str, str]]) -> str:
    best = ""
    for key in theirs:
        reason = _shared(one, key, slips)
        if reason and (not best or WEIGHTS[reason] > WEIGHTS[best]):
            best = reason
    return best


def _shared(one: Asked, key: Key, slips: Collection[tuple[str, str]]) -> str:
    if one.kind in ("domain", "site"):
        if key.kind not in ("domain", "site") or one.key != key.key:
            return ""
        return "site" if one.kind == key.kind == "site" and one.whole == key.whole else "domain"
    if one.kind != key.kind:
        return ""
    if one.kind == "phone":
        return phone_reason(one.key, one.whole, key.key, key.whole)
    if one.key == key.key:
        return one.kind
    if one.kind in NEAR and ((key.kind, key.key) in slips or is_near(one.key, key.key)):
        return f"{one.kind}_near"
    return ""


NEAR = ("company", "surname", "person")


def phone_reason(tail: str, whole: str, their_tail: str, their_whole: str) -> str:
    """phone: the same full number; phone_local: the same seven digits, one or both without a city code (both: five will
    do); phone_tail: two full numbers that end alike, or fewer digits; '' when they differ.
    """
    if whole and whole == their_whole:
        return "phone"
    if tail == their_tail:
        least = keys.TAIL_DIGITS if whole or their_whole else keys.SHORTEST_NUMBER
        return "phone_local" if len(tail) >= least and not (whole and their_whole) else "phone_tail"
    return (
        "phone_tail"
        if not their_whole and len(their_tail) >= keys.SHORTEST_NUMBER and tail.endswith(their_tail)
        else ""
    )


def certainty(found: Collection[str], asked: Sequence[Asked], theirs: Collection[Key]) -> str:
    """same: no doubt is left; likely: a person should decide; maybe: only shown."""
    firm = "company" if "company" in found else "company_near" if "company_near" in found else ""
    net = "site" in found or "domain" in found
    local = "phone_local" in found
    if "email" in found or "phone" in found:
        return "likely" if _conflict(firm, net, found, asked, theirs) else "same"
    person = "person" in found or "person_near" in found or ("surname" in found and not _both_given(asked, theirs))
    if firm == "company" and (person or net or local):
        return "same"
    if local and (firm or person or net) and not _conflict(firm, net, found, asked, theirs):
        return "same"
    if firm == "company" or net or local or (firm and (person or len(found) > 1 or _long(asked))):
        return "likely"
    return "likely" if "person" in found and "phone_tail" in found else "maybe"


def _conflict(firm: str, net: bool, found: Collection[str], asked: Sequence[Asked], theirs: Collection[Key]) -> bool:
    """True when another company is asked for; or another person, where nothing speaks for the company."""
    return _differ("company", found, asked, theirs) or (
        not firm and not net and _differ("surname", found, asked, theirs)
    )


def _differ(kind: str, found: Collection[str], asked: Sequence[Asked], theirs: Collection[Key]) -> bool:
    """True when both have a name of this kind and the two have no word in common."""
    ours = {word for one in asked if one.kind == kind for word in one.key.split()}
    if not ours or any(GROUPS[reason] == GROUP_OF_KEY[kind] for reason in found):
        return False
    known = {word for key in theirs if key.kind == kind for word in key.key.split()}
    return bool(known) and not ours & known


def _both_given(asked: Sequence[Asked], theirs: Collection[Key]) -> bool:
    """True when both have given names: one surname with two of them is two people."""
    return any(one.kind == "person" for one in asked) and any(key.kind == "person" for key in theirs)


def _long(asked: Sequence[Asked]) -> bool:
    return max((len(one.key) for one in asked if one.kind == "company"), default=0) >= SHORT_NAME


def score(found: Collection[str]) -> float:
    """What all reasons together say, 0..1."""
    doubt = 1.0
    for reason in found:
        doubt *= 1 - WEIGHTS[reason]
    return round(1 - doubt, 4)


def reason_text(reason: str) -> str:
    """Why a card was found, in the reader's language."""
    match reason:
        case "card":
            return _("same number of the card")
        case "phone":
            return _("same phone")
        case "phone_local" | "phone_tail":
            return _("same phone without city code")
        case "company":
            return _("same company name")
        case "company_near":
            return _("company name, one letter differs")
        case "person" | "surname_given":
            return _("same surname and given name")
        case "person_near":
            return _("same given name, one letter of the surname differs")
        case "surname":
            return _("same surname")
        case "surname_near":
            return _("surname, one letter differs")
        case "email":
            return _("same e-mail")
        case "domain":
            return _("same domain of e-mail or website")
        case "site":
            return _("same website")
        case "chosen":
            return _("chosen by hand")
        case "made":
            return _("card made during the call")
        case _:
            return reason
