"""Hostile REGISTERs: whatever they say, the registrar lives, stays small, and rings nobody but who proved himself."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sipbridge.pyvoip.message import Message, NotSip
from sipbridge.pyvoip.proof import proof_in

from .conftest import Office
from .registering import REALM, Registering, directory

ANSWERS = {200, 400, 401, 403, 420, 423, 500}
hostile = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=60)
contacts = st.one_of(
    texts,
    st.builds(
        "<sip:{}@{}{}>{}".format,
        texts,
        st.sampled_from(["127.0.0.1", "[::1]", "224.0.0.1", "example.com", "127.0.0.1:5070", "x" * 300]),
        st.sampled_from(["", ";transport=tcp", ";lr", "?a=b", ";maddr=10.0.0.1"]),
        st.one_of(st.just(""), st.builds(";expires={}".format, st.integers(-5, 10**30)), texts.map(";{}".format)),
    ),
)


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    office = make_office()
    office.endpoint.set_directory(directory())
    return office


@pytest.fixture
def anna(office: Office) -> Iterator[Registering]:
    phone = Registering(office)
    yield phone
    phone.socket.close()


def forget_throttling(office: Office) -> None:
    office.clock.ahead += 61


good = st.builds("<sip:anna@127.0.0.1:{}>;expires={}".format, st.integers(5000, 5030), st.sampled_from([0, 60, 600]))


@hostile
@given(
    st.one_of(st.lists(good, max_size=12, unique_by=lambda text: text.split(";")[0]), st.lists(contacts, max_size=14)),
    st.one_of(st.none(), st.integers(-1, 10**12), texts),
    st.integers(0, 3),
)
def test_any_contacts_of_one_who_proved_himself(
    office: Office, anna: Registering, found: list[str], expires: object, cseq_back: int
) -> None:
    forget_throttling(office)
    anna.nonce = ""
    headers = "".join(f"Contact: {contact}\r\n" for contact in found)
    headers += "" if expires is None else f"Expires: {expires}\r\n"
    if "REGISTER" in headers or "\nContent-Length" in headers:
        return
    anna.ask()
    anna.cseq += 4
    answer = anna.register_raw(headers + anna.proof(), cseq=anna.cseq - cseq_back)
    event(f"answered {answer.code}")
    assert answer.code in ANSWERS
    phones = office.endpoint.phones_of("anna")
    assert len(phones) <= 10
    assert {phone.address for phone in phones} <= {("127.0.0.1", anna.port)}
    assert all(phone.uri.isascii() and phone.uri.isprintable() for phone in phones)
    assert office.endpoint.counters["errors"] == 0


@hostile
@given(
    st.dictionaries(
        st.sampled_from(["username", "realm", "nonce", "uri", "nc", "cnonce", "qop", "response", "algorithm", "x"]),
        st.one_of(
            texts, st.sampled_from(["auth", "MD5", "SHA-256", "anna", REALM, "00000001", "sip:desk@example.com"])
        ),
    ),
    st.sampled_from(["Digest ", "digest ", "Basic ", "", "Digest"]),
    st.booleans(),
)
def test_any_proof_but_the_right_one(
    office: Office, anna: Registering, parts: dict[str, str], scheme: str, with_nonce: bool
) -> None:
    forget_throttling(office)
    if with_nonce:
        anna.ask()
        parts = {**parts, "nonce": anna.nonce}
    listed = ", ".join(f'{name}="{value}"' for name, value in parts.items())
    answer = anna.register_raw(f"{anna.contact()}Authorization: {scheme}{listed}\r\n")
    assert answer.code in (400, 401, 403)
    assert office.endpoint.registered_phones() == []
    assert office.endpoint.counters["errors"] == 0


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_proof_or_none(text: str) -> None:
    data = (
        "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
        f"Call-ID: x\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest {text}\r\n\r\n"
    )
    try:
        message = Message(data.encode("utf-8", "surrogatepass"))
    except NotSip:
        return
    if not message.fault:
        proof = proof_in(message, REALM)
        assert proof is None or (proof.user and proof.response)


def test_mutated_registers_change_nothing_for_others(office: Office, anna: Registering) -> None:
    assert anna.register(anna.contact(expires=3600)).code == 200
    before = office.endpoint.phones_of("anna")
    chance = random.Random(random.randrange(10**6))
    attacker = Registering(office, "boris", "unknown", ip="127.0.0.7")
    whole = attacker.write("REGISTER", 1, headers=anna.proof() + "Expires: 600\r\n", to=anna.aor)
    threads = threading.active_count()
    for number in range(3000):
        data = bytearray(whole.replace(attacker.call_id.encode(), b"m%d" % number))
        for _ in range(chance.randint(1, 10)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 3))
        attacker.send_raw(bytes(data))
        if number % 50 == 0:
            while not attacker.silent(0.01):
                pass
        if number % 100 == 0:
            forget_throttling(office)
    attacker.socket.close()
    prober = Registering(office)
    prober.send("OPTIONS")
    prober.expect(200)
    prober.socket.close()
    assert office.endpoint.counters["errors"] == 0
    assert office.endpoint.phones_of("anna") == before and len(office.endpoint.registered_phones()) == 1
    assert threading.active_count() <= threads


def test_strangers_and_floods_leave_the_registrar_small(office: Office, anna: Registering) -> None:
    registrar = office.endpoint.registrar
    for number in range(6000):
        anna.user = f"user-{number}"
        anna.send_raw(anna.write("REGISTER", number + 1, to=anna.aor, headers=f"User-Agent: {number}\r\n"))
        if number % 50 == 0:
            while not anna.silent(0.005):
                pass
    while not anna.silent(0.2):
        pass
    assert len(registrar._judge._offers._asked) <= 4096
    assert not office.endpoint.sip._servers and not registrar._phones
    anna.user = "anna"
    anna.cseq = 10_000
    assert anna.register().code == 200


def test_many_nonces_and_proofs_are_forgotten_safely(office: Office, anna: Registering) -> None:
    """What was used can't be used again, even after its nonce had to make room for others."""
    prover = office.endpoint.registrar._judge._prover
    anna.ask()
    first = anna.proof()
    assert anna.register_raw(anna.contact() + first).code == 200
    with office.endpoint.sip.lock:
        for number in range(5000):
            prover._used[f"filler-{number}"] = (office.clock(), 1)
    anna.ask()
    assert anna.register_raw(anna.contact() + anna.proof()).code in (200, 401)
    assert len(prover._used) <= 4096
    again = anna.register_raw(anna.contact() + first)
    assert again.code == 401 and "stale=true" in again.header("www-authenticate")
