"""Offers and answers."""

from __future__ import annotations

import pytest

from sipbridge.pyvoip.sdp import Local, Unacceptable, body_of, choose, parse

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def audio_of(media: str, wanted: str | None = None, head: str = HEAD):  # type: ignore[no-untyped-def]
    return choose(parse((head + media).encode()), wanted, ipv6=False)


def test_the_callers_preference_decides() -> None:
    assert audio_of("m=audio 4000 RTP/AVP 18 8 0\r\n").codec == "PCMA"
    assert audio_of("m=audio 4000 RTP/AVP 18 8 0\r\n", "PCMU").codec == "PCMU"
    with pytest.raises(Unacceptable):
        audio_of("m=audio 4000 RTP/AVP 8\r\n", "PCMU")


def test_the_sections_own_connection_wins() -> None:
    audio = audio_of("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\nm=video 4002 RTP/AVP 34\r\nc=IN IP6 ::1\r\n")
    assert (audio.ip, audio.port) == ("192.0.2.9", 4000)
    assert audio_of("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n", head="v=0\r\n").ip == "192.0.2.9"


def test_directions() -> None:
    assert audio_of("m=audio 4000 RTP/AVP 0\r\n").direction == "sendrecv"
    assert audio_of("m=audio 4000 RTP/AVP 0\r\n", head=HEAD + "a=sendonly\r\n").direction == "sendonly"
    assert audio_of("m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", head=HEAD + "a=sendonly\r\n").direction == "inactive"
    assert audio_of("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n").direction == "sendonly"


def test_telephone_events_by_their_name_alone() -> None:
    assert audio_of("m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 Telephone-Event/8000\r\n").event == 96
    assert audio_of("m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/48000\r\n").event is None
    assert audio_of("m=audio 4000 RTP/AVP 0 101\r\n").event is None


def test_a_second_audio_section_serves_when_the_first_can_not() -> None:
    media = "m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\nm=image 4004 udptl t38\r\n"
    sections = parse((HEAD + media).encode())
    audio = choose(sections, None, ipv6=False)
    answer = parse(Local("192.0.2.7", 30000, "PCMU", None, 1).answer(sections, audio, "sendrecv"))
    assert [(each.kind, each.port) for each in answer] == [("audio", 0), ("audio", 30000), ("image", 0)]
    assert answer[1].address == "192.0.2.7" and answer[1].formats == ["0"]


def test_the_version_tells_a_change() -> None:
    local = Local("2001:db8::7", 30000, "PCMA", 101, 77)
    assert b"o=- 77 1 IN IP6 2001:db8::7\r\n" in local.offer()
    assert b"o=- 77 2 IN IP6 2001:db8::7\r\n" in local.changed().offer("sendonly")


def test_the_description_in_a_multipart_body() -> None:
    kind = 'multipart/mixed; boundary="a b"'
    content = (
        b"--a b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--a b\r\nContent-type:application/SDP\r\n\r\nv=0\r\n--a b--"
    )
    assert (body_of("multipart/mixed", kind, content) or b"").startswith(b"v=0")
    assert body_of("multipart/mixed", "multipart/mixed", content) is None
    assert body_of("text/plain", "text/plain", content) is None
