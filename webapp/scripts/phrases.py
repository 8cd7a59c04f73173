"""Sentences with places for what the page knows: `Good morning[, {caller}]!`.

`{caller}` is replaced by a value. What stands in square brackets is said only when all its values are known;
alternatives are separated by bars and tried from the left: `[{owner} is away|Your manager is away]`.
A value may hold anything a card holds; it is never read as a template itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from flask_babel import lazy_gettext as _l

PLACEHOLDERS: dict[str, str] = {
    "caller": "how to address the caller",
    "company_of_caller": "the caller's company",
    "office": "our company",
    "what_we_do": "what our company does",
    "greeting_word": "good morning, good afternoon ... by the office's clock",
    "greeting_phrase": "the closing words of the greeting from the settings",
    "manager": "the manager who is talking",
    "manager_position": "that manager's position",
    "mobile": "that manager's mobile",
    "owner": "the manager of this client, or the employee the caller asked for",
    "owner_position": "that person's position",
    "owner_number": "that person's number",
    "owner_returns": "when that person is back",
    "last_talk": "what the last talk was about",
    "open_matter": "the matter that is open with this client",
    "product": "the product the caller is interested in",
    "promise_minutes": "minutes in which we promise to call back",
    "price_range": "the price range of the product",
    "holiday_wish": "greetings around holidays",
}
"""Every placeholder a sentence may use, and what it stands for."""

MAX_VALUE = 120
"""Letters of a value that are said; a longer one is cut at a word."""
PLACEHOLDER_LENGTH = 12
"""Letters a placeholder counts as when the length of a sentence is judged."""


class PhraseError(ValueError):
    """A sentence is written wrongly; the argument says how."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Square brackets: the first of `ways` whose slots are all known is said, else nothing."""

    ways: tuple[tuple[str | Slot, ...], ...]


Part = str | Slot | Choice
_TOKEN = re.compile(r"\{([^{}\[\]|]*)\}|([{}\[\]|])")


@lru_cache(maxsize=4096)
def parse(sentence: str) -> tuple[Part, ...]:
    """The parts of a sentence. Raises PhraseError when brackets or braces do not pair."""
    parts: list[Part] = []
    ways: list[list[str | Slot]] | None = None

    def put(part: str | Slot) -> None:
        if part:
            (parts if ways is None else ways[-1]).append(part)

    position = 0
    for token in _TOKEN.finditer(sentence):
        put(sentence[position : token.start()])
        position = token.end()
        name, mark = token.groups()
        if name is not None:
            put(Slot(name.strip()))
        elif mark in "{}":
            raise PhraseError(_l("A curly brace has no pair."))
        elif mark == "[":
            if ways is not None:
                raise PhraseError(_l("Square brackets stand inside square brackets."))
            ways = [[]]
        elif ways is None:
            raise PhraseError(_l("“%(mark)s” stands outside square brackets.", mark=mark))
        elif mark == "|":
            ways.append([])
        else:
            parts.append(Choice(tuple(tuple(way) for way in ways)))
            ways = None
    if ways is not None:
        raise PhraseError(_l("A square bracket is not closed."))
    put(sentence[position:])
    return tuple(parts)


def slots(sentence: str) -> Iterator[tuple[str, bool]]:
    """Every placeholder of a sentence, and whether it stands bare: outside brackets, always said."""
    for part in parse(sentence):
        if isinstance(part, Slot):
            yield part.name, True
        elif isinstance(part, Choice):
            for way in part.ways:
                yield from ((piece.name, False) for piece in way if isinstance(piece, Slot))


def spoken_length(sentence: str) -> int:
    """Letters of the longest form of a sentence, a placeholder counting as PLACEHOLDER_LENGTH."""

    def length(pieces: tuple[str | Slot, ...]) -> int:
        return sum(PLACEHOLDER_LENGTH if isinstance(piece, Slot) else len(piece) for piece in pieces)

    return sum(max(map(length, part.ways)) if isinstance(part, Choice) else length((part,)) for part in parse(sentence))


def fill(sentence: str, values: Mapping[str, str | None], if_unknown: Mapping[str, str]) -> str:
    """The sentence as it is said. A bare placeholder without a value takes its word from `if_unknown`."""

    def known(name: str) -> str:
        value = " ".join(str(values.get(name) or "").split())
        if len(value) <= MAX_VALUE:
            return value
        return value[:MAX_VALUE].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"

    said: list[str] = []
    for part in parse(sentence):
        if isinstance(part, Slot):
            said.append(known(part.name) or if_unknown.get(part.name, ""))
        elif isinstance(part, Choice):
            for way in part.ways:
                words = [known(piece.name) if isinstance(piece, Slot) else piece for piece in way]
                if all(word for word, piece in zip(words, way, strict=True) if isinstance(piece, Slot)):
                    said.append("".join(words))
                    break
        else:
            said.append(part)
    text = " ".join("".join(said).split())
    return text[:1].upper() + text[1:]
