"""Who dials: a registered telephone that proves again whose it is; everybody else is a caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sipbridge.pyvoip import Ended, Leg
from sipbridge.pyvoip.message import Message

from .conftest import Office, Phone, until
from .registering import Registering, directory

ANNA = "<sip:anna@example.com>;tag=a1"
NUMBER = "sip:84951234567@example.com"


@pytest.fixture
def dialled() -> list[tuple[Leg, str, str]]:
    return []


@pytest.fixture
def office(make_office: Callable[..., Office], dialled: list[tuple[Leg, str, str]]) -> Office:
    office = make_office(on_dialled=lambda *what: dialled.append(what), codec_of=lambda user: "PCMA")
    office.endpoint.set_directory(directory())
    return office


@pytest.fixture
def anna(office: Office) -> Iterator[Registering]:
    phone = Registering(office)
    assert phone.register().code == 200
    yield phone
    phone.socket.close()


class Try:
    """One INVITE of a telephone after the other, each acknowledged when it is refused."""

    def __init__(self, phone: Phone, from_: str = ANNA, uri: str = NUMBER) -> None:
        self.phone, self.from_, self.uri, self.cseq = phone, from_, uri, 0
        self.to = f"<{uri}>"

    def send(self, headers: str = "", **parts: Any) -> None:
        self.cseq += 1
        self.parts = {"from_": self.from_, "uri": self.uri, "to": self.to} | parts
        self.phone.to_tag = ""
        self.phone.invite(cseq=self.cseq, headers=headers, **self.parts)

    def answer(self, code: int) -> Message:
        response = self.phone.expect(code)
        if code >= 300:
            self.phone.send("ACK", self.cseq, branch=self.phone.branch, **self.parts)
        return response

    def refused(self, code: int, headers: str = "", **parts: Any) -> Message:
        self.send(headers, **parts)
        return self.answer(code)


def challenged(anna: Registering, one: Try) -> None:
    anna.take(one.refused(401))


def proof(anna: Registering, one: Try, algorithm: str = "SHA-256", **wrong: str) -> str:
    return anna.proof(algorithm, "INVITE", **{"uri": one.uri, **wrong})


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_telephone_that_proves_whose_it_is_dials(
    office: Office, anna: Registering, dialled: list[tuple[Leg, str, str]], algorithm: str
) -> None:
    one = Try(anna)
    challenged(anna, one)
    assert dialled == []
    one.send(proof(anna, one, algorithm))
    until(lambda: dialled)
    ((leg, user, number),) = dialled
    assert (user, number, office.calls) == ("anna", "84951234567", [])
    assert anna.receive().code == 100 and anna.silent(), "nothing rings before the desk has decided"
    assert leg.codec == "PCMA", "the codec of the call she has already"
    leg.answer()
    anna.expect(200)


def test_one_that_knows_another_codec_only_is_taken_with_it(
    anna: Registering, dialled: list[tuple[Leg, str, str]]
) -> None:
    one = Try(anna)
    challenged(anna, one)
    one.send(proof(anna, one), body=anna.sdp.replace("0 8 101", "0 101"))
    until(lambda: dialled)
    assert dialled[0][0].codec == "PCMU"


@pytest.mark.parametrize("wrong", [{"response": "0" * 32}, {"username": "boris"}, {"uri": "sip:900@example.com"}])
def test_a_wrong_proof_is_refused_and_counted(
    office: Office, anna: Registering, dialled: list[Any], wrong: dict[str, str]
) -> None:
    one = Try(anna)
    challenged(anna, one)
    one.refused(403, proof(anna, one, **wrong))
    assert office.endpoint.counters["wrong_proofs"] == 1
    assert dialled == [] and office.calls == [] and office.endpoint.legs == {}


def test_a_colleagues_right_proof_is_none_of_hers(office: Office, anna: Registering, dialled: list[Any]) -> None:
    one = Try(anna)
    challenged(anna, one)
    anna.user, anna.secret = "boris", "geheim-boris"
    one.refused(403, proof(anna, one))
    assert dialled == [] and office.calls == []


def test_a_proof_serves_one_call_only(anna: Registering, dialled: list[Any]) -> None:
    one = Try(anna)
    challenged(anna, one)
    used = proof(anna, one)
    one.send(used)
    until(lambda: dialled)
    dialled[0][0].reject(603, "Decline")
    one.answer(603)
    again = one.refused(401, used)
    assert "stale=true" in again.header("www-authenticate")
    assert len(dialled) == 1


def test_guessing_by_invite_silences_the_address_like_guessing_by_register(
    office: Office, anna: Registering, dialled: list[Any]
) -> None:
    one = Try(anna)
    challenged(anna, one)
    for _ in range(10):
        one.refused(403, proof(anna, one, response="0" * 32))
    assert one.refused(403, proof(anna, one)).header("retry-after") == "60"
    assert dialled == [] and office.endpoint.counters["throttled_registers"] == 1
    stranger = Registering(office, "boris")
    assert stranger.register().header("retry-after") == "60"
    stranger.socket.close()
    office.pass_time(61)
    one.send(proof(anna, one))
    until(lambda: dialled)


def test_who_comes_from_elsewhere_in_her_name_is_a_caller(
    office: Office, anna: Registering, dialled: list[Any], phone: Phone
) -> None:
    phone.invite(from_=ANNA)
    assert office.call().caller_number == "anna"
    assert dialled == []


@pytest.mark.parametrize("from_", ["<sip:+79990000000@example.com>;tag=a1", "<sip:vera@example.com>;tag=a1"])
def test_who_comes_from_her_address_in_another_name_is_a_caller(
    office: Office, anna: Registering, dialled: list[Any], from_: str
) -> None:
    anna.invite(from_=from_)
    office.call()
    assert dialled == []


def test_who_is_registered_no_more_is_a_caller(office: Office, anna: Registering, dialled: list[Any]) -> None:
    assert anna.register(anna.contact(expires=0)).code == 200
    anna.invite(from_=ANNA)
    office.call()
    assert dialled == []


def test_behind_a_proxy_a_number_is_a_caller_and_a_name_a_user(office: Office, dialled: list[Any]) -> None:
    office.endpoint.set_directory(directory("2", **{"204": "geheim-204", "anna": "geheim-anna"}))
    proxy = Registering(office, "204", "geheim-204")
    assert proxy.register().code == 200
    proxy.user, proxy.secret, proxy.nonce = "anna", "geheim-anna", ""
    assert proxy.register(proxy.contact(";line=2")).code == 200
    via = (
        f"Via: SIP/2.0/UDP {proxy.ip}:{proxy.port};branch=z9hG4bKproxy1\r\n"
        "Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bKphone\r\n"
    )
    proxy.invite(from_="<sip:204@example.com>;tag=a1", via=via)
    assert office.call().caller_number == "204"
    proxy.expect(100)
    proxy.invite(from_=ANNA, via=via.replace("proxy1", "proxy2"), cseq=2)
    proxy.expect(401)
    assert dialled == []
    proxy.socket.close()


def test_one_that_gives_up_before_the_desk_has_decided(
    office: Office, anna: Registering, dialled: list[tuple[Leg, str, str]]
) -> None:
    one = Try(anna)
    challenged(anna, one)
    one.send(proof(anna, one))
    until(lambda: dialled)
    anna.send("CANCEL", one.cseq, branch=anna.branch, **one.parts)
    assert {anna.expect(200).code, anna.expect(487).code} == {200, 487}
    leg = dialled[0][0]
    until(lambda: office.of(leg) == [Ended(487, "cancelled")])
    leg.answer()  # the desk's word comes late
    assert office.endpoint.legs == {}


def test_an_endpoint_that_lets_nobody_dial_takes_them_for_callers(make_office: Callable[..., Office]) -> None:
    office = make_office()
    office.endpoint.set_directory(directory())
    anna = Registering(office)
    assert anna.register().code == 200
    anna.invite(from_=ANNA)
    office.call()
    anna.socket.close()
