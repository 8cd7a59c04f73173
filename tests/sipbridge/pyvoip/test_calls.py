"""Whole calls with real SIPp at the other end."""

from __future__ import annotations

from collections.abc import Callable

from sipbridge.pyvoip import Answered, Ended, Leg, Ringing

from .conftest import Office, Sipp, until


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
    uri = f"sip:anna@127.0.0.1:{manager.port}"

    def dial() -> Leg | None:
        leg = office.endpoint.dial(uri, caller_number="+74951234567", caller_name="Иван", codec="PCMA")
        until(lambda: office.of(leg))
        return None if isinstance(office.of(leg)[0], Ended) else leg  # the program is not listening yet

    leg = until(dial)
    until(lambda: Answered() in office.of(leg))
    leg.hangup()
    leg.hangup()
    manager.finish()
    assert office.of(leg) == [Ringing(), Answered(), Ended(200, "local")]
