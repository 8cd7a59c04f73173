"""Who is rung and why: every rule of D11-D18 by example, and what holds for any facts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webapp.calls.routing import Decision, Facts, Seat, decide


def person(number: int) -> Seat:
    return Seat(number, f"Person {number}", f"sip:{number}@127.0.0.1:5999")


OWNER, MATTER, DUTY, BACKUP, HEAD, REGION = (person(n) for n in range(1, 7))
NEW = Facts(duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,))
KNOWN = Facts(client_known=True, owner=OWNER, duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,))


def ids(decision: Decision) -> list[list[int]]:
    return [[seat.user_id for seat in step] for step in decision.steps]


def test_a_new_caller_goes_to_duty_then_backup_then_head() -> None:
    decision = decide(NEW)
    assert ids(decision) == [[3], [4], [5]]
    assert (decision.reason, decision.situation) == ("duty", "new_caller")


def test_a_client_goes_to_his_own_manager_and_not_through_the_pool() -> None:
    decision = decide(KNOWN)
    assert ids(decision) == [[1], [3], [4], [5]]
    assert (decision.reason, decision.situation) == ("own_manager", "known_client")


def test_an_open_matter_goes_to_its_owner() -> None:
    decision = decide(Facts(client_known=True, owner=OWNER, matter_owner=MATTER, has_open_matter=True, duty=(DUTY,)))
    assert ids(decision)[0] == [2]
    assert (decision.reason, decision.situation) == ("matter_owner", "open_matter")


def test_when_the_own_manager_is_away_duty_answers_for_him() -> None:
    decision = decide(Facts(client_known=True, owner=OWNER, away=frozenset({1}), duty=(DUTY,), heads=(HEAD,)))
    assert ids(decision) == [[3], [5]]
    assert (decision.reason, decision.situation) == ("own_manager_away", "absent_employee")
    assert decision.names["name"] == "Person 1"


def test_a_client_of_a_region_goes_to_its_manager() -> None:
    decision = decide(Facts(client_known=True, region_seats=(REGION,), duty=(DUTY,)))
    assert ids(decision) == [[6], [3]]
    assert decision.reason == "region"


def test_nobody_on_duty_is_said() -> None:
    decision = decide(Facts())
    assert decision.steps == ()
    assert decision.reason == "nobody_on_duty"


def test_somebody_we_missed_hears_the_apology_first() -> None:
    assert decide(Facts(client_known=True, owner=OWNER, was_missed=True)).situation == "was_missed"
    assert decide(Facts(was_missed=True, duty=(DUTY,))).situation == "was_missed"


seats_ = st.integers(1, 8).map(person)
facts_ = st.builds(
    Facts,
    client_known=st.booleans(),
    owner=st.none() | seats_,
    matter_owner=st.none() | seats_,
    has_open_matter=st.booleans(),
    away=st.frozensets(st.integers(1, 8)),
    region_seats=st.lists(seats_, max_size=2).map(tuple),
    duty=st.lists(seats_, max_size=2).map(tuple),
    backups=st.lists(seats_, max_size=2).map(tuple),
    heads=st.lists(seats_, max_size=2).map(tuple),
    line_people=st.lists(st.lists(seats_, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    was_missed=st.booleans(),
)


@given(facts_)
def test_nobody_is_rung_twice_and_no_step_is_empty(facts: Facts) -> None:
    decision = decide(facts)
    rung = [seat.user_id for step in decision.steps for seat in step]
    assert len(rung) == len(set(rung))
    assert all(decision.steps)


@given(facts_)
def test_whoever_could_be_rung_is_rung(facts: Facts) -> None:
    rung = {seat.user_id for step in decide(facts).steps for seat in step}
    of_line = [seat for step in facts.line_people for seat in step]
    pool = of_line or [*facts.duty, *facts.backups]
    assert {seat.user_id for seat in (*pool, *facts.heads)} <= rung
    own = facts.matter_owner if facts.has_open_matter and facts.matter_owner else facts.owner
    if own and own.user_id not in facts.away:
        assert own.user_id in rung


def test_the_people_of_a_line_stand_in_the_place_of_duty() -> None:
    of_line = ((person(6), person(7)), (person(8),))
    decision = decide(Facts(line_people=of_line, duty=(DUTY,), backups=(BACKUP,), heads=(HEAD,)))
    assert ids(decision) == [[6, 7], [8], [5]]
    assert (decision.reason, decision.names["name"]) == ("line", "Person 6, Person 7")


def test_a_clients_own_manager_comes_before_the_people_of_the_line() -> None:
    decision = decide(Facts(client_known=True, owner=OWNER, line_people=((REGION,),), duty=(DUTY,), heads=(HEAD,)))
    assert ids(decision) == [[1], [6], [5]]
    assert decision.reason == "own_manager"
