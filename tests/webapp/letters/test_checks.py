"""What a letter is looked through for before it goes (D79)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from webapp.letters import checks
from webapp.letters.models import Letter


@pytest.mark.parametrize(
    ("field", "text", "words", "stops"),
    [
        ("to_address", "", "Type the e-mail", True),
        ("to_address", "pavel@rassvet", "no e-mail address", True),
        ("to_address", "pavel@rassvet.example, boris@x.example", "no e-mail address", True),
        ("subject", "", "what it is about", True),
        ("subject", "Письмо", "says little", False),
        ("subject", "Windows", "says little", False),
        ("subject", "Windows for you today!", "No exclamation marks", False),
        ("body", "Dear Pavel, where is it?!", "reproachful", False),
        ("body", "Dear Pavel, our price is {price}", "{price}", False),
        ("body", "Dear Pavel, our price is ____", "____", False),
        ("body", "Good day. The offer follows.", "Greet by name", False),
        ("body", " \n", "is empty", True),
        ("body", "Dear Pavel, " + "word " * 120, "paragraphs", False),
    ],
)
def test_what_is_said(field: str, text: str, words: str, stops: bool, letter: Letter, session: Session) -> None:
    setattr(letter, field, text)
    found = [one for one in checks.look(letter) if one.field == field]
    assert any(words in one.words and one.stops is stops for one in found), found


def test_the_proposed_letter_needs_no_mending(letter: Letter) -> None:
    assert checks.look(letter) == []
