"""Sentences: filling in, leaving out, never a hole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.scripts.phrases import PLACEHOLDERS, PhraseError, fill, slots, spoken_length


@pytest.mark.parametrize(
    ("sentence", "values", "said"),
    [
        ("Thank you[, {caller}]!", {"caller": "Pavel"}, "Thank you, Pavel!"),
        ("Thank you[, {caller}]!", {"caller": ""}, "Thank you!"),
        ("Thank you[, {caller}]!", {"caller": None}, "Thank you!"),
        ("[{caller}, ]when?", {}, "When?"),
        ("[{caller}, ]когда?", {"caller": "Иван"}, "Иван, когда?"),
        ("[{owner}, back {owner_returns}|{owner}|He] is away", {"owner": "Orlov"}, "Orlov is away"),
        ("[{owner}, back {owner_returns}|{owner}|He] is away", {"owner_returns": "today"}, "He is away"),
        ("{office} here", {}, "Sales here"),
        ("{office} here", {"office": "  Ras\n svet  "}, "Ras svet here"),
        ("A[ {product} |] b", {}, "A b"),
        ("{office}", {"office": "{caller}[|"}, "{caller}[|"),
    ],
)
def test_fill(sentence: str, values: dict[str, str | None], said: str) -> None:
    assert fill(sentence, values, {"office": "Sales"}) == said


def test_a_long_value_is_cut_at_a_word() -> None:
    assert fill("{office}", {"office": "word " * 100}, {}) == "Word" + " word" * 23 + "…"
    assert len(fill("{office}", {"office": "x" * 500}, {})) == 121


@pytest.mark.parametrize("sentence", ["{", "}", "a [b", "a ] b", "a | b", "[a [b]]", "{a{b}}", "[{a]}"])
def test_what_does_not_pair_is_refused(sentence: str) -> None:
    with pytest.raises(PhraseError):
        fill(sentence, {}, {})


def test_slots_say_what_is_bare() -> None:
    assert list(slots("{a}[{b}|c {d}]")) == [("a", True), ("b", False), ("d", False)]


def test_length_counts_the_longest_way() -> None:
    assert spoken_length("[ab|abcd] {caller}") == 4 + 1 + 12


@given(st.dictionaries(st.sampled_from(sorted(PLACEHOLDERS)), st.text() | st.none()), st.text(max_size=60))
def test_any_value_is_only_text(values: dict[str, str | None], name: str) -> None:
    said = fill("[{caller}, |]good day, {office}!", {**values, "caller": name}, {"office": "Sales"})
    assert said.endswith("!") and "good day, " in said.lower()
