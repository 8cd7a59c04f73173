"""The contract: whatever one side writes the other reads back, and nonsense is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipbridge.events import (
    COMMANDS,
    KINDS,
    Choice,
    Command,
    Event,
    Menu,
    Mode,
    Plan,
    Step,
    WireError,
    decode,
    decode_command,
    encode,
    encode_command,
    from_wire,
    to_wire,
)

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=300)
@given(event=st.one_of([st.from_type(kind) for kind in KINDS.values()]))
def test_every_event_comes_back_as_it_was_written(event: Event) -> None:
    wire = json.loads(json.dumps(encode("id-1", event)))
    assert decode(wire) == ("id-1", event)


@settings(max_examples=200)
@given(command=st.one_of([st.from_type(kind) for kind in COMMANDS.values()]))
def test_every_command_comes_back_as_it_was_written(command: Command) -> None:
    wire = json.loads(json.dumps(encode_command("id-1", command)))
    assert decode_command(wire) == ("id-1", command)


PLAN = Plan((Step(("sip:anna@192.0.2.1",), 20.0),), 2, 5.0, "greeting.en.wav", "apology.en.wav", True)


def test_a_plan_of_an_older_desk_has_the_newer_fields_by_default() -> None:
    wire = to_wire(PLAN)
    for name in ("mode", "notice", "hold_music", "menu", "message_seconds", "pause_keys"):
        del wire[name]
    assert from_wire(Plan, wire) == PLAN
    assert from_wire(Plan, wire).mode is Mode.BRIDGE


def test_a_plan_with_a_menu_comes_back() -> None:
    menu = Menu("menu.en.wav", (Choice("1", (Step(("registered:boris",), 15.0),)), Choice("2", ())))
    plan = Plan((), 2, 5.0, "", "", False, menu=menu)
    assert from_wire(Plan, json.loads(json.dumps(to_wire(plan)))) == plan


@pytest.mark.parametrize(
    ("envelope", "why"),
    [
        (None, "envelope is not an object"),
        ({"kind": "Hold", "data": {}}, "command_id is missing"),
        ({"command_id": "1", "kind": "CallOffered", "data": {}}, "unknown kind 'CallOffered'"),
        ({"command_id": "1", "kind": "Hold", "data": {}}, "Hold.call_id is missing"),
        ({"command_id": "1", "kind": "Hold", "data": {"call_id": 7}}, "Hold.call_id should be str"),
    ],
)
def test_a_command_that_is_none_is_refused_by_name(envelope: object, why: str) -> None:
    with pytest.raises(WireError, match=f"^{why}$"):
        decode_command(envelope)
