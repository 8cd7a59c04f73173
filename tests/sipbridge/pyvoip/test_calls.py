"""Whole calls with real SIPp at the other end."""

from __future__ import annotations

from collections.abc import Callable

from sipbridge.pyvoip import Answered, Ended, Leg, Ringing

from .conftest import Office, Sipp, until

MakeOffice = Callable[..., Office]


def test_a_caller_is_rung_answered_and_hangs_up(office: Office, sipp: Callable[..., Sipp]) -> None:
    def pick_up(leg: Leg) -> None:
        leg.ring()
        leg.answer()

    office.when_called = pick_up
    sipp("caller.xml", f"127.0.0.1:{office.endpoint.port}", "-m", "3", "-d", "200", "-s", "Desk").finish()
    until(lambda: len(office.events) == 6)
    for leg in office.calls:
        assert leg.inbound and leg.line == "desk" and leg.codec == "PCMA"
        assert leg.caller_number.startswith("+7495") and leg.caller_name.startswith("Caller ")
        assert office.of(leg) == [Answered(), Ended(200, "remote_bye")]


def test_a_manager_is_dialled_picks_up_and_is_hung_up_on(office: Office, sipp: Callable[..., Sipp]) -> None:
    manager = sipp("manager.xml", "127.0.0.1:1", "-m", "1")
    leg = reach(office, manager)
    until(lambda: Answered() in office.of(leg))
    leg.hangup()
    leg.hangup()
    manager.finish()
    assert office.of(leg) == [Ringing(), Answered(), Ended(200, "local")]


def reach(office: Office, manager: Sipp) -> Leg:
    """Dial a telephone played by SIPp, as soon as that program listens."""

    def dial() -> Leg | None:
        leg = office.endpoint.dial(
            f"sip:anna@127.0.0.1:{manager.port}", caller_number="+74951234567", caller_name="Иван", codec="PCMA"
        )
        until(lambda: office.of(leg))
        return None if isinstance(office.of(leg)[0], Ended) else leg

    leg: Leg = until(dial)
    return leg


def test_a_manager_is_held_at_a_bad_moment_and_taken_back(office: Office, sipp: Callable[..., Sipp]) -> None:
    manager = sipp("manager_held.xml", "127.0.0.1:1", "-m", "1")
    leg = reach(office, manager)
    until(lambda: Answered() in office.of(leg))
    leg.hold()
    until(lambda: leg.on_hold, 15)  # refused with 491 first, asked again within four seconds
    leg.resume()
    until(lambda: not leg.on_hold)
    leg.hangup()
    manager.finish()
    assert office.of(leg) == [Ringing(early_media=True), Answered(), Ended(200, "local")]


def test_two_hundred_half_open_calls(make_office: MakeOffice, sipp: Callable[..., Sipp]) -> None:
    office = make_office(max_calls=250)
    office.when_called = lambda leg: leg.answer()
    free = len(office.endpoint._ports)
    sipp("half_open.xml", f"127.0.0.1:{office.endpoint.port}", "-m", "200", "-r", "200", "-s", "desk").finish()
    assert len(office.endpoint.legs) == 200 == free - len(office.endpoint._ports)
    office.pass_time(33)
    until(lambda: len(office.events) == 200)
    assert {event for _, event in office.events} == {Ended(408, "no_ack")}
    assert not office.endpoint.legs and len(office.endpoint._ports) == free
    office.pass_time(70)
    sip = office.endpoint.sip
    assert not (sip.dialogs or sip._servers or sip._invites or sip._clients)
