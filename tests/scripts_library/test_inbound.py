"""The scripts that ship: in order, complete (D42-D64), the same in both languages, always sayable."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.clients.fields import CALLER_KINDS, CLIENT_KINDS, FIELD_NAMES
from webapp.office.defaults import OUTCOMES, PURPOSES
from webapp.scripts import grammar, walk
from webapp.scripts.check import check
from webapp.scripts.grammar import LETTERS, SITUATIONS, Script, parse
from webapp.scripts.phrases import PLACEHOLDERS, slots
from webapp.touches.models import NEXT_KINDS

FOLDER = Path(__file__).parents[2] / "scripts_library"


def load(language: str) -> Script:
    path = FOLDER / f"inbound.{language}.yaml"
    script, _, problems = parse(path.read_bytes(), path.name)
    assert script, problems
    return script


SCRIPTS = {language: load(language) for language in ("en", "ru")}
both = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())


def test_the_library_is_in_order() -> None:
    assert list(map(str, check(FOLDER, FIELD_NAMES))) == []


@both
def test_at_least_25_questions_and_some_learn_the_card(script: Script) -> None:
    assert len(script.questions) >= 25
    assert len({question.text for question in script.questions}) == len(script.questions)
    learnt = {question.field for question in script.questions} - {None}
    needs = {"reason", "product", "volume", "how_often", "order_size", "needed_by", "exact_variant", "delivery"}
    assert needs | {"storage", "decides_alone"} <= learnt  # D32


@both
def test_every_question_is_one_open_short_sentence(script: Script) -> None:
    for question in script.questions:
        assert question.text.endswith("?") and question.text.count("?") == 1
        assert len(question.text) <= 70


@both
def test_every_answer_ends_with_a_counter_question(script: Script) -> None:
    """D47: who asks leads the talk. Steps that wait for an answer ask."""
    for step_id, step in script.steps.items():
        if step.answers and not step.say.endswith("{greeting_phrase}"):
            assert "?" in re.split(r"(?<=[.!?])\s", step.say)[-1], step_id


@both
def test_the_thirteen_pairs_are_hints(script: Script) -> None:
    """D62: what to do instead stands beside what not to do."""
    places = {
        "missed_greet": "long ringing", "greet": "hello, yes", "known_greet": "can I help you",
        "matter_status": "two talks at once", "found_out": "the phone left alone", "absent_message": "scraps",
        "transfer": "passing around", "absent_say": "everyone is at lunch", "find_expert": "I don't know",
        "alternatives": "we can't", "find_out": "wait a little", "ask_name": "who is this",
        "need": "what do you need",
    }  # fmt: skip
    assert len(places) == 13
    for step_id, pair in places.items():
        hint = script.steps[step_id].hint
        assert hint and hint.wrong and hint.right and hint.wrong != hint.right, pair


@both
def test_keys_of_lists_exist(script: Script) -> None:
    answers = [answer for step in script.steps.values() for answer in step.answers]
    assert {answer.purpose for answer in answers} - {None} <= {purpose[0] for purpose in PURPOSES}
    assert {answer.outcome for answer in answers} - {None} <= {outcome[0] for outcome in OUTCOMES}
    assert set(NEXT_KINDS) == set(get_args(grammar.NextKind))
    assert {answer.light for answer in answers} >= {"name", "next_step"}  # D42
    assert any(answer.promise for answer in answers)  # D26


@both
def test_filled_choices_are_ones_the_card_offers(script: Script) -> None:
    filled = [item for step in script.steps.values() for answer in step.answers for item in answer.fills.items()]
    assert {value for name, value in filled if name == "caller_kind"} == {"now", "later", "casual"} < set(CALLER_KINDS)
    assert {value for name, value in filled if name == "kind"} == {"private"} < set(CLIENT_KINDS)


@both
def test_a_name_stands_only_where_its_plain_form_is_right(script: Script) -> None:
    """{caller} is an address, between commas or at an end; no language has to decline it."""
    for sentence in _sentences(script):
        for piece in re.findall(r".{0,2}\{caller\}.{0,2}", sentence):
            assert piece in ("[{caller}, ", "[, {caller}]", ", {caller}]", ", {caller}]!", ", {caller}].") or (
                ", {caller}]" in piece or "[{caller}, " in piece
            ), sentence


def test_russian_does_not_give_the_manager_a_sex() -> None:
    """A woman and a man say the same sentences: no past tense or short adjective in the first person."""
    gendered = r"\b(я|мне) \w+л\b|\b(рад|должен|готов|согласен|уверен|понял|записал|сам)\b"
    for step_id, step in SCRIPTS["ru"].steps.items():
        assert not re.search(gendered, step.say.lower()), (step_id, step.say)


def test_russian_is_polite_and_has_no_dashes_for_the_reader_to_stumble_over() -> None:
    for sentence in _sentences(SCRIPTS["ru"]):
        assert not re.search(r"\b(ты|тебя|тебе|твой|твоя|давай)\b", sentence.lower()), sentence
        assert not re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", sentence)), sentence


@both
def test_rules_of_the_trade_hold_where_they_can_be_seen(script: Script) -> None:
    steps = script.steps
    missed = steps["missed_greet"].say.lower()
    assert "sorry" in missed or "простите" in missed
    absent = steps[script.branches["absent"].steps[0]].say
    assert absent.index("{owner}") < absent.index("?")  # D58: the absence first
    assert steps["absent_message"].answers[0].ask == "message"
    assert [one for one in script.branches["price"].steps if steps[one].deflection] == [
        "price_first", "price_second", "price_third"
    ]  # fmt: skip
    angry = ("angry_listen", "angry_let_speak", "angry_name", "angry_sorry", "angry_do")
    assert [steps[one].hint.right[0] for one in angry if steps[one].hint] == ["1", "2", "3", "4", "5"]  # type: ignore[union-attr]
    assert [one.asked for one in walk.view(walk.start(script, "new_caller"), script, {}, ()).questions].count(True) == 0
    # D34: something useful for the e-mail first, the phone next, the firm and the channel last.
    order = ["materials", "phone", "firm", "channel"]
    for before, after in pairwise(order):
        assert {answer.to for answer in steps[before].answers} == {after}
    assert steps["firm"].answers[0].ask == "what_it_does" and steps["channel"].answers[0].ask == "channel"


@both
def test_a_new_caller_walks_to_a_meeting(script: Script) -> None:
    state = walk.start(script, "new_caller")
    fields: dict[str, str] = {}
    outcome = next_kind = None
    keys: list[tuple[int, str]] = [
        (1, ""), (1, "Pavel"), (1, "Rassvet"), (1, "windows"), (1, "a school"), (2, "1 May"), (1, "40"),
        (1, "triple"), (1, ""), (1, ""), (1, ""), (1, ""), (1, "+7 900"), (1, "p@example.org"), (1, ""),
        (1, "builds"), (1, "friends"), (1, ""), (1, ""), (1, ""),
    ]  # fmt: skip
    for n, text in keys:
        state, effects = walk.answer(state, script, n, text)
        fields |= effects.fields
        outcome, next_kind = effects.outcome or outcome, effects.next_kind or next_kind
    shown = walk.view(state, script, {"caller": "Pavel"}, fields)
    assert shown.end and shown.name_light and shown.next_step_light
    assert (outcome, next_kind) == ("meeting", "meeting_ours")
    assert fields.pop("decides_alone") == {"en": "yes", "ru": "да"}[script.language]
    assert fields == {
        "given_name": "Pavel", "name": "Rassvet", "product": "windows", "reason": "a school", "needed_by": "1 May",
        "volume": "40", "exact_variant": "triple", "mobile": "+7 900",
        "email": "p@example.org", "what_it_does": "builds", "channel": "friends",
    }  # fmt: skip


@both
def test_a_known_client_is_not_asked_what_the_card_knows(script: Script) -> None:
    known = {"given_name", "name", "email", "phone", "mobile", "what_it_does", "channel"}
    state = walk.start(script, "known_client", known)
    for n in (3, 2, 1, 1, 1, 1, 1, 1, 1):
        state, _ = walk.answer(state, script, n, "x", known)
    assert state.step == "next_agreed"


@both
def test_who_will_not_give_a_name_is_not_asked_for_ever(script: Script) -> None:
    state, _ = walk.answer(walk.start(script, "new_caller"), script, 1)
    state, _ = walk.branch(state, script, "wont_name")
    state, _ = walk.answer(state, script, 2)
    state, effects = walk.answer(state, script, 1, "a leaking window")
    assert (state.step, state.returns) == ("when", ()) and effects.fields == {"reason": "a leaking window"}


def _sentences(script: Script) -> list[str]:
    return [
        *(step.say for step in script.steps.values()),
        *(question.text for question in script.questions),
        *(getattr(script.phrases, name) for name in type(script.phrases).model_fields),
    ]


def test_the_readme_tells_every_word_of_the_grammar() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in PLACEHOLDERS:
        assert f"`{{{name}}}`" in readme, name
    words = {*LETTERS, *SITUATIONS, *NEXT_KINDS, *FIELD_NAMES, "message", "said"}
    for model in (Script, grammar.Step, grammar.Answer, grammar.Hint, grammar.Question, grammar.Phrases):
        words |= {field.alias or name for name, field in model.model_fields.items()}
    for word in words:
        assert re.search(rf"\b{word}\b", readme), word


key = st.one_of(
    st.tuples(st.just("answer"), st.integers(0, 7), st.text(max_size=8)),
    st.tuples(st.just("branch"), st.sampled_from(sorted(LETTERS))),
    st.tuples(st.just("back")),
    st.tuples(st.just("ask"), st.sampled_from([one.id for one in SCRIPTS["en"].questions])),
    st.tuples(st.just("reload")),
    st.tuples(st.just("language")),
)
values = st.dictionaries(
    st.sampled_from(sorted(PLACEHOLDERS)),
    st.none() | st.text(alphabet=st.characters(blacklist_characters="{}[]|"), max_size=12),
)


def press(state: walk.State, script: Script, move: Any, known: set[str]) -> walk.State:
    match move:
        case ("answer", n, text):
            after, effects = walk.answer(state, script, n, text, known)
            assert set(effects.fields) <= FIELD_NAMES
            return after
        case ("branch", branch):
            return walk.branch(state, script, branch, known)[0]
        case ("back",):
            return walk.back(state, script)[0]
        case ("ask", question):
            return walk.ask(state, script, question)[0]
    return walk.State.model_validate_json(state.model_dump_json())


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(sorted(SCRIPTS)),
    st.sampled_from(SITUATIONS),
    st.lists(key, max_size=40),
    values,
    st.sets(st.sampled_from(sorted(FIELD_NAMES))),
)
def test_any_keys_leave_a_sentence_that_can_be_said(
    language: str, situation: Any, moves: list[Any], known_values: dict[str, str | None], known: set[str]
) -> None:
    script = SCRIPTS[language]
    state = walk.start(script, situation, known)
    met = set[str]()
    for move in [("reload",), *moves]:
        if move == ("language",):
            script = SCRIPTS["ru" if script.language == "en" else "en"]
        state = press(state, script, move, known)
        met.add(state.step)
        shown = walk.view(state, script, known_values, known)
        assert len(shown.say) > 5 and not re.search(r"[{}\[\]|]", shown.say)
        assert not re.search(r"\s[,.?!]|,\s*[,.?!]|\s\s", re.sub(r"\.\.\.", "", _plain(shown.say, known_values)))
        assert shown.end or 1 <= len(shown.answers) <= 6
        assert len(shown.branches) == 7
        if shown.shows_price:
            assert {"price_first", "price_second", "price_third"} <= met
        elif known_values.get("price_range"):
            without = {**known_values, "price_range": None}
            assert walk.view(state, script, without, known).say == shown.say


def _plain(said: str, known_values: dict[str, str | None]) -> str:
    """The sentence without odd values, whose own commas and spaces are not the script's doing."""
    odd = [value for value in known_values.values() if value and not value.isalnum()]
    return "" if odd else said


@both
@pytest.mark.parametrize("knowing", [False, True])
def test_every_sentence_reads_well_with_and_without_values(script: Script, knowing: bool) -> None:
    known = {name: "Xx" for name in PLACEHOLDERS} if knowing else {}
    known |= {"greeting_phrase": "How can I help?"} if knowing else {}
    known |= walk.words_of_the_hour(script, datetime(2026, 3, 3, 12, tzinfo=UTC))
    for step_id in script.steps:
        state = walk.start(script, "new_caller").model_copy(update={"step": step_id})
        said = walk.view(state, script, known, ()).say
        assert not re.search(r"\s[,.?!;:]|[,:;]\s*[,.?!;:]|\s\s|[!?.]{2}", said), said
        assert said[0].isupper() or said[0].isdigit(), said
        assert said[-1] in ".!?", said
        assert len(said) <= 140, (len(said), said)


@both
def test_price_range_is_bracketed(script: Script) -> None:
    assert [bare for name, bare in slots(script.steps["price_last"].say) if name == "price_range"] == [False]
