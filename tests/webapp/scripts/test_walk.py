"""Walking: keys move, branches come back, nothing typed is lost, every sentence can be said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.webapp.scripts.mini import MINI, mini
from webapp.scripts import walk
from webapp.scripts.grammar import LETTERS, SITUATIONS
from webapp.scripts.walk import State

SCRIPT = mini()
VALUES = {"office": "Rassvet", "caller": "Pavel", "price_range": "10 to 20"}


def at(step: str, situation: str = "new_caller") -> State:
    state = walk.start(SCRIPT, situation)  # type: ignore[arg-type]
    return state.model_copy(update={"step": step})


def say(state: State) -> str:
    return walk.view(state, SCRIPT, VALUES, set()).say


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_starts_at_its_own_step(situation: str) -> None:
    state = walk.start(SCRIPT, situation)  # type: ignore[arg-type]
    assert state.step == SCRIPT.entry(situation)  # type: ignore[arg-type]


def test_a_call_of_ours_begins_as_a_known_clients_where_the_script_has_nothing_of_its_own() -> None:
    assert "we_call" not in SCRIPT.entries
    assert walk.start(SCRIPT, "we_call").step == SCRIPT.entries["known_client"]


def test_an_answer_moves_fills_and_lights() -> None:
    state, effects = walk.answer(at("ask_name"), SCRIPT, 1, "  Pavel\x00 ")
    assert state.step == "need"
    assert effects.fields == {"given_name": "Pavel"}
    assert effects.lights == {"name"} and state.lights == ("name",)
    state, effects = walk.answer(state, SCRIPT, 1, "a window")
    assert effects.fields == {"product": "a window", "note": "asked"}
    state, effects = walk.answer(state, SCRIPT, 1)
    assert effects.promise and effects.outcome == "call_back" and effects.next_kind == "call_back"
    shown = walk.view(state, SCRIPT, VALUES, set())
    assert shown.end and shown.answers == () and shown.name_light and shown.next_step_light
    assert [(one.step, one.n, one.text) for one in state.given] == [
        ("ask_name", 1, "Pavel"),
        ("need", 1, "a window"),
        ("agree", 1, ""),
    ]


def test_a_sentence_that_promises_starts_the_clock_when_it_is_reached_and_once() -> None:
    agree = SCRIPT.steps["agree"].model_copy(update={"promise": True})
    script = SCRIPT.model_copy(update={"steps": {**SCRIPT.steps, "agree": agree}})
    state, effects = walk.answer(at("need"), script, 1, "a window")
    assert state.step == "agree" and effects.promise and effects.fields["product"] == "a window"
    state, effects = walk.branch(state, script, "price")
    assert not effects.promise
    assert not walk.back(state, script)[1].promise


def test_a_purpose_is_proposed() -> None:
    assert walk.answer(at("greet"), SCRIPT, 1)[1].purpose == "question"


def test_a_light_is_earned_by_what_is_written_down() -> None:
    state, effects = walk.answer(at("ask_name"), SCRIPT, 1, "   ")
    assert state.step == "need" and not effects.fields and not effects.lights
    assert walk.answer(at("ask_name"), SCRIPT, 1, "", known={"given_name"})[1].lights == {"name"}


def test_the_name_light_is_on_when_the_card_knows_both() -> None:
    def light(*known: str) -> bool:
        return walk.view(at("need"), SCRIPT, VALUES, known).name_light

    assert light("name", "given_name") and light("name", "surname")
    assert not light("name") and not light("given_name")


@pytest.mark.parametrize("n", [-1, 0, 3, 7, 10**9])
def test_a_key_that_is_not_offered_changes_nothing(n: int) -> None:
    state = at("need")
    assert walk.answer(state, SCRIPT, n, "x") == (state, walk.NOTHING)


def test_a_branch_comes_back_to_the_step_that_was_left() -> None:
    state, effects = walk.branch(at("need"), SCRIPT, "cant_hear")
    assert (state.step, state.returns, effects) == ("aside", ("need",), walk.NOTHING)
    shown = walk.view(state, SCRIPT, VALUES, set())
    assert shown.returning_to == "Pavel, what would you like?"
    assert [one.key for one in shown.branches if one.here] == [
        "wont_name", "angry", "absent", "cant_hear", "dont_know"
    ]  # fmt: skip
    state, _ = walk.answer(state, SCRIPT, 1)
    assert (state.step, state.returns) == ("need", ())


def test_branches_nest() -> None:
    state, _ = walk.branch(at("need"), SCRIPT, "price")
    state, _ = walk.branch(state, SCRIPT, "angry")
    assert state.returns == ("need", "price_1")
    state, _ = walk.answer(state, SCRIPT, 1)
    assert (state.step, state.returns) == ("price_1", ("need",))
    state, _ = walk.answer(state, SCRIPT, 2)
    assert (state.step, state.returns) == ("need", ())


def test_insisting_on_the_price_takes_the_next_deflection_and_never_skips_one() -> None:
    state = at("need")
    for step in ("price_1", "price_2", "price_3", "price_3", "price_3"):
        state, _ = walk.branch(state, SCRIPT, "price")
        assert state.step == step and state.returns == ("need",)
        assert not walk.view(state, SCRIPT, VALUES, set()).shows_price
    state, _ = walk.answer(state, SCRIPT, 1)
    shown = walk.view(state, SCRIPT, VALUES, set())
    assert shown.shows_price and shown.say == "It is 10 to 20. What sum did you mean?"


def test_no_price_range_still_leaves_a_sentence() -> None:
    shown = walk.view(at("price_last"), SCRIPT, {}, set())
    assert shown.say == "It depends. What sum did you mean?"


def test_an_answer_may_go_through_a_branch_and_on() -> None:
    state, _ = walk.answer(at("greet"), SCRIPT, 2)
    assert (state.step, state.returns) == ("price_1", ("need",))


def test_a_step_that_asks_what_is_known_is_passed_over() -> None:
    assert walk.answer(at("greet"), SCRIPT, 1)[0].step == "ask_name"
    assert walk.answer(at("greet"), SCRIPT, 1, known={"given_name"})[0].step == "need"
    state, _ = walk.answer(at("ask_name"), SCRIPT, 1, "Pavel")
    state, _ = walk.back(state, SCRIPT)
    assert state.step == "ask_name"  # back-step shows it all the same
    state, _ = walk.branch(state, SCRIPT, "cant_hear")
    assert walk.answer(state, SCRIPT, 1)[0].step == "need"  # a branch does not come back to ask again


def test_back_undoes_the_place_and_its_lights_but_not_what_was_typed() -> None:
    first = walk.start(SCRIPT, "new_caller")
    second, _ = walk.answer(first, SCRIPT, 1)
    third, _ = walk.answer(second, SCRIPT, 1, "Pavel")
    back, effects = walk.back(third, SCRIPT)
    assert effects == walk.NOTHING
    assert (back.step, back.lights, back.given) == ("ask_name", (), second.given)
    assert back.filled == ("given_name",)
    back, _ = walk.back(back, SCRIPT)
    assert back.step == "greet" and not walk.view(back, SCRIPT, VALUES, set()).can_go_back
    assert walk.back(back, SCRIPT) == (back, walk.NOTHING)


def test_back_leaves_a_branch() -> None:
    state, _ = walk.branch(at("need"), SCRIPT, "price")
    state, _ = walk.back(state, SCRIPT)
    assert (state.step, state.returns) == ("need", ())


def test_what_nothing_fitted_goes_to_the_head() -> None:
    state, _ = walk.branch(at("need"), SCRIPT, "nothing_fits")
    state, effects = walk.answer(state, SCRIPT, 1, "wants it\npainted")
    assert (effects.said, effects.said_at, effects.fields) == ("wants it\npainted", "need", {})
    assert state.step == "need"


def test_questions_are_ticked_and_struck_off() -> None:
    state, _ = walk.ask(at("need"), SCRIPT, "q3")
    state, _ = walk.ask(state, SCRIPT, "no such question")
    shown = {one.id: one for one in walk.view(state, SCRIPT, VALUES, {"product"}).questions}
    assert len(shown) == 25
    assert shown["q3"].asked and not shown["q3"].known
    assert shown["product"].known and not shown["product"].asked
    assert shown["product"].text == "Which product, Pavel?"
    state, _ = walk.ask(state, SCRIPT, "q3")
    assert state.asked == ()


@pytest.mark.parametrize("known", ["phone", "mobile"])
def test_either_telephone_answers_the_question_for_a_phone(known: str) -> None:
    contact = SCRIPT.questions[0].model_copy(update={"id": "contact", "field": "phone"})
    script = SCRIPT.model_copy(update={"questions": [contact, *SCRIPT.questions[1:]]})
    shown = walk.view(at("need"), script, VALUES, {known}).questions
    assert [one.id for one in shown if one.known] == ["contact"]


def test_what_was_filled_in_this_run_strikes_its_question_off() -> None:
    state, _ = walk.answer(at("need"), SCRIPT, 1, "a window")
    assert {one.id for one in walk.view(state, SCRIPT, VALUES, set()).questions if one.known} == {"product"}


def test_the_constant_keys_are_always_there() -> None:
    for step in SCRIPT.steps:
        shown = walk.view(at(step), SCRIPT, VALUES, set())
        assert [(one.key, one.letter) for one in shown.branches] == list(LETTERS.items())
    assert "".join(LETTERS.values()) == "PWABHDN"


def test_a_state_survives_json() -> None:
    state, _ = walk.branch(at("need"), SCRIPT, "price")
    assert State.model_validate_json(state.model_dump_json()) == state
    assert State.model_validate(state.model_dump(mode="json")) == state


def test_a_step_that_vanished_restarts_gently_and_says_so() -> None:
    shorter = mini(
        MINI.replace("version: 1", "version: 2").replace("  need:", "  wish:").replace("to: need", "to: wish")
    )
    state = at("need", "open_matter")
    shown = walk.view(state, shorter, VALUES, set())
    assert shown.step == "matter" and "changed during the talk" in str(shown.notice)
    moved, _ = walk.answer(state, shorter, 1)
    assert moved.step == "bye" and moved.version == 2
    assert walk.view(moved, shorter, VALUES, set()).notice is None


def test_a_return_to_a_step_that_vanished_goes_to_the_entry() -> None:
    shorter = mini(MINI.replace("  need:", "  wish:").replace("to: need", "to: wish"))
    state, _ = walk.branch(at("need"), SCRIPT, "cant_hear")
    state, _ = walk.answer(state, shorter, 1)
    assert state.step == "greet"


def test_memory_is_bounded() -> None:
    state = at("greet")
    for _ in range(300):
        for key in LETTERS:
            state, _ = walk.branch(state, SCRIPT, key)
    assert len(state.history) == walk.MAX_HISTORY and len(state.returns) <= walk.MAX_RETURNS
    state, effects = walk.answer(at("need"), SCRIPT, 1, "x" * 10**6)
    assert len(effects.fields["product"]) == walk.MAX_TYPED


@pytest.mark.parametrize(
    ("hour", "word"),
    [(4, "Hello"), (5, "Good morning"), (11, "Good morning"), (12, "Good afternoon"), (17, "Good afternoon"),
     (18, "Good evening"), (22, "Good evening"), (23, "Hello"), (0, "Hello")],
)  # fmt: skip
def test_the_greeting_word_follows_the_clock(hour: int, word: str) -> None:
    assert walk.words_of_the_hour(SCRIPT, datetime(2026, 3, 10, hour, 59, tzinfo=UTC))["greeting_word"] == word


@pytest.mark.parametrize(
    ("month", "day", "wished"),
    [(12, 19, False), (12, 20, True), (12, 31, True), (1, 1, True), (1, 5, True), (1, 6, False), (7, 1, False)],
)
def test_wishes_are_said_around_holidays(month: int, day: int, wished: bool) -> None:
    words = walk.words_of_the_hour(SCRIPT, datetime(2026, month, day, 12, tzinfo=UTC))
    assert bool(words["holiday_wish"]) is wished


def test_moments_are_spoken() -> None:
    now = datetime(2026, 12, 31, 9, 0, tzinfo=UTC)
    assert walk.spoken_moment(SCRIPT, datetime(2026, 12, 31, 15, 5, tzinfo=UTC), now) == "today at 15:05"
    assert walk.spoken_moment(SCRIPT, datetime(2027, 1, 1, 9, 0, tzinfo=UTC), now) == "tomorrow at 09:00"
    assert walk.spoken_moment(SCRIPT, datetime(2027, 1, 12, 9, 0, tzinfo=UTC), now) == "on 12 January at 09:00"


def test_phrases_outside_the_steps() -> None:
    assert walk.phrase(SCRIPT, "back_from_hold", VALUES) == "Thank you, Pavel."
    assert walk.phrase(SCRIPT, "hold", {}) == "Will you hold?"


def test_going_on_is_the_first_key() -> None:
    assert [(one.n, str(one.text)) for one in walk.view(at("matter"), SCRIPT, VALUES, set()).answers] == [(1, "Go on")]
    assert say(at("matter")) == "How can I help?"
    assert walk.answer(at("matter"), SCRIPT, 1)[0].step == "bye"
    assert walk.answer(at("bye"), SCRIPT, 1)[0].step == "bye"
