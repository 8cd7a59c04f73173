"""The ring policy, with a clock made of numbers."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipbridge.call import PLAN_WAIT, Call
from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    EndReason,
    Event,
    GreetingStarted,
    LegEnd,
    LegEnded,
    LegRinging,
    Plan,
    PlanChosen,
    Step,
)
from sipbridge.farewell import SOUND_LIMIT
from sipbridge.moves import (
    Action,
    AnswerCaller,
    CallBroken,
    CallerLeft,
    CancelLeg,
    Emit,
    HangUpCaller,
    HangUpLeg,
    Input,
    Join,
    PhoneAnswered,
    PhoneEnded,
    PlanArrived,
    Play,
    RejectCaller,
    RingPhone,
    Sound,
    SoundPlayed,
    StartRecording,
    StopPlaying,
    StopRecording,
    TimePassed,
)
from tests.sipbridge.walking import OFFERED, OFFERED_AT

STANDING = Plan((Step(("sip:standing@x",), 10.0),), 2, 5.0, "hello.wav", "sorry.wav", False)


def plan(*steps: Step, record: bool = False, answer_on_ring: int = 2, greeting: str = "hello.wav") -> Plan:
    return Plan(steps, answer_on_ring, 5.0, greeting, "sorry.wav", record)


ANNA, BORIS, VERA = "sip:anna@10.0.0.1", "sip:boris@10.0.0.2", "sip:vera@10.0.0.3"
TWO_STEPS = plan(Step((ANNA,), 8.0), Step((BORIS, VERA), 6.0))


class Walk:
    """One call walked by hand; deadlines are kept as the bridge keeps them."""

    def __init__(self, followed: Plan | None = None, standing: Plan = STANDING) -> None:
        self.call = Call(OFFERED, standing)
        self.now = 0.0
        self.done: list[tuple[float, Action]] = [(0.0, action) for action in self.call.begin()]
        if followed is not None:
            self.feed(PlanArrived(followed))

    def feed(self, happened: Input) -> list[Action]:
        actions = self.call.handle(happened, self.now)
        self.done += [(self.now, action) for action in actions]
        return actions

    def until(self, moment: float) -> list[Action]:
        """Let time pass, stopping at every deadline on the way."""
        first = len(self.done)
        while (due := self.call.next_deadline) is not None and due <= moment:
            self.now = max(self.now, due)
            self.feed(TimePassed())
        self.now = moment
        return [action for _, action in self.done[first:]]

    def at(self, wanted: type[Action]) -> list[float]:
        return [moment for moment, action in self.done if isinstance(action, wanted)]

    @property
    def events(self) -> list[Event]:
        return [action.event for _, action in self.done if isinstance(action, Emit)]

    def event(self, wanted: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, wanted)]

    def playing(self) -> Play:
        return next(action for _, action in reversed(self.done) if isinstance(action, Play))

    @property
    def ended(self) -> CallEnded:
        assert self.call.over
        (only,) = (event for event in self.events if isinstance(event, CallEnded))
        return only


def actions_of(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Emit)]


def test_the_caller_hears_ringing_before_anything_else() -> None:
    walk = Walk()
    assert [action for _, action in walk.done] == [Emit(OFFERED)]


def test_the_desks_plan_is_followed_when_it_comes_in_time() -> None:
    walk = Walk()
    walk.now = 0.12
    actions = walk.feed(PlanArrived(TWO_STEPS))
    assert actions_of(actions) == [RingPhone(0, ANNA)]
    (chosen,) = walk.event(PlanChosen)
    assert chosen == PlanChosen("c1", False, (ANNA, BORIS, VERA), chosen.at)  # type: ignore[union-attr]


def test_the_standing_plan_steps_in_after_three_hundred_milliseconds_and_stays() -> None:
    walk = Walk()
    assert walk.call.next_deadline == PLAN_WAIT
    actions = walk.until(0.31)
    assert RingPhone(0, "sip:standing@x") in actions
    assert walk.feed(PlanArrived(TWO_STEPS)) == []
    (chosen,) = walk.event(PlanChosen)
    assert isinstance(chosen, PlanChosen) and chosen.standing


def test_a_manager_who_lifts_on_the_first_ring_is_joined_at_the_start_of_the_second() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(1.5)
    assert walk.feed(PhoneAnswered(0)) == [Play(1, Sound.RINGBACK, "", 0)], "he hears what the caller hears"
    assert walk.until(4.99) == []
    actions = walk.until(5.0)
    assert actions_of(actions) == [AnswerCaller(), Join(0)]
    (answered,) = walk.event(CallAnswered)
    assert isinstance(answered, CallAnswered)
    assert (answered.extension, answered.rings, answered.seconds) == (ANNA, 2, 5.0)


def test_a_manager_who_lifts_on_the_configured_ring_is_joined_at_once() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(6.2)
    assert actions_of(walk.feed(PhoneAnswered(0))) == [AnswerCaller(), Join(0)]
    assert walk.event(GreetingStarted) == []


def test_answer_on_the_first_ring_means_at_once() -> None:
    walk = Walk(plan(Step((ANNA,), 8.0), answer_on_ring=1))
    walk.now = 0.4
    assert actions_of(walk.feed(PhoneAnswered(0))) == [AnswerCaller(), Join(0)]


def test_the_greeting_begins_when_the_configured_ring_is_over_and_the_ringing_goes_on() -> None:
    walk = Walk(TWO_STEPS)
    actions = walk.until(10.0)
    greeting = Play(1, Sound.GREETING, "hello.wav")
    answering = [a for a in actions_of(actions) if isinstance(a, AnswerCaller | Play)]
    assert answering == [AnswerCaller(), greeting]
    (started,) = walk.event(GreetingStarted)
    assert isinstance(started, GreetingStarted) and (started.rings, started.seconds) == (2, 10.0)
    assert walk.at(RingPhone) == [0.0, 8.0, 8.0]


def test_a_manager_who_lifts_during_the_greeting_cuts_it_short() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(11.0)
    assert actions_of(walk.feed(PhoneAnswered(2))) == [CancelLeg(1, taken=True), Join(2)]
    (answered,) = walk.event(CallAnswered)
    assert isinstance(answered, CallAnswered) and (answered.rings, answered.seconds) == (3, 11.0)


def test_after_the_greeting_the_caller_hears_ringing_while_steps_remain() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(12.0)
    assert walk.feed(SoundPlayed(1)) == [Play(2, Sound.RINGBACK, "")]
    actions = walk.until(14.0)
    assert actions_of(actions) == [
        CancelLeg(1),
        CancelLeg(2),
        StopPlaying(),
        Play(3, Sound.APOLOGY, "sorry.wav"),
    ]
    assert walk.event(ApologyStarted)
    assert actions_of(walk.feed(SoundPlayed(3))) == [HangUpCaller()]
    assert walk.ended.end_reason is EndReason.NO_ANSWER
    assert (walk.ended.ring_seconds, walk.ended.talk_seconds) == (14.0, 0.0)


def test_no_greeting_file_means_ringing_at_once() -> None:
    walk = Walk(plan(Step((ANNA,), 20.0), greeting=""))
    assert actions_of(walk.until(10.0)) == [AnswerCaller(), Play(1, Sound.RINGBACK, "")]
    assert walk.event(GreetingStarted)


def test_a_step_that_times_out_gives_way_to_the_next_which_rings_together() -> None:
    walk = Walk(TWO_STEPS)
    actions = walk.until(8.0)
    assert actions_of(actions) == [CancelLeg(0), RingPhone(1, BORIS), RingPhone(2, VERA)]
    (ended,) = walk.event(LegEnded)
    assert isinstance(ended, LegEnded) and (ended.extension, ended.reason) == (ANNA, LegEnd.NO_ANSWER)
    ringing = [(e.extension, e.step) for e in walk.event(LegRinging) if isinstance(e, LegRinging)]
    assert ringing == [(ANNA, 0), (BORIS, 1), (VERA, 1)]


@pytest.mark.parametrize("reason", [LegEnd.BUSY, LegEnd.REJECTED, LegEnd.UNREACHABLE])
def test_a_refusal_moves_on_without_waiting(reason: LegEnd) -> None:
    walk = Walk(TWO_STEPS)
    walk.now = 0.05
    assert RingPhone(1, BORIS) in walk.feed(PhoneEnded(0, reason))
    assert [e.reason for e in walk.event(LegEnded) if isinstance(e, LegEnded)] == [reason]
    assert actions_of(walk.feed(PhoneEnded(1, reason))) == [], "the other of the step still rings"


def test_the_first_to_take_it_silences_the_others() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(9.0)
    walk.feed(PhoneAnswered(1))
    assert CancelLeg(2, taken=True) in [action for _, action in walk.done]
    assert walk.feed(PhoneAnswered(2)) == [HangUpLeg(2)], "its answer crossed the cancel"
    assert walk.feed(PhoneAnswered(2)) == []
    assert walk.feed(PhoneEnded(2, LegEnd.CANCELLED)) == []
    assert len(walk.event(CallAnswered)) == 1


def test_all_refuse_early_the_apology_waits_for_the_configured_ring() -> None:
    walk = Walk(TWO_STEPS)
    walk.now = 0.05
    for leg in (0, 1, 2):
        walk.feed(PhoneEnded(leg, LegEnd.BUSY))
    assert walk.at(AnswerCaller) == []
    actions = walk.until(5.0)
    assert actions_of(actions) == [AnswerCaller(), Play(1, Sound.APOLOGY, "sorry.wav")]
    assert walk.event(GreetingStarted) == []


def test_nobody_on_duty_greeting_then_apology() -> None:
    walk = Walk(plan())
    assert walk.at(RingPhone) == []
    assert actions_of(walk.until(10.0)) == [AnswerCaller(), Play(1, Sound.GREETING, "hello.wav")]
    assert actions_of(walk.feed(SoundPlayed(1))) == [Play(2, Sound.APOLOGY, "sorry.wav")]
    walk.feed(SoundPlayed(2))
    assert walk.ended.end_reason is EndReason.NO_ANSWER and walk.ended.rings == 2 + 1


def test_a_plan_that_ends_during_the_greeting_lets_it_finish() -> None:
    walk = Walk(plan(Step((ANNA,), 11.0)))
    walk.until(10.5)
    walk.feed(PhoneEnded(0, LegEnd.BUSY))
    assert walk.event(ApologyStarted) == []
    assert actions_of(walk.feed(SoundPlayed(1))) == [Play(2, Sound.APOLOGY, "sorry.wav")]


def test_a_sound_whose_end_is_never_reported_does_not_hold_the_caller_for_ever() -> None:
    walk = Walk(plan())
    walk.until(10.0 + 2 * SOUND_LIMIT)
    assert walk.ended.end_reason is EndReason.NO_ANSWER


def test_a_late_report_of_an_earlier_sound_is_ignored() -> None:
    walk = Walk(plan())
    walk.until(10.0)
    walk.feed(SoundPlayed(1))
    assert walk.feed(SoundPlayed(1)) == []
    assert not walk.call.over


def test_a_caller_who_cancels_stops_all_ringing() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(9.0)
    assert actions_of(walk.feed(CallerLeft())) == [CancelLeg(1), CancelLeg(2)]
    assert walk.ended.end_reason is EndReason.ABANDONED
    assert (walk.ended.rings, walk.ended.ring_seconds) == (2, 9.0)
    assert walk.call.next_deadline is None


def test_a_caller_who_cancels_before_any_plan_is_abandoned_too() -> None:
    walk = Walk()
    walk.now = 0.1
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.ABANDONED and walk.event(PlanChosen) == []
    assert walk.feed(PlanArrived(TWO_STEPS)) == []


def test_a_caller_who_hangs_up_during_the_greeting_abandoned() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(11.0)
    assert actions_of(walk.feed(CallerLeft())) == [CancelLeg(1), CancelLeg(2)]
    assert walk.ended.end_reason is EndReason.ABANDONED


def test_a_caller_who_cancels_while_a_manager_waits_for_the_ring() -> None:
    walk = Walk(TWO_STEPS)
    walk.now = 1.0
    walk.feed(PhoneAnswered(0))
    walk.now = 2.0
    assert actions_of(walk.feed(CallerLeft())) == [HangUpLeg(0)]
    assert walk.ended.end_reason is EndReason.ABANDONED
    assert [e.reason for e in walk.event(LegEnded) if isinstance(e, LegEnded)] == [LegEnd.CANCELLED]


def test_a_manager_who_lifts_and_leaves_early_is_a_refusal() -> None:
    walk = Walk(TWO_STEPS)
    walk.now = 1.0
    walk.feed(PhoneAnswered(0))
    walk.now = 2.0
    assert RingPhone(1, BORIS) in walk.feed(PhoneEnded(0, LegEnd.NO_ANSWER))
    assert [e.reason for e in walk.event(LegEnded) if isinstance(e, LegEnded)] == [LegEnd.REJECTED]


def test_a_caller_who_hangs_up_during_the_apology_has_heard_the_promise() -> None:
    walk = Walk(plan())
    walk.until(10.0)
    walk.feed(SoundPlayed(1))
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.NO_ANSWER


def test_another_phone_of_the_ring_group_took_it() -> None:
    walk = Walk(TWO_STEPS)
    walk.now = 3.0
    walk.feed(CallerLeft(elsewhere=True))
    assert walk.ended.end_reason is EndReason.ANSWERED_ELSEWHERE


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (PhoneEnded(0, LegEnd.NO_ANSWER), [HangUpCaller(), StopRecording()]),
        (CallerLeft(), [HangUpLeg(0), StopRecording()]),
    ],
)
def test_either_side_hangs_up_and_the_other_is_ended(who: Input, expected: list[Action]) -> None:
    walk = Walk(plan(Step((ANNA,), 8.0), record=True))
    walk.until(6.0)
    assert StartRecording(0) in walk.feed(PhoneAnswered(0))
    walk.now = 66.5
    assert actions_of(walk.feed(who)) == expected
    assert walk.ended.end_reason is EndReason.COMPLETED
    assert (walk.ended.talk_seconds, walk.ended.rings, walk.ended.ring_seconds) == (60.5, 2, 6.0)
    assert walk.ended.at.timestamp() - OFFERED_AT.timestamp() == 66.5


def test_a_call_that_breaks_in_talk_keeps_its_talk_seconds() -> None:
    walk = Walk(TWO_STEPS)
    walk.until(6.0)
    walk.feed(PhoneAnswered(0))
    assert walk.call.talking and walk.call.next_deadline is None
    walk.now = 36.0
    assert actions_of(walk.feed(CallBroken())) == [HangUpLeg(0), HangUpCaller()]
    assert (walk.ended.end_reason, walk.ended.talk_seconds) == (EndReason.FAILED, 30.0)


def test_a_call_that_breaks_while_ringing_is_refused() -> None:
    walk = Walk(TWO_STEPS)
    assert actions_of(walk.feed(CallBroken())) == [CancelLeg(0), RejectCaller()]
    assert walk.ended.end_reason is EndReason.FAILED


# Any order of anything.

PHONES = st.tuples(*[st.sampled_from([ANNA, BORIS, VERA])] * 2).map(lambda pair: tuple(dict.fromkeys(pair)))
PLANS = st.builds(
    Plan,
    st.lists(st.builds(Step, PHONES, st.sampled_from([0.2, 1.0, 7.5, 30.0])), max_size=3).map(tuple),
    st.integers(1, 4),
    st.sampled_from([0.1, 1.0, 5.0]),
    st.sampled_from(["hello.wav", ""]),
    st.sampled_from(["sorry.wav", ""]),
    st.booleans(),
)
INPUTS = st.one_of(
    st.builds(PlanArrived, PLANS),
    st.builds(lambda n: ("answered", n), st.integers(0, 5)),
    st.builds(lambda n, r: ("ended", n, r), st.integers(0, 5), st.sampled_from(LegEnd)),
    st.builds(CallerLeft, st.booleans()),
    st.builds(CallBroken, st.booleans()),
    st.builds(SoundPlayed, st.integers(1, 4)),
    st.just(TimePassed()),
)


@settings(max_examples=600, deadline=None)
@given(standing=PLANS, story=st.lists(st.tuples(st.floats(0, 6), INPUTS), max_size=25))
def test_whatever_happens_there_is_one_end_and_no_action_on_what_has_ended(
    standing: Plan, story: list[tuple[float, object]]
) -> None:
    walk = Walk(standing=standing)
    reported_over: set[int] = set()
    for pause, happened in story:
        before = len(walk.done)
        walk.until(walk.now + pause)
        check_legs(walk, before, reported_over)
        rung = [action.leg for _, action in walk.done if isinstance(action, RingPhone)]
        before = len(walk.done)
        if isinstance(happened, tuple):
            leg = happened[1]
            if leg not in rung or leg in reported_over:
                continue
            if happened[0] == "answered":
                walk.feed(PhoneAnswered(leg))
            else:
                reported_over.add(leg)
                walk.feed(PhoneEnded(leg, happened[2]))
        else:
            walk.feed(happened)  # type: ignore[arg-type]
        check_legs(walk, before, reported_over)
    if not walk.call.over:
        walk.until(walk.now + 5000)
        if not walk.call.over:
            assert walk.call.talking
            walk.feed(CallerLeft())
    check_whole(walk)


def check_legs(walk: Walk, since: int, reported_over: set[int]) -> None:
    for _, action in walk.done[since:]:
        if isinstance(action, CancelLeg | HangUpLeg | Join | StartRecording):
            assert action.leg not in reported_over, f"{action} after its end was reported"


def check_whole(walk: Walk) -> None:
    actions = [action for _, action in walk.done]
    kinds = Counter(type(action) for action in actions)
    assert kinds[AnswerCaller] <= 1 and kinds[Join] <= 1
    assert kinds[RejectCaller] + kinds[HangUpCaller] <= 1
    assert kinds[StartRecording] == kinds[StopRecording]
    assert len(walk.event(CallEnded)) == 1 and isinstance(walk.events[-1], CallEnded)
    assert walk.events[0] == OFFERED
    assert len(walk.event(PlanChosen)) <= 1
    ringing = Counter(e.extension for e in walk.event(LegRinging) if isinstance(e, LegRinging))
    ended = Counter(e.extension for e in walk.event(LegEnded) if isinstance(e, LegEnded))
    ended.update(e.extension for e in walk.event(CallAnswered) if isinstance(e, CallAnswered))
    assert ringing == ended, "every leg that rang ended or talked, once"
    talked = bool(walk.event(CallAnswered))
    assert (walk.ended.talk_seconds > 0) <= talked
    assert (walk.ended.end_reason is EndReason.COMPLETED) <= talked
    if kinds[Join]:
        assert actions.index(AnswerCaller()) < next(i for i, a in enumerate(actions) if isinstance(a, Join))
    times = [moment for moment, _ in walk.done]
    assert times == sorted(times)
