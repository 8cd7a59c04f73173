"""The registrar: who gets in, what is bound, for how long, and what a restart leaves."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from sipbridge.pyvoip import Binding
from sipbridge.pyvoip.message import Message
from sipbridge.switchboard import Switchboard

from .conftest import Office, Phone, until
from .registering import Registering, directory

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

MakeOffice = Callable[..., Office]
MakeRegistering = Callable[..., Registering]


@pytest.fixture
def office(make_office: MakeOffice) -> Office:
    office = make_office()
    office.endpoint.set_directory(directory())
    return office


@pytest.fixture
def make_registering(office: Office) -> Iterator[MakeRegistering]:
    made: list[Registering] = []

    def make(user: str = "anna", secret: str = "", where: Office | None = None, **at: Any) -> Registering:
        made.append(Registering(where or office, user, secret, **at))
        return made[-1]

    yield make
    for phone in made:
        phone.socket.close()


@pytest.fixture
def anna(make_registering: MakeRegistering) -> Registering:
    return make_registering("anna")


def uris(bindings: list[Binding]) -> list[str]:
    return [binding.uri for binding in bindings]


def bound(answer: Message) -> list[str]:
    return answer.values("contact")


# Who gets in


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_known_user_registers(office: Office, anna: Registering, algorithm: str) -> None:
    challenge = anna.ask()
    offered = challenge.fields["www-authenticate"]
    assert ["SHA-256" in each for each in offered] == [True, False] and "algorithm=MD5" in offered[1]
    assert all('qop="auth"' in each and 'realm="desk"' in each for each in offered)
    assert not office.endpoint.phones_of("anna")
    answer = anna.register(algorithm=algorithm)
    assert answer.code == 200
    assert bound(answer) == [f"<sip:anna@127.0.0.1:{anna.port}>;expires=120"]
    (binding,) = office.endpoint.phones_of("anna")
    assert binding.address == ("127.0.0.1", anna.port)
    assert binding.expires_at - binding.since == timedelta(seconds=120)
    assert office.endpoint.phones_of("boris") == []


def test_a_telephone_that_knows_md5_alone_is_met_half_way(office: Office, anna: Registering) -> None:
    assert len(anna.ask().fields["www-authenticate"]) == 2
    anna.send_raw(anna.write("REGISTER", anna.cseq, to=anna.aor))  # the answer was lost, say
    assert len(anna.receive().fields["www-authenticate"]) == 2
    challenge = anna.ask()  # it had nothing to say to that
    assert [("MD5" in each) for each in challenge.fields["www-authenticate"]] == [True]
    assert anna.register(algorithm="MD5").code == 200
    office.clock.ahead += 301
    anna.uses = 0
    stale = anna.register_raw(anna.contact() + anna.proof("MD5"))
    assert [("MD5" in each) for each in stale.fields["www-authenticate"]] == [True]
    anna.take(stale)
    assert anna.register(algorithm="MD5").code == 200
    assert len(anna.ask().fields["www-authenticate"]) == 1  # after its restart


def test_a_telephone_known_for_it_is_offered_md5_alone_at_once(anna: Registering) -> None:
    answer = anna.register_raw("User-Agent: baresip v1.0.0 (x86_64/linux)\r\n")
    assert [("MD5" in each) for each in answer.fields["www-authenticate"]] == [True]


def test_without_a_directory_the_bridge_is_no_registrar(make_office: MakeOffice) -> None:
    office = make_office()
    phone = Phone(office)
    phone.send("REGISTER")
    assert "REGISTER" not in phone.expect(405).header("allow")
    office.endpoint.set_directory(replace(directory(), users={}))
    phone.send("REGISTER", 2)
    phone.expect(405)
    phone.socket.close()


@pytest.mark.parametrize(
    ("user", "secret"),
    [("anna", "wrong"), ("stranger", "geheim-anna"), ("Anna", "geheim-anna"), ("boris", "geheim-anna")],
)
def test_a_wrong_proof_is_refused(office: Office, make_registering: MakeRegistering, user: str, secret: str) -> None:
    phone = make_registering(user, secret)
    assert phone.register().code == 403
    assert office.endpoint.counters["wrong_proofs"] == 1
    assert office.endpoint.registered_phones() == []


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n",
        "Authorization: Basic YW5uYTpnZWhlaW0=\r\n",
        "Authorization: Digest\r\n",
        'Authorization: Digest username="anna", realm="elsewhere", nonce="x", uri="sip:x", response="y", nc=1\r\n',
        "Authorization: Digest " + "x" * 3000 + "\r\n",
    ],
)
def test_what_is_no_proof_is_answered_with_a_challenge(office: Office, anna: Registering, header: str) -> None:
    assert anna.register_raw(anna.contact() + header).code == 401
    assert office.endpoint.counters["wrong_proofs"] == 0


@pytest.mark.parametrize("wrong", [{"qop": "auth-int"}, {"nc": "1"}, {"nc": "zzzzzzzz"}, {"cnonce": ""}])
def test_only_what_was_offered_is_a_proof(office: Office, anna: Registering, wrong: dict[str, str]) -> None:
    anna.ask()
    assert anna.register_raw(anna.contact() + anna.proof(**wrong)).code == 401
    assert office.endpoint.phones_of("anna") == []


def test_a_proof_for_another_address_of_record_is_refused(office: Office, anna: Registering) -> None:
    anna.ask()
    assert anna.register_raw(anna.contact() + anna.proof(), to="<sip:boris@example.com>").code == 403
    assert office.endpoint.registered_phones() == []


def test_a_proof_made_for_another_request_uri_is_wrong(office: Office, anna: Registering) -> None:
    anna.ask()
    assert anna.register_raw(anna.contact() + anna.proof(uri="sip:evil.example.com")).code == 403
    assert office.endpoint.counters["wrong_proofs"] == 1


def test_a_use_of_a_nonce_is_good_once(office: Office, anna: Registering) -> None:
    anna.ask()
    header = anna.contact() + anna.proof()
    assert anna.register_raw(header).code == 200
    again = anna.register_raw(anna.contact(expires=0) + header.removeprefix(anna.contact()))
    assert again.code == 401 and "stale=true" in again.header("www-authenticate")
    assert len(office.endpoint.phones_of("anna")) == 1
    anna.uses = 1
    assert anna.register().code == 200
    assert office.endpoint.counters["wrong_proofs"] == 0


def test_a_proof_that_was_overheard_is_worth_nothing_elsewhere(
    office: Office, anna: Registering, make_registering: MakeRegistering
) -> None:
    anna.ask()
    overheard = anna.proof()
    thief = make_registering("anna", "unknown")
    answer = thief.register_raw(thief.contact() + overheard)
    assert answer.code == 401 and "stale=true" in answer.header("www-authenticate")
    assert office.endpoint.phones_of("anna") == []


def test_an_old_nonce_is_stale(office: Office, anna: Registering) -> None:
    anna.ask()
    office.clock.ahead += 301
    answer = anna.register_raw(anna.contact() + anna.proof())
    assert answer.code == 401 and "stale=true" in answer.header("www-authenticate")
    anna.take(answer)
    assert anna.register().code == 200


def test_a_retransmission_is_answered_the_same(office: Office, anna: Registering) -> None:
    anna.ask()
    anna.cseq += 1
    data = anna.write("REGISTER", anna.cseq, headers=anna.proof(), to=anna.aor)
    anna.send_raw(data)
    anna.send_raw(data)
    first, second = anna.receive(), anna.receive()
    assert first.code == second.code == 200 and first.to.tag == second.to.tag


def test_a_stranger_is_not_answered(make_office: MakeOffice) -> None:
    office = make_office(peers=(ip_network("127.9.9.9"),))
    office.endpoint.set_directory(directory())
    stranger = Phone(office)
    stranger.send("REGISTER")
    stranger.send("REGISTER", 2, to="<sip:anna@example.com>;tag=x")
    office.endpoint.sip.dialled["127.0.0.1"] += 1  # as while a telephone there is being called
    stranger.send("REGISTER", 3)
    stranger.send("REGISTER", 4, to="<sip:anna@example.com>;tag=x")
    until(lambda: office.endpoint.counters["refused_strangers"] == 4)
    assert stranger.silent(0.1)
    stranger.socket.close()


# Throttling


def test_an_address_with_too_many_wrong_proofs_is_not_listened_to(
    office: Office, make_registering: MakeRegistering
) -> None:
    guesser = make_registering("anna", "guess", ip="127.0.0.2")
    for number in range(10):
        assert not guesser.register().header("retry-after"), number
    guesser.secret = "geheim-anna"
    answer = guesser.register()
    assert answer.code == 403 and answer.header("retry-after") == "60"
    assert office.endpoint.counters["throttled_registers"] == 1
    assert make_registering("anna", ip="127.0.0.3").register().code == 200  # the right telephone elsewhere
    office.clock.ahead += 61
    assert guesser.register().code == 200


def test_a_user_under_attack_from_everywhere_still_gets_in(office: Office, make_registering: MakeRegistering) -> None:
    for number in range(10):
        assert make_registering("anna", "guess", ip=f"127.0.1.{number + 1}").register().code == 403
    one_more = make_registering("anna", "guess", ip="127.0.2.1")
    assert not one_more.register().header("retry-after")
    assert one_more.register().header("retry-after")  # one try is all an address has now
    assert make_registering("anna", ip="127.0.2.2").register().code == 200


def test_a_telephone_keeps_its_binding_while_its_neighbour_guesses(
    office: Office, anna: Registering, make_registering: MakeRegistering
) -> None:
    assert anna.register().code == 200
    neighbour = make_registering("boris", "guess")
    for _ in range(12):
        neighbour.register()
    assert neighbour.register().header("retry-after")
    assert anna.register().code == 200


def test_wrong_proofs_in_datagrams_that_only_name_our_address_shut_nobody_out(
    office: Office, make_registering: MakeRegistering
) -> None:
    """Who never received a challenge at that address has not shown that it is his."""
    forger = make_registering("anna", "guess")
    for forged in ("none", "17.0123456789abcdef.0123456789abcdef0123456789abcdef") * 10:
        forger.nonce = forged
        answer = forger.register_raw(forger.contact() + forger.proof())
        assert answer.code == 401 and "stale=true" in answer.header("www-authenticate")
    forger.secret, forger.nonce = "geheim-anna", "none"
    right = forger.register_raw(forger.contact() + forger.proof())
    assert right.code == 401, "the answer told a right guess from a wrong one"
    assert office.endpoint.counters["wrong_proofs"] == 0
    assert make_registering("anna").register().code == 200


def test_a_caller_is_sent_to_telephones_and_never_to_a_number_that_one_registered(
    office: Office, make_registering: MakeRegistering
) -> None:
    """His PBX would dial it, at our cost."""
    for user in ("+19005551234", "8-900-555", "19005551234;ext=1", "%2b1900555", "*21*100%23", "a%e2%80%ae"):
        assert make_registering("anna").register(f"Contact: <sip:{user}@10.9.9.9>\r\n").code == 200
    honest = make_registering("anna")
    assert honest.register().code == 200
    contacts = Switchboard(office.endpoint).contacts(("registered:anna", "sip:boris@10.0.0.2", "registered:boris"))
    assert contacts == (f"sip:anna@127.0.0.1:{honest.port}", "sip:boris@10.0.0.2")


def test_a_telephone_that_registers_without_end_is_slowed_down(office: Office, anna: Registering) -> None:
    codes = [anna.register().code for _ in range(105)]
    assert codes == [200] * 100 + [403] * 5


def test_a_thousand_wrong_proofs_leave_nothing_behind(office: Office, make_registering: MakeRegistering) -> None:
    guesser = make_registering("anna", "guess")
    for number in range(1000):
        guesser.user = f"user{number}"
        guesser.nonce = guesser.nonce or "none"
        assert guesser.register().code == 403
    assert office.endpoint.counters["wrong_proofs"] == 10
    registrar, judge, sip = office.endpoint.registrar, office.endpoint.registrar._judge, office.endpoint.sip
    assert len(sip._servers) <= 10
    assert len(judge._wrong_for._times) <= 10 and len(judge._wrong_from._times) == 1
    assert not judge._prover._used and not registrar._phones


# What is bound


def test_several_telephones_of_a_user_the_newest_first(office: Office, make_registering: MakeRegistering) -> None:
    phones = [make_registering("anna") for _ in range(3)]
    for phone in phones:
        assert phone.register().code == 200
    found = office.endpoint.phones_of("anna")
    assert [binding.address[1] for binding in found] == [phone.port for phone in reversed(phones)]
    assert len(bound(phones[0].register())) == 3


def test_the_telephones_are_told_to_the_desk(office: Office, anna: Registering) -> None:
    anna.register(anna.contact() + "User-Agent: Apparat\x07 \xe2\x80\xae" + "x" * 200 + "\r\n")
    (told,) = json.loads(json.dumps(office.endpoint.registered_phones()))
    assert told["user"] == "anna" and told["address"] == f"127.0.0.1:{anna.port}"
    assert told["device"].startswith("Apparat ") and told["device"].isprintable() and len(told["device"]) == 80
    assert datetime.fromisoformat(told["since"]) < datetime.fromisoformat(told["expires_at"])


def test_the_address_is_where_it_came_from_whatever_it_says(office: Office, anna: Registering) -> None:
    assert anna.register("Contact: <sip:anna@192.168.7.7:5060>\r\n").code == 200
    (binding,) = office.endpoint.phones_of("anna")
    assert binding.uri == "sip:anna@192.168.7.7:5060" and binding.address == ("127.0.0.1", anna.port)


def test_asking_changes_nothing(office: Office, anna: Registering) -> None:
    anna.register()
    before = office.endpoint.phones_of("anna")
    answer = anna.register("")
    assert answer.code == 200 and len(bound(answer)) == 1
    assert office.endpoint.phones_of("anna") == before


def test_a_telephone_takes_its_binding_back(
    office: Office, anna: Registering, make_registering: MakeRegistering
) -> None:
    other = make_registering("anna")
    anna.register()
    other.register()
    assert len(bound(anna.register(anna.contact(expires=0)))) == 1
    assert uris(office.endpoint.phones_of("anna")) == [f"sip:anna@127.0.0.1:{other.port}"]


def test_all_bindings_are_taken_back_at_once(
    office: Office, anna: Registering, make_registering: MakeRegistering
) -> None:
    make_registering("anna").register()
    anna.register()
    for refused in ("Contact: *\r\n", "Contact: *\r\nExpires: 60\r\n", "Contact: *\r\n" + anna.contact(expires=0)):
        assert anna.register(refused).code == 400
    assert len(office.endpoint.phones_of("anna")) == 2
    answer = anna.register("Contact: *\r\nExpires: 0\r\n")
    assert answer.code == 200 and bound(answer) == []
    assert office.endpoint.registered_phones() == []


def test_the_same_device_replaces_its_old_binding(office: Office, make_registering: MakeRegistering) -> None:
    instance = ';+sip.instance="<urn:uuid:7097ddb0-3f76-00ec-be57-4f42a450180d>"'
    first, second = make_registering("anna"), make_registering("anna")
    first.register(first.contact().replace(";expires", f"{instance};expires"))
    since = office.endpoint.phones_of("anna")[0].since
    answer = second.register(second.contact().replace(";expires", f"{instance};expires"))
    (binding,) = office.endpoint.phones_of("anna")
    assert binding.address[1] == second.port and binding.since == since
    assert "+sip.instance" in bound(answer)[0]


def test_a_telephone_that_forgot_its_binding_has_one_all_the_same(office: Office, anna: Registering) -> None:
    anna.register(f"Contact: <sip:anna-0x1@127.0.0.1:{anna.port}>\r\n")
    anna.call_id = "after-its-restart"
    anna.register(f"Contact: <sip:anna-0x2@127.0.0.1:{anna.port}>\r\n")
    assert uris(office.endpoint.phones_of("anna")) == [f"sip:anna-0x2@127.0.0.1:{anna.port}"]


def test_telephones_behind_one_proxy_are_told_apart(office: Office, anna: Registering) -> None:
    def vias() -> str:
        own = f"Via: SIP/2.0/UDP 127.0.0.1:{anna.port};branch=z9hG4bKp{anna.cseq};rport\r\n"
        return own + "Via: SIP/2.0/UDP 192.168.7.7;branch=z9hG4bKx\r\n"

    for number in (1, 2):
        anna.call_id = f"device-{number}"
        answer = anna.register(f"Contact: <sip:anna@192.168.7.{number}>\r\n", via=vias())
        assert answer.code == 200
    assert len(office.endpoint.phones_of("anna")) == 2


def test_a_user_has_ten_telephones_at_most(office: Office, make_registering: MakeRegistering) -> None:
    phones = [make_registering("anna") for _ in range(12)]
    for phone in phones:
        assert phone.register().code == 200
    assert {b.address[1] for b in office.endpoint.phones_of("anna")} == {phone.port for phone in phones[2:]}


# For how long


@pytest.mark.parametrize(
    ("contacts", "granted"),
    [
        ("Contact: <sip:anna@127.0.0.1:5>;expires=600\r\nExpires: 100\r\n", 600),
        ("Contact: <sip:anna@127.0.0.1:5>\r\nExpires: 100\r\n", 100),
        ("Contact: <sip:anna@127.0.0.1:5>\r\n", 3600),
        ("Contact: <sip:anna@127.0.0.1:5>;expires=86400\r\n", 3600),
        ("Contact: <sip:anna@127.0.0.1:5>;expires=999999999999999999999999\r\n", 3600),
        ("Contact: <sip:anna@127.0.0.1:5>;expires=nonsense\r\n", 3600),
        ("Contact: <sip:anna@127.0.0.1:5>;expires=60\r\n", 60),
        ("m: sip:anna@127.0.0.1:5 ; expires=90\r\n", 90),
    ],
)
def test_how_long_a_binding_lives(office: Office, anna: Registering, contacts: str, granted: int) -> None:
    answer = anna.register(contacts)
    assert answer.code == 200
    assert bound(answer)[0].endswith(f";expires={granted}")


@pytest.mark.parametrize("contacts", ["{};expires=59\r\n", "{}\r\nExpires: 1\r\n"])
def test_too_short_an_interval(office: Office, anna: Registering, contacts: str) -> None:
    answer = anna.register(contacts.format(f"Contact: <sip:anna@127.0.0.1:{anna.port}>"))
    assert answer.code == 423 and answer.header("min-expires") == "60"
    assert office.endpoint.registered_phones() == []


def test_a_binding_ends_and_counts_down(office: Office, anna: Registering) -> None:
    anna.register(anna.contact(expires=120))
    office.clock.ahead += 100
    (shown,) = bound(anna.register(""))
    assert 15 <= int(shown.rpartition("=")[2]) <= 20
    office.clock.ahead += 21
    assert office.endpoint.phones_of("anna") == [] == office.endpoint.registered_phones()


def test_a_refresh_prolongs_and_keeps_its_beginning(office: Office, anna: Registering) -> None:
    anna.register()
    (before,) = office.endpoint.phones_of("anna")
    office.clock.ahead += 100
    anna.register()
    office.clock.ahead += 100
    (after,) = office.endpoint.phones_of("anna")
    assert after.since == before.since


def test_requests_out_of_order_change_nothing(office: Office, anna: Registering) -> None:
    anna.cseq = 10
    assert anna.register().code == 200
    assert anna.register(anna.contact(expires=0), cseq=10).code == 500
    assert anna.register("Contact: *\r\nExpires: 0\r\n", cseq=3).code == 500
    assert len(office.endpoint.phones_of("anna")) == 1
    anna.call_id = "another-life"
    assert anna.register(anna.contact(expires=0), cseq=1).code == 200
    assert office.endpoint.phones_of("anna") == []


# What is refused


@pytest.mark.parametrize(
    "contact",
    [
        "<sips:anna@127.0.0.1>",
        "<tel:+74951234567>",
        "<http://127.0.0.1/>",
        "<mailto:anna@example.com>",
        "<sip:anna@224.0.1.75>",
        "<sip:anna@[ff02::1]>",
        "<sip:anna@0.0.0.0>",
        "<sip:anna@[::]>",
        "<sip:anna@255.255.255.255>",
        "<sip:anna@127.0.0.1?Route=%3Csip:evil.example.com%3E>",
        "<sip:anna%0d%0aVia:x@127.0.0.1>",
        "<sip:anna%00@127.0.0.1>",
        "<sip:\u0430nna@127.0.0.1>",
        "<sip:" + "a" * 500 + "@127.0.0.1>",
        "<sip:anna@127.0.0.1:99999>",
        "<sip:anna@127.0.0.1",
        "nonsense",
        '<sip:anna@127.0.0.1>;+sip.instance="<' + "u" * 300 + '>"',
        '<sip:anna@127.0.0.1>;+sip.instance="<urn:x',
        "<sip:anna@127.0.0.1>, <sip:anna@127.0.0.1;transport=udp>",
        ", ".join(f"<sip:anna@127.0.0.1:{port}>" for port in range(6000, 6011)),
        ", ".join(f"<sip:anna@127.0.0.1:{port}>" for port in range(6000, 6100)),
    ],
)
def test_contacts_nobody_may_bind(office: Office, anna: Registering, contact: str) -> None:
    assert anna.register().code == 200
    answer = anna.register(f"Contact: {contact}\r\n")
    assert answer.code == 400, answer.heading
    assert uris(office.endpoint.phones_of("anna")) == [f"sip:anna@127.0.0.1:{anna.port}"]


def test_extensions_that_a_registrar_must_know(office: Office, anna: Registering) -> None:
    for needed in ("path", "outbound", "gruu"):
        answer = anna.register_raw(f"Require: {needed}\r\n")
        assert answer.code == 420 and answer.header("unsupported") == needed
    path = "Path: <sip:evil.example.com;lr>\r\nSupported: path\r\n"
    assert anna.register(anna.contact() + path).code == 200
    assert office.endpoint.phones_of("anna")[0].address == ("127.0.0.1", anna.port)


def test_an_address_of_record_that_is_none(anna: Registering) -> None:
    assert anna.register_raw("", to="<tel:+7495>").code == 400
    assert anna.register_raw("", to="<http://example.com>").code == 400


# The directory and the disk


def test_who_leaves_the_directory_leaves_the_bridge(office: Office, make_registering: MakeRegistering) -> None:
    for user in ("anna", "boris"):
        assert make_registering(user).register().code == 200
    office.endpoint.set_directory(directory("2", anna="geheim-anna", boris="a new one", vera="x"))
    assert len(office.endpoint.phones_of("anna")) == 1
    assert office.endpoint.phones_of("boris") == []
    office.endpoint.set_directory(directory("3", boris="a new one"))
    assert office.endpoint.registered_phones() == []


def test_bindings_survive_a_restart(make_office: MakeOffice, make_registering: MakeRegistering, tmp_path: Path) -> None:
    path, now = tmp_path / "bridge" / "bindings.json", [NOON]

    def start() -> Office:
        office = make_office(bindings=path, now=lambda: now[0])
        office.endpoint.set_directory(directory())
        return office

    office = start()
    anna, boris = (make_registering(user, where=office) for user in ("anna", "boris"))
    anna.register(anna.contact(expires=600))
    boris.register(boris.contact(expires=60))
    before = office.endpoint.phones_of("anna")
    office.endpoint.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["bindings.json"]
    assert "geheim" not in path.read_text()

    now[0] += timedelta(seconds=100)
    office = start()
    assert office.endpoint.phones_of("anna") == before
    assert office.endpoint.phones_of("boris") == []  # its time was up
    office.clock.ahead += 450
    assert office.endpoint.phones_of("anna") == before
    office.clock.ahead += 60
    assert office.endpoint.phones_of("anna") == []


def test_a_binding_is_on_disk_before_a_crash(
    make_office: MakeOffice, make_registering: MakeRegistering, tmp_path: Path
) -> None:
    path = tmp_path / "bindings.json"
    office = make_office(bindings=path)
    office.endpoint.set_directory(directory())
    anna = make_registering("anna", where=office)
    anna.register()
    until(lambda: path.exists() and "anna" in path.read_text())
    written = path.stat().st_mtime_ns
    for _ in range(20):
        anna.register()
    office.pass_time(3)
    assert path.stat().st_mtime_ns == written  # refreshes are not worth a write each
    office.pass_time(15)
    until(lambda: path.stat().st_mtime_ns > written)
    anna.register(anna.contact(expires=0))
    until(lambda: json.loads(path.read_text()) == [])


def test_a_clock_that_was_moved_keeps_nobody_for_longer_than_an_hour(
    make_office: MakeOffice, make_registering: MakeRegistering, tmp_path: Path
) -> None:
    path, now = tmp_path / "bindings.json", [NOON]
    office = make_office(bindings=path, now=lambda: now[0])
    office.endpoint.set_directory(directory())
    make_registering("anna", where=office).register()
    now[0] -= timedelta(hours=30)
    office.clock.ahead += 100
    assert len(office.endpoint.phones_of("anna")) == 1
    office.endpoint.stop()
    office = make_office(bindings=path, now=lambda: now[0])
    office.endpoint.set_directory(directory())
    assert len(office.endpoint.phones_of("anna")) == 1
    office.clock.ahead += 3601
    assert office.endpoint.phones_of("anna") == []


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[1]", '[{"user": "anna"}]', "null", "[" * 5000, '{"user": 1}', "\x00" * 100]
)
def test_a_damaged_file_keeps_nobody_out(
    make_office: MakeOffice, make_registering: MakeRegistering, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "bindings.json"
    path.write_text(text)
    office = make_office(bindings=path)
    office.endpoint.set_directory(directory())
    assert make_registering("anna", where=office).register().code == 200


def test_a_disk_that_takes_nothing_keeps_nobody_out(
    make_office: MakeOffice, make_registering: MakeRegistering, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    office = make_office(bindings=tmp_path / "file" / "bindings.json")
    office.endpoint.set_directory(directory())
    assert make_registering("anna", where=office).register().code == 200
    office.pass_time(1)
    assert len(office.endpoint.phones_of("anna")) == 1
