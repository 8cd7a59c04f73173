"""A telephone asks us to transfer its call: REFER, and what we tell it of how that goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sipbridge.pyvoip import Answered, TransferAsked
from sipbridge.pyvoip.message import Message

from .conftest import Office, Phone, until
from .talk import Talk

MakePhone = Callable[..., Phone]


@pytest.fixture(params=[True, False], ids=["inbound", "outbound"])
def talk(request: pytest.FixtureRequest, office: Office, phone: Phone) -> Talk:
    return Talk(office, phone, inbound=request.param)


def refer(talk: Talk, to: str, code: int, headers: str = "") -> Message:
    """Send a REFER; its answer, which must have this code."""
    talk.send("REFER", headers=f"Refer-To: {to}\r\n{headers}")
    return talk.phone.expect(code)


def told(talk: Talk, code: int = 200) -> tuple[str, str, str]:
    """The next NOTIFY, answered: event, state and status line."""
    notify = talk.phone.expect_request("NOTIFY")
    assert notify.media_type == "message/sipfrag"
    talk.phone.reply(notify, code)
    state = notify.header("subscription-state").split(";")[0]
    return notify.header("event"), state, notify.content.decode().strip()


def asked(talk: Talk) -> list[Any]:
    return [event for event in talk.events if isinstance(event, TransferAsked)]


def test_a_blind_transfer_is_asked_and_told_of(talk: Talk) -> None:
    assert refer(talk, "<sip:201@example.com;user=phone>", 202).contact
    assert told(talk) == ("refer", "active", "SIP/2.0 100 Trying")
    until(lambda: asked(talk) == [TransferAsked("sip:201@example.com;user=phone", None)])
    talk.leg.transfer_progress(180, "Ringing")
    assert told(talk) == ("refer", "active", "SIP/2.0 180 Ringing")
    talk.leg.transfer_progress(200, "OK")
    assert told(talk) == ("refer", "terminated", "SIP/2.0 200 OK")
    talk.leg.transfer_progress(200, "OK")
    assert talk.phone.silent(0.2), "told again after the last word"
    talk.lives()


def test_one_at_a_time(talk: Talk) -> None:
    refer(talk, "<tel:+74951234567>", 202)
    told(talk)
    refer(talk, "<tel:+74957654321>", 491)
    talk.leg.transfer_progress(486, "Busy\r\nHere: x")
    assert told(talk) == ("refer", "terminated", "SIP/2.0 486 BusyHere: x")
    refer(talk, "<tel:+74957654321>", 202)
    event, state, _ = told(talk)
    assert (event, state) == (f"refer;id={talk.cseq}", "active"), "a second subscription needs its own name"
    until(lambda: [each.target for each in asked(talk)] == ["tel:+74951234567", "tel:+74957654321"])


@pytest.mark.parametrize(
    "to",
    [
        "",
        "<>",
        "201",
        "<mailto:boss@example.com>",
        "<sips:201@example.com>",
        "<http://example.com/>",
        "<sip:example.com>",
        "<sip:201@example.com;method=BYE>",
        "<sip:2%0d%0a01@example.com>",
        "<sip:2%0001@example.com>",
        "<sip:201@example.com?Subject=a%0D%0AEvil:%20b>",
        "<sip:2\x0101@example.com>",
        "<sip:201@example.com;x=\x7f>",
        "<sip:Иван@example.com>",
        "<sip:201@example.com>, <sip:202@example.com>",
        "<sip:201@example.com>\r\nRefer-To: <sip:202@example.com>",
        "<sip:" + "2" * 300 + "@example.com>",
        "<sip:201@example.com?Replaces=nonsense>",
        "<sip:201@example.com?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>",
    ],
)
def test_where_nobody_can_be_sent(office: Office, phone: Phone, to: str) -> None:
    talk = Talk(office, phone, inbound=True)
    refer(talk, to, 400)
    assert talk.events == [Answered()]
    talk.lives()


def test_without_a_refer_to(office: Office, phone: Phone) -> None:
    talk = Talk(office, phone, inbound=True)
    talk.send("REFER")
    phone.expect(400)
    talk.send("REFER", headers="r: <sip:201@example.com>\r\n")  # the compact form
    phone.expect(202)
    until(lambda: asked(talk) == [TransferAsked("sip:201@example.com", None)])


def test_an_attended_transfer_names_our_other_leg(talk: Talk, make_phone: MakePhone) -> None:
    """The telephone calls someone else through us, then asks us to connect the two."""
    second = Talk(talk.office, make_phone(talk.office), inbound=True)
    dialog = second.leg.dialog
    assert dialog
    name = f"{dialog.call_id}%3Bto-tag%3D{dialog.local_tag}%3Bfrom-tag%3D{dialog.remote_tag}"
    refer(talk, f"<sip:desk@127.0.0.1?Require=replaces&replaces={name}>", 202)
    told(talk)
    until(lambda: asked(talk) == [TransferAsked("sip:desk@127.0.0.1", second.leg.id)])
    talk.leg.transfer_progress(200, "OK")
    told(talk)
    own = talk.leg.dialog
    assert own
    itself = f"{own.call_id}%3Bto-tag%3D{own.local_tag}%3Bfrom-tag%3D{own.remote_tag}"
    turned = f"{dialog.call_id}%3Bto-tag%3D{dialog.remote_tag}%3Bfrom-tag%3D{dialog.local_tag}"
    for wrong in (itself, turned, name.replace(dialog.local_tag, "guess")):
        refer(talk, f"<sip:desk@127.0.0.1?Replaces={wrong}>", 481)
    second.leg.hangup()
    refer(talk, f"<sip:desk@127.0.0.1?Replaces={name}>", 481)
    assert len(asked(talk)) == 1
    talk.lives()


def test_who_does_not_want_to_be_told(talk: Talk) -> None:
    accepted = refer(talk, "<sip:201@example.com>", 202, "Refer-Sub: false\r\nRequire: norefersub\r\n")
    assert accepted.header("refer-sub") == "false"
    until(lambda: asked(talk))
    talk.leg.transfer_progress(180, "Ringing")
    refer(talk, "<sip:202@example.com>", 491)
    talk.leg.transfer_progress(200, "OK")
    assert talk.phone.silent(0.2)


def test_a_transfer_nobody_ends_is_ended(talk: Talk) -> None:
    refer(talk, "<sip:201@example.com>", 202)
    told(talk)
    talk.office.pass_time(181)
    assert told(talk)[1:] == ("terminated", "SIP/2.0 504 Gateway Time-out")
    talk.send("REFER", headers="Refer-To: <sip:201@example.com>\r\n")
    while (answer := talk.phone.receive()).is_request:
        assert answer.method == "NOTIFY"  # a copy of the last one
    assert answer.code == 202


def test_a_telephone_that_has_forgotten_is_not_told_any_more(talk: Talk) -> None:
    refer(talk, "<sip:201@example.com>", 202)
    told(talk, 481)
    until(lambda: talk.leg.referral._silent)
    talk.leg.transfer_progress(180, "Ringing")
    assert talk.phone.silent(0.2)
    talk.lives()


def test_the_last_word_reaches_a_telephone_that_hung_up_early(talk: Talk) -> None:
    refer(talk, "<sip:201@example.com>", 202)
    told(talk)
    talk.send("BYE")
    talk.phone.expect(200)
    talk.leg.transfer_progress(200, "OK")
    assert told(talk)[1] == "terminated"


def test_outside_a_call_in_progress(office: Office, phone: Phone) -> None:
    phone.send("REFER", headers="Refer-To: <sip:201@example.com>\r\n")
    phone.expect(403)
    phone.to_tag = "gone"
    phone.send("REFER", headers="Refer-To: <sip:201@example.com>\r\n")
    phone.expect(481)
    phone.to_tag = ""
    office.when_called = lambda leg: leg.ring()
    phone.invite(cseq=2)
    phone.expect(180)
    phone.send("REFER", 3, headers="Refer-To: <sip:201@example.com>\r\n")
    phone.expect(403)
    assert office.of(office.call()) == []


def test_we_say_what_we_know(office: Office, phone: Phone) -> None:
    phone.send("OPTIONS")
    answer = phone.expect(200)
    assert "REFER" in answer.values("allow") and "norefersub" in answer.options("supported")
    assert "replaces" not in answer.options("supported")
    phone.to_tag = ""
    phone.invite(cseq=2, headers="Require: replaces\r\nReplaces: a;to-tag=b;from-tag=c\r\n")
    assert phone.expect(420).header("unsupported") == "replaces"
