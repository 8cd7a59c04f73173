"""What a letter is looked through for before it goes (D79). Only what makes it impossible to send stops it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import gettext as _

from webapp.letters.models import Letter
from webapp.mail import addresses

_PLACES = re.compile(r"\{[^{}\n]*\}|\[[^\[\]\n]*\]|<[^<>\n@]*>|_{3,}|\bXX+\b|\bТУТ\b")
_EMPTY_SUBJECTS = re.compile(
    r"(re:|fwd?:|hello|hi|letter|mail|письмо|привет|здравствуйте|добрый день)[\s.,:]*", re.IGNORECASE
)


@dataclass(frozen=True)
class Warned:
    """`field`: to_address, subject or body. `stops`: it can't be sent like this."""

    field: str
    words: str
    stops: bool = False


def look(letter: Letter) -> list[Warned]:
    """All there is to say, in the order of the fields."""
    found: list[Warned] = []

    def warn(field: str, words: str, stops: bool = False) -> None:
        found.append(Warned(field, words, stops))

    if not letter.to_address.strip():
        warn("to_address", _("Type the e-mail address it goes to."), True)
    elif not addresses.is_address(letter.to_address):
        warn("to_address", _("This is no e-mail address: it should look like name@firm.example."), True)
    subject, body = letter.subject.strip(), letter.body.strip()
    if not subject:
        warn("subject", _("Write what it is about."), True)
    elif len(subject) < 10 or len(subject.split()) < 2 or _EMPTY_SUBJECTS.fullmatch(subject):
        warn("subject", _("The subject says little: name the matter."))
    for field, text in (("subject", subject), ("body", body)):
        if "?!" in text or "!?" in text:
            warn(field, _("“?!” sounds reproachful; ask plainly."))
        elif "!" in text:
            warn(field, _("No exclamation marks: a full stop is calmer."))
        if place := _PLACES.search(text):
            warn(field, _("Not filled in yet: %(place)s", place=place[0]))
    if not body:
        warn("body", _("The letter is empty."), True)
    elif not _greets(letter, body):
        warn("body", _("Greet by name in the first line."))
    if body and "\n\n" not in body and len(body) > 500:
        warn("body", _("One long block of text: part it into paragraphs."))
    return found


def _greets(letter: Letter, body: str) -> bool:
    """The first line holds the given name, or the surname, of somebody at the client; true when nobody is known."""
    people = [letter.touch.person] if letter.touch.person else list(letter.client.people) if letter.client else []
    names = {name.casefold() for person in people if person for name in (person.given_name, person.surname) if name}
    first = body.splitlines()[0].casefold()
    return not names or any(name in first for name in names)
