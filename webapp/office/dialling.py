"""Whom we may call: number patterns per role. No rule, no call: a stolen password must not cost a fortune (toll fraud).

A pattern is a number in E.164 in which `x` is any digit and a last `*` any further digits. Emergency and short
numbers are not written so and are never dialled from here; premium-rate numbers only when a rule names them in full.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from flask_babel import gettext as _
from phonenumbers import PhoneNumberType
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import SALES
from webapp.accounts.models import Role, User
from webapp.office.models import DialRule

FIXED_AFTER_COUNTRY = 2
"""So many digits after the country code must be fixed, else a rule would open a whole country."""
SHORTEST, LONGEST = 7, 15
"""Digits of a number in E.164."""
COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER})
NO_COUNTRY = frozenset({"808", "870", "878", "881", "882", "883", "888", "979"})
"""Codes of satellites, ships and premium services, which no country has: calls there cost many times a usual one."""
ROLES = SALES

_NUMBER = re.compile(rf"\+[0-9]{{{SHORTEST},{LONGEST}}}", re.ASCII)
_PATTERN = re.compile(r"\+(?P<fixed>[0-9]*)(?P<any>[0-9x]*)(?P<more>\*?)", re.ASCII)


class BadPattern(ValueError):
    """A pattern that can't stand; the message says why, in the reader's language."""


@dataclass(frozen=True)
class Allowed:
    """The patterns of one user."""

    patterns: Sequence[str]

    def why_not(self, number: str) -> str:
        """'' when the user may call `number` (as `clients.keys.normal_phone` gives it), else why not."""
        if not _NUMBER.fullmatch(number):
            return _("Only full numbers with a country code can be called from here.")
        if not self.patterns:
            return _("Calling out is not allowed for your role; the head allows it in the settings.")
        if not any(matches(pattern, number) for pattern in self.patterns):
            return _("Your role may not call this number; the head allows more in the settings.")
        if number not in self.patterns and _is_costly(number):
            return _("A premium-rate number is called only when a rule names it in full.")
        return ""


def of(session: Session, user: User) -> Allowed:
    """Whom `user` may call."""
    return of_role(session, user.role)


def of_role(session: Session, role: str) -> Allowed:
    """Whom those of this role may call."""
    return Allowed(session.scalars(select(DialRule.pattern).where(DialRule.role == role)).all())


def may_dial(session: Session, user: User, number: str) -> bool:
    """Whether `user` may call `number` or pass a caller on to it."""
    return not of(session, user).why_not(number)


def matches(pattern: str, number: str) -> bool:
    """Whether an E.164 number fits a pattern."""
    wanted = re.escape(pattern.removesuffix("*")).replace("x", "[0-9]") + ("[0-9]*" if pattern.endswith("*") else "")
    return re.fullmatch(wanted, number, re.ASCII) is not None


def rules(session: Session) -> Sequence[DialRule]:
    """All rules, by role in the usual order, then by pattern."""
    order = {role.value: place for place, role in enumerate(ROLES)}
    found = session.scalars(select(DialRule)).all()
    return sorted(found, key=lambda rule: (order.get(rule.role, len(order)), rule.pattern))


def add(session: Session, role: Role, typed: str) -> DialRule:
    """Allow `role` the numbers of a pattern. Raises BadPattern; flushes."""
    pattern = tidy(typed)
    for standing in session.scalars(select(DialRule.pattern).where(DialRule.role == role.value)):
        if standing == pattern:
            raise BadPattern(_("This role has this rule already."))
        if covers(standing, pattern):
            raise BadPattern(_("%(pattern)s allows this already.", pattern=standing))
    rule = DialRule(role=role.value, pattern=pattern)
    session.add(rule)
    session.flush()
    return rule


def tidy(typed: str) -> str:
    """A pattern as it is kept, of what was typed. Raises BadPattern for one that can't stand, and says why."""
    pattern = re.sub(r"[\s().\-\u2010-\u2013]", "", typed[:60]).lower().replace("х", "x")  # the Cyrillic letter, too
    parts = _PATTERN.fullmatch(pattern)
    if not pattern.startswith("+") or not parts:
        raise BadPattern(
            _("Write + and the country code, then digits, x for any digit, * at the end for any more: +7495xxxxxxx.")
        )
    fixed, digits = parts["fixed"], len(parts["fixed"]) + len(parts["any"])
    if len(pattern) > DialRule.pattern.type.length or digits > LONGEST:
        raise BadPattern(_("No number has more than %(most)d digits.", most=LONGEST))
    country = _country_code(fixed)
    if fixed and not country:
        if (parts["any"] or parts["more"]) and len(fixed) < 3:
            raise BadPattern(_("This would allow every number of several countries. Write the country code out."))
        raise BadPattern(_("No country has a number that begins with +%(digits)s.", digits=fixed[:3]))
    if not fixed:
        raise BadPattern(_("This would allow every number in the world. Begin with a country and a city or network."))
    if country in NO_COUNTRY:
        raise BadPattern(
            _("+%(code)s is no country: satellites, ships or premium services, which cost a fortune.", code=country)
        )
    if (parts["any"] or parts["more"]) and len(fixed) < len(country) + FIXED_AFTER_COUNTRY:
        raise BadPattern(
            _(
                "This would allow nearly every number of a country. At least %(count)d digits after the country code"
                " +%(code)s must be fixed, such as +%(code)s49*.",
                count=FIXED_AFTER_COUNTRY,
                code=country,
            )
        )
    if digits < SHORTEST and not parts["more"]:
        raise BadPattern(_("No number is so short; write * at the end for any further digits."))
    return pattern


def covers(wide: str, narrow: str) -> bool:
    """Whether every number of `narrow` is one of `wide`."""
    head, tail = wide.removesuffix("*"), narrow.removesuffix("*")
    if wide.endswith("*"):
        if len(tail) < len(head):
            return False
    elif narrow.endswith("*") or len(tail) != len(head):
        return False
    return all(mine in ("x", theirs) for mine, theirs in zip(head, tail, strict=False))


def _country_code(digits: str) -> str:
    """The country calling code at the beginning of `digits`; '' when there is none."""
    for length in (1, 2, 3):
        if len(digits) >= length and int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return digits[:length]
    return ""


def _is_costly(number: str) -> bool:
    """A premium-rate, shared-cost or follow-me number, as its country's numbering plan says."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(number)) in COSTLY
    except phonenumbers.NumberParseException:
        return True
