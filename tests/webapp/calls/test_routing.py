"""Who is rung and why: every rule of D11-D18 by example, and what holds for any facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.calls.routing import AT_ANY_HOUR, ORDER, SPREADS, Decision, Facts, Hunt, Seat, Where, decide


def person(number: int) -> Seat:
    return Seat(number, f"Person {number}", f"sip:{number}@127.0.0.1:5999")


OWNER, MATTER, DUTY, BACKUP, HEAD, REGION, SECOND, ASKED = (person(n) for n in range(1, 9))
NEW = Facts(duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,))
KNOWN = Facts(client_known=True, owner=OWNER, duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,))


def ids(decision: Decision) -> list[list[int]]:
    return [[seat.user_id for seat in step.seats] for step in decision.steps]


def where(**states: str) -> dict[int, Where]:
    """`where(p3="talk")`: person 3 is in a talk."""
    return {int(name[1:]): Where(state) for name, state in states.items()}


def test_a_new_caller_goes_to_duty_then_backup_then_head() -> None:
    decision = decide(NEW)
    assert ids(decision) == [[3], [4], [5]]
    assert (decision.reason, decision.situation, decision.duty_ids) == ("duty", "new_caller", (3,))
    assert not decision.gap


def test_a_client_goes_to_his_own_manager_and_not_through_the_pool() -> None:
    decision = decide(KNOWN)
    assert ids(decision) == [[1], [3], [4], [5]]
    assert (decision.reason, decision.situation) == ("own_manager", "known_client")


def test_an_open_matter_goes_to_its_owner_and_then_to_the_clients_own_manager() -> None:
    decision = decide(Facts(client_known=True, owner=OWNER, matter_owner=MATTER, has_open_matter=True, duty=(DUTY,)))
    assert ids(decision) == [[2], [1], [3]]
    assert (decision.reason, decision.situation) == ("matter_owner", "open_matter")


@pytest.mark.parametrize("state", ["absent", "away", "off", "left"])
def test_when_the_own_manager_is_away_duty_answers_for_him_and_it_is_said_why(state: str) -> None:
    decision = decide(replace(KNOWN, states={1: Where(state, "2026-03-10T11:00:00+00:00")}))
    assert ids(decision) == [[3], [4], [5]]
    assert (decision.reason, decision.situation) == ("own_manager_away", "absent_employee")
    assert (decision.names["name"], decision.names["why"], decision.names["rung"]) == ("Person 1", state, "Person 3")
    assert [(one.user_id, one.why) for one in decision.passed_over] == [(1, state)]
    assert decision.meant_id == 1


def test_who_was_asked_for_comes_after_the_own_manager_and_before_the_region() -> None:
    facts = Facts(client_known=True, asked_for=ASKED, worked_with=SECOND, region=(REGION,), duty=(DUTY,))
    assert ids(decide(facts)) == [[8], [7], [6], [3]]
    assert decide(facts).reason == "asked_for"
    assert ids(decide(replace(facts, owner=OWNER)))[:2] == [[1], [8]]
    away = decide(replace(facts, states=where(p8="absent"), client_known=False))
    assert (away.reason, away.situation, away.meant_id) == ("asked_for_away", "absent_employee", 8)


def test_who_spoke_with_the_caller_last_is_rung_but_nobody_is_told_that_he_missed_it() -> None:
    facts = replace(NEW, worked_with=SECOND)
    assert (ids(decide(facts))[0], decide(facts).reason) == ([7], "worked_with")
    absent = decide(replace(facts, states=where(p7="absent")))
    assert (absent.reason, absent.situation, absent.meant_id) == ("duty", "new_caller", None)


def test_a_client_of_a_region_goes_to_its_manager() -> None:
    decision = decide(Facts(client_known=True, region=(REGION,), duty=(DUTY,)))
    assert ids(decision) == [[6], [3]]
    assert decision.reason == "region"


def test_nobody_on_duty_is_said_and_the_head_told() -> None:
    decision = decide(Facts())
    assert (decision.steps, decision.reason, decision.gap, decision.nobody) == ((), "nobody_on_duty", True, True)
    with_head = decide(Facts(heads=(HEAD,)))
    assert (ids(with_head), with_head.reason, with_head.gap) == ([[5]], "nobody_on_duty", True)
    assert not decide(Facts(heads=(HEAD,), is_open=False)).gap
    everybody_absent = decide(replace(NEW, states=where(p3="absent", p4="away", p5="absent")))
    assert (everybody_absent.reason, everybody_absent.gap) == ("nobody_can", True)


def test_somebody_we_missed_hears_the_apology_first() -> None:
    assert decide(Facts(client_known=True, owner=OWNER, was_missed=True)).situation == "was_missed"
    assert decide(Facts(was_missed=True, duty=(DUTY,))).situation == "was_missed"


def test_free_people_ring_first_then_who_writes_a_talk_down_last_who_is_in_one() -> None:
    """D23: a second line rings only when nobody else is left; the head is the last resort before it."""
    facts = Facts(client_known=True, owner=OWNER, duty=(DUTY, SECOND), backups=(BACKUP,), heads=(HEAD,))
    decision = decide(replace(facts, states=where(p1="talk", p3="wrap_up")))
    assert ids(decision) == [[7], [4], [3], [5], [1]]
    assert (decision.reason, decision.names["why"]) == ("own_manager_away", "talk")
    assert ids(decide(replace(facts, states=where(p1="wrap_up", p3="talk", p7="talk", p4="talk")))) == [
        [1], [5], [3, 7], [4],
    ]  # fmt: skip


def test_duty_rings_together_in_order_or_evenly() -> None:
    a, b, c = person(1), person(2), person(3)
    facts = Facts(duty=(a, b, c), load={1: (2, "10:00"), 2: (1, "11:00"), 3: (1, "09:00")})
    assert ids(decide(facts)) == [[1, 2, 3]]
    assert ids(decide(replace(facts, spread="order"))) == [[1], [2], [3]]
    assert ids(decide(replace(facts, spread="evenly"))) == [[3], [2], [1]]
    assert ids(decide(replace(facts, spread="evenly", load={1: (1, "09:00")}))) == [[2], [3], [1]]


def test_a_line_has_an_order_and_seconds_of_its_own() -> None:
    hunt = (Hunt("duty", 8.0), Hunt("owner", 25.0))
    decision = decide(replace(KNOWN, hunt=hunt))
    assert [(step.who, step.seconds) for step in decision.steps] == [("duty", 8.0), ("owner", 25.0)]
    assert (decision.reason, decision.situation) == ("line_order", "known_client")


def test_without_a_telephone_the_first_who_is_here_sees_the_call_all_the_same() -> None:
    mute = [replace(seat, extension="") for seat in (OWNER, DUTY, HEAD)]
    decision = decide(
        Facts(client_known=True, owner=mute[0], duty=(mute[1],), heads=(mute[2],), states=where(p1="off"))
    )
    assert (ids(decision), decision.nobody) == ([[3]], True)
    assert ids(decide(Facts(duty=(mute[1],), heads=(HEAD,)))) == [[5]]
    assert [(one.user_id, one.why) for one in decide(Facts(duty=(mute[1],), heads=(HEAD,))).passed_over] == [
        (3, "no_phone")
    ]


def test_the_people_of_a_line_stand_in_the_place_of_duty() -> None:
    of_line = ((person(6), person(7)), (person(8),))
    decision = decide(Facts(line_people=of_line, duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,)))
    assert ids(decision) == [[6, 7], [8], [5]]
    assert (decision.reason, decision.names["name"]) == ("line", "Person 6, Person 7")


def test_a_clients_own_manager_comes_before_the_people_of_the_line() -> None:
    decision = decide(Facts(client_known=True, owner=OWNER, line_people=((REGION,),), duty=(DUTY,), heads=(HEAD,)))
    assert ids(decision) == [[1], [6], [5]]
    assert decision.reason == "own_manager"


seats_ = st.builds(
    Seat, st.integers(1, 8), st.just("Somebody"), st.sampled_from(["", "sip:a@127.0.0.1", "sip:b@127.0.0.1"])
)
few = st.lists(seats_, max_size=3).map(tuple)
states = st.sampled_from(["talk", "wrap_up", "away", "absent", "off", "left"]).map(Where)
facts_ = st.builds(
    Facts,
    client_known=st.booleans(),
    owner=st.none() | seats_,
    matter_owner=st.none() | seats_,
    has_open_matter=st.booleans(),
    asked_for=st.none() | seats_,
    worked_with=st.none() | seats_,
    region=few,
    duty=few,
    backups=few,
    heads=few,
    line_people=st.lists(st.lists(seats_, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    states=st.dictionaries(st.integers(1, 8), states),
    was_missed=st.booleans(),
    is_open=st.booleans(),
    hunt=st.lists(st.sampled_from(ORDER), unique=True).map(lambda whos: tuple(Hunt(who) for who in whos)),
    spread=st.sampled_from(SPREADS),
    load=st.dictionaries(st.integers(1, 8), st.tuples(st.integers(0, 3), st.sampled_from(["", "09:00", "10:00"]))),
)


def rung(decision: Decision) -> list[int]:
    return [seat.user_id for step in decision.steps for seat in step.seats]


@given(facts_)
def test_nobody_is_rung_twice_and_no_step_is_empty(facts: Facts) -> None:
    decision = decide(facts)
    assert len(rung(decision)) == len(set(rung(decision)))
    assert all(step.seats for step in decision.steps)


@given(facts_)
def test_nobody_absent_or_away_is_ever_offered(facts: Facts) -> None:
    decision = decide(facts)
    for step in decision.steps:
        for seat in step.seats:
            state = facts.states[seat.user_id].state if seat.user_id in facts.states else "here"
            assert state not in ("absent", "away", "left")
            assert state != "off" or step.who in AT_ANY_HOUR


@given(facts_)
def test_whoever_could_be_rung_is_rung_or_it_is_said_why_not(facts: Facts) -> None:
    facts = replace(facts, hunt=())
    decision = decide(facts)
    of_line = [seat for step in facts.line_people for seat in step]
    pool = of_line or [*facts.duty, *facts.backups]
    named = {one.user_id for one in decision.passed_over}
    assert {seat.user_id for seat in (*pool, *facts.heads, *facts.region)} <= {*rung(decision), *named}


@given(facts_)
def test_nobody_waits_behind_somebody_busier_but_the_head(facts: Facts) -> None:
    busy = {"wrap_up": 1, "talk": 2}
    steps = decide(facts).steps
    rounds = [
        max(busy.get(facts.states[seat.user_id].state, 0) if seat.user_id in facts.states else 0 for seat in step.seats)
        for step in steps
        if step.who != "head"
    ]
    assert rounds == sorted(rounds)


@given(facts_)
def test_when_nobody_at_all_can_be_rung_the_head_is_told(facts: Facts) -> None:
    decision = decide(facts)
    assert decision.steps or decision.gap


@given(facts_, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(facts: Facts, random: object) -> None:
    """What is no order by meaning: states and loads; and in what order those of one step are named."""
    states_, load_ = list(facts.states.items()), list(facts.load.items())
    random.shuffle(states_)  # type: ignore[attr-defined]
    random.shuffle(load_)  # type: ignore[attr-defined]
    assert decide(replace(facts, states=dict(states_), load=dict(load_))) == decide(facts)
