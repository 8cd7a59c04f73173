"""The words of a result letter (D73), from what card and talk know; what is not known leaves no hole."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

FOLDER = Path(__file__).parent
LONGEST_SUBJECT = 300
LONGEST_MATTER = 80
DISCUSSED = ("reason", "product", "exact_variant", "volume", "how_often", "needed_by", "delivery", "storage")
"""Fields of a card that a letter repeats, in its order."""
DAY = {"ru": "d MMMM", "en": "d MMMM"}
WHEN = {"ru": "d MMMM, HH:mm", "en": "d MMMM, HH:mm"}


@dataclass(frozen=True)
class Price:
    """What was told, or may be told, for a product (D54)."""

    product: str
    low: str
    high: str
    conditions: str = ""


@dataclass(frozen=True)
class Facts:
    """All that a letter may say. Texts may be ''; `agreed`: (kind of a step or promise, when)."""

    talked_at: datetime
    name: str = ""
    firm: str = ""
    purpose: str = ""
    purpose_key: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)
    agreed: Sequence[tuple[str, datetime]] = ()
    price: Price | None = None
    requisites: str = ""
    signature: str = ""
    writer: Sequence[str] = ()
    telephone: str = ""


@functools.cache
def words(language: str) -> dict[str, Any]:
    """The shipped sentences of a language; English ones where it has none."""
    path = FOLDER / f"letter.{language}.toml"
    return tomllib.loads((path if path.exists() else FOLDER / "letter.en.toml").read_text(encoding="utf-8"))


def compose(facts: Facts, language: str, zone: ZoneInfo) -> tuple[str, str]:
    """Subject and body."""
    said = words(language)
    day = format_datetime(facts.talked_at, DAY.get(language, "d MMMM"), tzinfo=zone, locale=language)
    parts = [
        said["greeting"].replace("{name}", facts.name) if facts.name else said["greeting_nameless"],
        said["opening"].replace("{day}", day),
        _section(said["discussed"]["heading"], _discussed(facts, said)),
        _section(said["agreed"]["heading"], _agreed(facts, said["agreed"], language, zone)),
        _section(said["prices"]["heading"], _prices(facts.price, said["prices"])),
        said["ending"],
        _section(said["requisites"]["heading"], facts.requisites.strip().splitlines()),
        "\n".join([said["farewell"], *_signature(facts, said["signature"])]),
    ]
    return _subject(facts, said, day), "\n\n".join(part for part in parts if part) + "\n"


def _subject(facts: Facts, said: Mapping[str, Any], day: str) -> str:
    matter = _short(facts.needs.get("product") or facts.needs.get("reason") or _purpose(facts, said)) or said["talk"]
    pattern = said["subject_of_firm"] if facts.firm else said["subject"]
    subject = " ".join(_filled(pattern, matter=matter, firm=facts.firm, day=day).split())
    return (subject[:1].upper() + subject[1:])[:LONGEST_SUBJECT]


def _short(text: str) -> str:
    """At most LONGEST_MATTER letters, cut at a word, without what a subject must not have (D79)."""
    text = " ".join(text.replace("!", "").replace("?", "").split()).rstrip(".,;: ")
    if len(text) <= LONGEST_MATTER:
        return text
    return text[: LONGEST_MATTER + 1].rpartition(" ")[0].rstrip(".,;: ") or text[:LONGEST_MATTER]


def _purpose(facts: Facts, said: Mapping[str, Any]) -> str:
    return str(said["matters"].get(facts.purpose_key, facts.purpose))


def _discussed(facts: Facts, all_said: Mapping[str, Any]) -> list[str]:
    said = all_said["discussed"]
    known = [(name, facts.needs.get(name, "")) for name in DISCUSSED]
    lines = [said[name].replace("{value}", _line(value)) for name, value in known if value.strip()]
    purpose = _purpose(facts, all_said)
    if purpose and purpose != all_said["talk"] and not facts.needs.get("reason", "").strip():
        lines.insert(0, said["purpose"].replace("{value}", _line(purpose)))
    return lines


def _agreed(facts: Facts, said: Mapping[str, str], language: str, zone: ZoneInfo) -> list[str]:
    return [
        said[kind].replace(
            "{when}", format_datetime(at, WHEN.get(language, "d MMMM, HH:mm"), tzinfo=zone, locale=language)
        )
        for kind, at in facts.agreed
        if kind in said
    ]


def _prices(price: Price | None, said: Mapping[str, str]) -> list[str]:
    if price is None:
        return []
    pattern = said["conditions"] if price.conditions else said["range"]
    line = _filled(pattern, product=price.product, low=price.low, high=price.high, conditions=price.conditions)
    return [line, said["exact"]]


def _signature(facts: Facts, said: Mapping[str, str]) -> list[str]:
    lines = [*facts.writer, *facts.signature.strip().splitlines()]
    if facts.telephone:
        lines.append(said["telephone"].replace("{value}", facts.telephone))
    return [line for line in lines if line.strip()]


def _section(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, *lines]) if lines else ""


def _filled(pattern: str, **values: str) -> str:
    """Every place filled at once: a value is never read as a pattern."""
    parts = pattern.split("{")
    return parts[0] + "".join(values[name] + rest for name, _, rest in (part.partition("}") for part in parts[1:]))


def _line(value: str) -> str:
    return " ".join(value.split())
