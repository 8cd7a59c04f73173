"""A full name in one cell, taken apart: which word is the surname, in the order of each language."""

from __future__ import annotations

import re

_PATRONYMIC = re.compile(r"(?:ович|евич|ьич|овна|евна|ична|івна|ївна|йович|ovich|evich|ovna|evna|ichna)$", re.I)
_SURNAME = re.compile(
    r"(?:[оеё]в|[оеё]ва|ин|ина|[сц]кий|[сц]кая|[сц]ький|[сц]ька|енко|чук|юк|ich|дзе|швили|ян|"
    r"ov|ova|ev|eva|sky|skaya|enko|chuk|yan|"
    r"όπουλος|οπούλου|ίδης|ίδου|άκης|άκη|άδης|ατος|opoulos|opoulou|idis|akis)$",
    re.I,
)
_TITLES = re.compile(r"^(?:mr|mrs|ms|dr|prof|г-н|г-жа|господин|госпожа|пан|пані|κ|κα|κος)\.?\s+", re.I)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")


def split(full_name: str) -> tuple[str, str, str]:
    """(surname, given name, patronymic) of a name as written; '' for what isn't there.

    Орлов Павел Ильич, Павел Ильич Орлов, Orlov, Pavel and Pavel Orlov are all read right. Where endings say nothing,
    Cyrillic names begin with the surname and others end with it.
    """
    text = _TITLES.sub("", " ".join(full_name.split()))
    if "," in text:
        surname, _, rest = (part.strip() for part in text.partition(","))
        given, _, patronymic = rest.partition(" ")
        return surname, given, patronymic
    words = text.split()
    if len(words) < 2:
        return text, "", ""
    if len(words) == 2:
        return (words[1], words[0], "") if _given_first(words) else (words[0], words[1], "")
    if _PATRONYMIC.search(words[1]) and not _PATRONYMIC.search(words[2]):
        return " ".join(words[2:]), words[0], words[1]
    if _PATRONYMIC.search(words[2]) or _CYRILLIC.search(text):
        return words[0], words[1], " ".join(words[2:])
    return words[-1], " ".join(words[:-1]), ""


def _given_first(words: list[str]) -> bool:
    first, second = (bool(_SURNAME.search(word)) for word in words)
    if _PATRONYMIC.search(words[1]):  # Павел Ильич: no surname at all
        return False
    return second if first != second else not _CYRILLIC.search(words[0])
