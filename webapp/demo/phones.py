"""Telephone numbers that ring nowhere, and the many ways people write them down.

Where a range is reserved for fiction it is used: 555-0100 to 555-0199 in the United States, and Ofcom's drama numbers
(020 7946 0xxx, 0113 496 0xxx, 07700 900xxx) in the United Kingdom. Russia, Ukraine, Greece and Cyprus reserve none.
There the subscriber's part begins with zeros (+7 495 000-xx-xx, +380 44 000-xx-xx, +30 210 000xxxx, +357 22 00xxxx),
which no exchange assigns; for mobiles in Russia the unallocated code 944 is taken.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_PLAN = {
    "ru": ("7", ("495", "495", "812", "343", "944", "944")),
    "ua": ("380", ("44", "48", "57")),
    "gr": ("30", ("210", "2310")),
    "cy": ("357", ("22", "25")),
    "gb": ("44", ("20", "113", "7700")),
    "us": ("1", ("212", "312", "415")),
}
"""Country: its dialling code and the areas numbers are taken from."""

_DRAMA = {"20": "79460", "113": "4960", "7700": "900"}


DIAL_RULES = (
    "+7495000xxxx",
    "+7812000xxxx",
    "+7343000xxxx",
    "+7944000xxxx",
    "+38044000xxxx",
    "+38048000xxxx",
    "+38057000xxxx",
    "+30210000xxxx",
    "+30231000xxxx",
    "+3572200xxxx",
    "+3572500xxxx",
    "+442079460xxx",
    "+441134960xxx",
    "+447700900xxx",
    "+12125550xxx",
    "+13125550xxx",
    "+14155550xxx",
)
"""What the demo office may call: its invented numbers and nobody else."""


@dataclass(frozen=True)
class Number:
    """One invented number: `e164` as the network sends it, `area` and `rest` as people break it up."""

    country: str
    area: str
    rest: str

    @property
    def e164(self) -> str:
        """+74950001234."""
        return f"+{_PLAN[self.country][0]}{self.area}{self.rest}"

    @property
    def mobile(self) -> bool:
        """True for a code that belongs to mobiles."""
        return self.area in ("944", "7700")


class Numbers:
    """Gives out numbers whose last seven digits are all different, so that none is found by another's tail."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self._four = dice.sample(range(1000, 10000), 9000)
        self._drama = {area: dice.sample(range(10, 1000), 990) for area in _DRAMA}
        self._fiction = dice.sample(range(100, 200), 100)

    def new(self, country: str) -> Number:
        """A number of `country` that was not given out before."""
        area = self.dice.choice(_PLAN[country][1])
        if country == "us":
            return Number(country, area, f"555{self._fiction.pop():04}")
        if country == "gb":
            return Number(country, area, f"{_DRAMA[area]}{self._drama[area].pop():03}")
        zeros = "00" if country == "cy" or area == "2310" else "000"
        return Number(country, area, f"{zeros}{self._four.pop():04}")


def written(number: Number, dice: random.Random, home: str) -> str:
    """`number` as somebody noted it. From another country than `home` it always carries its dialling code."""
    code, area, rest = _PLAN[number.country][0], number.area, number.rest
    spaced = f"{rest[:3]} {rest[3:5]} {rest[5:]}" if len(rest) == 7 else f"{rest[:-4]} {rest[-4:]}".strip()
    dashed = spaced.replace(" ", "-")
    ways = [
        f"+{code} {area} {dashed}",
        f"+{code} ({area}) {spaced}",
        f"+{code}{area}{rest}",
        f"+{code}-{area}-{dashed}",
        f"+{code}.{area}.{spaced.replace(' ', '.')}",
    ]
    if number.country == home:
        trunk = {"ru": "8", "us": "1", "gr": "", "cy": ""}.get(home, "0")
        ways += [
            f"{trunk} ({area}) {dashed}" if home == "ru" else f"({trunk if home != 'us' else ''}{area}) {dashed}",
            f"{trunk}{area}{rest}",
            f"{trunk}-{area}-{dashed}" if home == "ru" else f"{trunk}{area} {spaced}",
        ]
        if home == "ru":
            ways += [f"{area} {spaced}", f"({area}) {dashed}"] + ([dashed] if area == "495" else [])
    return dice.choice(ways)
