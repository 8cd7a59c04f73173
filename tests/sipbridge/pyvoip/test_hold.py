"""Hold and resume, ours and theirs, and what happens when both sides want something at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sipbridge.pyvoip import Account, Answered, Ended, Held, Unheld
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.sdp import parse
from tests.ports import free_port

from .conftest import Office, Phone, until
from .talk import Talk, an_ear


@pytest.fixture(params=[True, False], ids=["inbound", "outbound"])
def talk(request: pytest.FixtureRequest, office: Office, phone: Phone) -> Talk:
    return Talk(office, phone, inbound=request.param)


def version(message: Message) -> int:
    return int(message.content.split(b"o=- ")[1].split()[1])


def test_hold_without_music_and_resume(talk: Talk) -> None:
    leg = talk.leg
    leg.hold()
    leg.hold()
    first = talk.reinvited("inactive")
    assert not leg.on_hold, "not agreed yet"
    talk.agree(first, "inactive")
    until(lambda: leg.on_hold)
    leg.hold()
    assert talk.phone.silent(0.2), "asked for what is agreed already"
    leg.resume()
    leg.resume()
    second = talk.reinvited("sendrecv")
    assert version(second) == version(first) + 1, "a changed description without a new version"
    with an_ear() as ear:
        talk.agree(second, "sendrecv", ear.getsockname()[1])
        until(lambda: not leg.on_hold)
        leg.media.play(b"\xff" * 160)
        assert ear.recv(2000)
    assert talk.events == [Answered()], "our own hold is not the far end's"
    talk.lives()


def test_hold_with_music(talk: Talk) -> None:
    with an_ear() as ear:
        talk.leg.hold(music=True)
        talk.agree(talk.reinvited("sendonly"), "recvonly", ear.getsockname()[1])
        until(lambda: talk.leg.on_hold)
        talk.leg.media.play(b"\xff" * 160, loop=True)
        assert ear.recv(2000), "the music is not heard"
        talk.leg.hold()
        talk.agree(talk.reinvited("inactive"), "inactive", ear.getsockname()[1])
        until(lambda: talk.leg.negotiation.direction == "inactive")
        ear.settimeout(0.2)
        with pytest.raises(TimeoutError):
            while True:
                ear.recv(2000)


def test_a_refused_hold_leaves_the_talk_alone(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.phone.reply(request, 488)
    assert talk.phone.expect_request("ACK").vias[0].branch == request.vias[0].branch
    talk.lives()
    talk.office.pass_time(5)
    assert talk.phone.silent(0.2), "asked again after a refusal"
    assert not talk.leg.on_hold and talk.events == [Answered()]
    talk.leg.hold()
    talk.agree(talk.reinvited("inactive"), "inactive")
    until(lambda: talk.leg.on_hold)


def test_nobody_stays_on_hold_because_of_one_refusal(talk: Talk) -> None:
    talk.leg.hold()
    talk.agree(talk.reinvited("inactive"), "inactive")
    talk.leg.resume()
    talk.phone.reply(talk.reinvited("sendrecv"), 500)
    talk.phone.expect_request("ACK")
    talk.office.pass_time(2.1)
    talk.agree(talk.reinvited("sendrecv"), "sendrecv")
    until(lambda: not talk.leg.on_hold)


@pytest.mark.parametrize("seen", [True, False], ids=["they answer", "they vanished"])
def test_a_hold_that_is_not_answered(talk: Talk, seen: bool) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    if seen:
        talk.phone.reply(request, 481)
        talk.phone.expect_request("ACK")
    else:
        talk.office.pass_time(33)
        while (message := talk.phone.receive()).method == "INVITE":
            pass
        assert message.method == "BYE"
    until(lambda: talk.events[-1] == Ended(481 if seen else 408, "timeout"))


def test_changing_ones_mind_while_asking(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.leg.resume()
    assert talk.phone.silent(0.2), "a second INVITE while one is under way"
    talk.agree(request, "inactive")
    talk.agree(talk.reinvited("sendrecv"), "sendrecv")
    until(lambda: not talk.leg.on_hold)


def test_both_ask_at_once(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    branch = talk.offer("a=sendonly\r\n")
    talk.phone.expect(491)
    talk.ack(branch)
    talk.phone.reply(request, 491)
    talk.phone.expect_request("ACK")
    if not talk.leg.inbound:  # who began the call waits longer
        talk.office.pass_time(2.0)
        assert talk.phone.silent(0.1)
    talk.offer("a=sendonly\r\n")
    assert parse(talk.phone.expect(200).content)[0].direction == "recvonly"
    talk.office.pass_time(4.1)
    under_way = [each for each in talk.office.endpoint.sip._clients.values() if not each.final]
    assert not under_way, "asked while their INVITE was not acknowledged"
    talk.ack()
    while not (message := talk.phone.receive()).is_request:
        assert message.code == 200
    assert message.method == "INVITE"
    talk.agree(message, "inactive")
    until(lambda: talk.leg.on_hold)
    assert talk.events == [Answered(), Held()]


def test_a_far_end_that_is_never_ready(talk: Talk) -> None:
    talk.leg.hold()
    for _ in range(11):
        talk.phone.reply(talk.reinvited("inactive"), 491)
        talk.phone.expect_request("ACK")
        talk.office.pass_time(4.1)
    assert talk.phone.silent(0.2)
    assert not talk.leg.on_hold
    talk.lives()


def test_hold_by_the_far_end(talk: Talk) -> None:
    for change, held in (("sendonly", True), ("inactive", True), ("sendrecv", False), ("recvonly", False)):
        talk.offer(f"a={change}\r\n")
        talk.phone.expect(200)
        talk.ack()
        assert talk.leg.held == held
    talk.offer("a=sendonly\r\n", method="UPDATE")
    talk.phone.expect(200)
    talk.offer("a=sendonly\r\n", method="UPDATE")
    talk.phone.expect(200)
    talk.send("UPDATE")
    talk.phone.expect(200)
    assert talk.events == [Answered(), Held(), Unheld(), Held()], "each change is told once"


def test_a_call_that_begins_on_hold(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite(body=phone.sdp + "a=sendonly\r\n")
    phone.expect(200)
    phone.send("ACK")
    leg = office.call()
    until(lambda: office.of(leg) == [Answered(), Held()])
    leg = office.endpoint.dial(phone.address, caller_number="1", caller_name="", codec="PCMU")
    phone.reply(phone.expect_request("INVITE"), 200, body=phone.sdp + "a=inactive\r\n")
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Answered(), Held()])


def test_their_refresh_during_our_hold_does_not_end_it(talk: Talk) -> None:
    with an_ear() as ear:
        port = ear.getsockname()[1]
        talk.leg.hold()
        talk.agree(talk.reinvited("inactive"), "inactive", port)
        until(lambda: talk.leg.on_hold)
        for theirs in ("sendrecv", "inactive", "recvonly"):
            talk.offer(f"a={theirs}\r\n", port=port)
            assert parse(talk.phone.expect(200).content)[0].direction == "inactive"
            talk.ack()
        talk.leg.media.play(b"\xff" * 160)
        ear.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ear.recv(2000)
        assert talk.leg.on_hold and talk.events == [Answered()]
        talk.offer("a=sendonly\r\n", port=port)  # now they hold us, too
        talk.phone.expect(200)
        talk.ack()
        until(lambda: Held() in talk.events)
        talk.leg.resume()
        talk.agree(talk.reinvited("sendrecv"), "sendonly", port)
        until(lambda: not talk.leg.on_hold)
        assert talk.leg.held
        talk.offer("a=sendrecv\r\n", port=port)
        talk.phone.expect(200)
        assert talk.events == [Answered(), Held(), Unheld()]


def test_music_on_hold_goes_on_through_their_offers(talk: Talk) -> None:
    talk.leg.hold(music=True)
    talk.agree(talk.reinvited("sendonly"), "recvonly")
    until(lambda: talk.leg.on_hold)
    for theirs, ours in (("sendrecv", "sendonly"), ("recvonly", "sendonly"), ("sendonly", "inactive")):
        talk.offer(f"a={theirs}\r\n")
        assert parse(talk.phone.expect(200).content)[0].direction == ours
        talk.ack()
    talk.send("INVITE")  # one that leaves the offer to us
    assert parse(talk.phone.expect(200).content)[0].direction == "sendonly"


def test_a_refresh_does_not_end_a_hold_that_was_agreed_to_without_a_word(talk: Talk) -> None:
    """Some telephones answer a re-INVITE without a description."""
    talk.leg.hold()
    first = talk.reinvited("inactive")
    talk.phone.reply(first, 200)
    talk.phone.expect_request("ACK")
    until(lambda: talk.leg.on_hold)
    talk.office.pass_time(301)
    refresh = talk.reinvited("inactive")
    assert version(refresh) == version(first), "nothing changed"
    talk.agree(refresh, "inactive")


def test_each_changed_description_has_a_new_version(talk: Talk) -> None:
    versions = []
    for theirs in ("sendonly", "sendrecv", "inactive"):
        talk.offer(f"a={theirs}\r\n")
        versions.append(version(talk.phone.expect(200)))
        talk.ack()
    talk.send("INVITE")  # the offer is ours, and it is not what we answered last
    versions.append(version(talk.phone.expect(200)))
    talk.phone.send("ACK", talk.cseq, body=talk.phone.sdp, **talk.who)
    talk.leg.hold()
    request = talk.reinvited("inactive")
    versions.append(version(request))
    talk.phone.reply(request, 488)
    talk.phone.expect_request("ACK")
    talk.leg.hold(music=True)
    versions.append(version(talk.reinvited("sendonly")))
    assert versions == sorted(set(versions))


def test_an_offer_that_comes_before_the_answer_to_ours(talk: Talk) -> None:
    """Our 200 made an offer; until the ACK brings its answer no other offer fits."""
    talk.send("INVITE")
    talk.phone.expect(200)
    talk.offer(method="UPDATE")
    talk.phone.expect(491)
    talk.leg.hold()
    assert talk.phone.silent(0.2)
    talk.phone.send("ACK", talk.cseq - 1, body=talk.phone.sdp, **talk.who)
    talk.agree(talk.reinvited("inactive"), "inactive")


def test_bye_of_theirs_while_we_ask(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.send("BYE")
    talk.phone.expect(200)
    talk.phone.reply(request, 200, body=talk.phone.sdp)
    talk.phone.expect_request("ACK")
    assert talk.events == [Answered(), Ended(200, "remote_bye")]
    talk.leg.resume()
    talk.office.pass_time(5)
    assert talk.phone.silent(0.2), "asked in a call that is over"


def test_bye_of_ours_while_we_ask(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.leg.hangup()
    talk.phone.reply(talk.phone.expect_request("BYE"), 200)
    talk.phone.reply(request, 487)
    talk.phone.expect_request("ACK")
    assert talk.events == [Answered(), Ended(200, "local")]


def test_bye_while_their_hold_is_not_acknowledged(talk: Talk) -> None:
    talk.offer("a=sendonly\r\n")
    talk.phone.expect(200)
    talk.send("BYE")
    talk.phone.expect(200)
    talk.office.pass_time(40)
    assert talk.phone.silent(0.2), "our 200 is repeated although the call is over"
    assert talk.events == [Answered(), Held(), Ended(200, "remote_bye")]


def test_a_far_end_that_only_says_trying(talk: Talk) -> None:
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.phone.reply(request, 100)
    until(lambda: any(each.proceeding for each in talk.office.endpoint.sip._clients.values()))
    talk.office.pass_time(33)
    cancel = talk.phone.expect_request("CANCEL")
    assert cancel.vias[0].branch == request.vias[0].branch and cancel.cseq == request.cseq
    talk.phone.reply(cancel, 200)
    talk.phone.reply(request, 487)
    talk.phone.expect_request("ACK")
    talk.lives()
    talk.leg.hold()
    request = talk.reinvited("inactive")
    talk.phone.reply(request, 100)
    until(lambda: any(each.proceeding for each in talk.office.endpoint.sip._clients.values()))
    talk.office.pass_time(66)
    until(lambda: talk.events[-1] == Ended(408, "timeout"))


def test_nothing_is_asked_before_the_call_stands(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    leg = office.call()
    leg.hold()
    assert phone.silent(0.2), "re-INVITE before the ACK"
    phone.send("ACK")
    request = phone.expect_request("INVITE")
    phone.reply(request, 200, body=phone.sdp + "a=inactive\r\n")
    phone.expect_request("ACK")
    until(lambda: leg.on_hold)


def test_hold_by_challenge(make_office: Callable[..., Office], make_phone: Callable[..., Phone]) -> None:
    port = free_port()
    accounts = tuple(Account(line, user, "geheim", "127.0.0.1", port) for line, user in (("a", "100"), ("b", "200")))
    office = make_office(accounts=accounts)
    phone = make_phone(office, port=port)
    for _ in accounts:
        phone.reply(phone.expect_request("REGISTER"), 200)
    office.when_called = lambda leg: leg.answer()
    phone.invite(uri="sip:200@example.com")
    phone.expect(200)
    phone.send("ACK")
    leg = office.call()
    until(lambda: office.of(leg))
    leg.hold()
    phone.reply(phone.expect_request("INVITE"), 407, headers='Proxy-Authenticate: Digest realm="pbx", nonce="n1"\r\n')
    phone.expect_request("ACK")
    again = phone.expect_request("INVITE")
    assert 'username="200"' in again.header("proxy-authorization"), "another line's account answered"
    phone.reply(again, 200, body=phone.sdp + "a=inactive\r\n")
    phone.expect_request("ACK")
    until(lambda: leg.on_hold)


def test_a_hold_keeps_the_session_timer(office: Office, phone: Phone) -> None:
    talk = Talk(office, phone, inbound=True, headers="Session-Expires: 120;refresher=uac\r\nSupported: timer\r\n")
    talk.leg.hold()
    request = talk.reinvited("inactive")
    assert request.header("session-expires") == "120;refresher=uas", "they refresh, as agreed"
    talk.phone.reply(request, 200, headers="Session-Expires: 120;refresher=uas\r\n", body=phone.sdp + "a=inactive\r\n")
    talk.phone.expect_request("ACK")
    until(lambda: talk.leg.on_hold)
    office.pass_time(95)
    until(lambda: talk.events == [Answered(), Ended(408, "timeout")])


def test_a_vanished_telephone_on_hold_is_noticed(talk: Talk) -> None:
    talk.leg.hold()
    talk.agree(talk.reinvited("inactive"), "inactive")
    until(lambda: talk.leg.on_hold)
    talk.office.pass_time(301)
    refresh = talk.reinvited("inactive")
    assert refresh.header("session-expires") == "600;refresher=uac"
    talk.phone.reply(refresh, 488)  # whatever it thinks of it, it lives
    talk.phone.expect_request("ACK")
    talk.lives()
    talk.office.pass_time(301 + 33)
    until(lambda: talk.events[-1] == Ended(408, "timeout"))


def test_a_telephone_that_refuses_every_refresh_lives_all_the_same(talk: Talk) -> None:
    for _ in range(4):
        talk.office.pass_time(280)
        assert talk.phone.silent(0.05), "asked more often than every five minutes"
        talk.office.pass_time(21)
        talk.phone.reply(talk.reinvited("sendrecv"), 501)
        talk.phone.expect_request("ACK")
    talk.lives()
    assert talk.events == [Answered()]
