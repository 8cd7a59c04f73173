"""Pasted lines: whatever the order of their columns, the number is found; what is none is kept as written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.worklists import lines
from webapp.worklists.lines import Line


def read(text: str) -> list[Line]:
    rows = lines.split(text)
    column, named = lines.layout(rows)
    return lines.read(rows[named:], column, "RU")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+7 495 123-45-67", [("+74951234567", "", "", "")]),
        ("8 (495) 123-45-67;Рассвет;Орлов Павел;окна", [("+74951234567", "Рассвет", "Орлов Павел", "окна")]),
        ("Рассвет\tОрлов\t84951234567\tокна\tсрочно", [("+74951234567", "Рассвет", "Орлов", "окна; срочно")]),
        ("Phone,Company\n495 123 45 67,Rassvet\n+44 20 7946 0001,Dawn",
         [("+74951234567", "Rassvet", "", ""), ("+442079460001", "Dawn", "", "")]),
        ("Рассвет +7 495 123-45-67", [("+74951234567", "Рассвет", "", "")]),
        ('"ООО ""Рассвет; и ко""";84951234567', [("+74951234567", 'ООО "Рассвет; и ко"', "", "")]),
        ("84951234567;Рассвет\nask the guard;Гранит\n;Базальт",
         [("+74951234567", "Рассвет", "", ""), ("ask the guard", "Гранит", "", ""), ("", "Базальт", "", "")]),
        ("84951234567;Рассвет\nГранит;84957654321",
         [("+74951234567", "Рассвет", "", ""), ("+74957654321", "Гранит", "", "")]),
        ("84951234567;Рассвет\n12;Гранит", [("+74951234567", "Рассвет", "", ""), ("12", "Гранит", "", "")]),
        ("", []), ("\n \n\0\n", []),
    ],
)  # fmt: skip
def test_what_people_paste(text: str, found: list[tuple[str, ...]]) -> None:
    assert [tuple(line) for line in read(text)] == found


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='0123456789+-() ;,\t\n"абв=A\0\r', max_size=200))
def test_any_text_is_lines_that_fit_their_columns(text: str) -> None:
    for line in read(text):
        assert (
            len(line.number) <= 40 and len(line.company) <= 200 and len(line.person) <= 200 and len(line.about) <= 400
        )
