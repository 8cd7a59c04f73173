"""The way to the far end is broken for a while, as when a PBX is started anew: calls that are heard go on."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sipbridge.pyvoip import Answered, Ended

from .conftest import Office, Phone, until
from .talk import Talk

MakePhone = Callable[..., Phone]


@pytest.fixture(params=[True, False], ids=["inbound", "outbound"])
def talk(request: pytest.FixtureRequest, office: Office, phone: Phone) -> Talk:
    return Talk(office, phone, inbound=request.param)


@contextmanager
def speaking(talk: Talk) -> Iterator[None]:
    """The far end's sound comes, fifty packets a second."""
    over = threading.Event()

    def speak() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.bind(("127.0.0.1", 0))
            number = 0
            while not over.wait(0.02):
                number += 1
                header = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, 7)
                mouth.sendto(header + b"\xff" * 160, ("127.0.0.1", talk.leg.media.local_port))

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    until(lambda: talk.leg.is_heard)
    yield
    over.set()
    thread.join(5)
    talk.leg.media.last_received = 0.0  # minutes of the endpoint's time are moments of ours


def test_nobody_at_the_far_end_and_no_sound_is_a_dead_call(talk: Talk) -> None:
    """Nobody listens at its port any more; to ask again and again shows no life."""
    talk.phone.socket.close()
    talk.office.pass_time(560)
    assert talk.events == [Answered()]
    talk.office.pass_time(20)
    until(lambda: talk.events == [Answered(), Ended(408, "timeout")])


@pytest.mark.parametrize("answer", [None, 408, 503])
def test_who_is_heard_lives_though_nobody_answers(talk: Talk, answer: int | None) -> None:
    with speaking(talk):
        talk.office.pass_time(301)
        if answer:
            talk.phone.reply(talk.phone.expect_request("INVITE"), answer)
            talk.phone.expect_request("ACK")
        talk.office.pass_time(340)
        assert talk.events == [Answered()]
    talk.office.pass_time(40)
    until(lambda: talk.events == [Answered(), Ended(408, "timeout")])


def test_a_far_end_that_agreed_to_refresh_is_heard_all_the_same(office: Office, phone: Phone) -> None:
    talk = Talk(office, phone, inbound=True, headers="Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n")
    with speaking(talk):
        office.pass_time(200)
        assert talk.events == [Answered()]
    office.pass_time(10)
    until(lambda: talk.events == [Answered(), Ended(408, "timeout")])


def test_who_is_heard_and_knows_no_such_call_has_ended_it(talk: Talk) -> None:
    with speaking(talk):
        talk.office.pass_time(301)
        talk.phone.reply(talk.phone.expect_request("INVITE"), 481)
        until(lambda: talk.events == [Answered(), Ended(481, "timeout")])


def test_taken_back_from_hold_as_soon_as_the_way_is_there(talk: Talk, make_phone: MakePhone) -> None:
    talk.leg.hold()
    talk.agree(talk.reinvited("inactive"), "inactive")
    until(lambda: talk.leg.on_hold)
    port = talk.phone.port
    talk.phone.socket.close()
    talk.leg.resume()
    talk.office.pass_time(60)  # more tries than one that is put off by the far end is worth
    assert talk.leg.on_hold and talk.events == [Answered()]
    talk.phone = make_phone(talk.office, port=port)
    talk.office.pass_time(3)
    talk.agree(talk.reinvited("sendrecv"), "sendrecv")
    until(lambda: not talk.leg.on_hold)


def test_to_ask_for_a_hold_in_vain_ends_no_talk(talk: Talk) -> None:
    with speaking(talk):
        talk.leg.hold()
        talk.reinvited("inactive")
        talk.office.pass_time(40)
        assert talk.events == [Answered()] and not talk.leg.on_hold
