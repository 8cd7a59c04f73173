"""Real softphones, baresip and Linphone, registered at the bridge: all ring, one talks, they come and go."""

from __future__ import annotations

import audioop
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipbridge.pyvoip import Answered, Binding, Ended, Leg, Ringing
from tests.e2e import hearing
from tests.e2e.linphone import Linphone, typed
from tests.e2e.phones import Softphone, missing
from tests.ports import free_port

from .conftest import Office, until
from .registering import SECRETS, directory

CALLER_HZ = 440.0
MANAGER_HZ = 1000.0

Softphones = Callable[..., Softphone | Linphone]


@pytest.fixture
def office(make_office: Callable[..., Office], tmp_path: Path) -> Office:
    office = make_office(bindings=tmp_path / "bindings.json")
    office.endpoint.set_directory(directory())
    return office


@pytest.fixture
def make_softphone(office: Office, tmp_path: Path) -> Iterator[Softphones]:
    if absent := missing(("baresip", "linphonec")):
        pytest.skip(f"LEFT OUT: real softphones were not tried, without {', '.join(absent)}")
    made: list[Softphone | Linphone] = []
    registrar = f"127.0.0.1:{office.endpoint.port}"

    def make(kind: str, login: str = "anna", *, auto: bool = False) -> Softphone | Linphone:
        port, secret = free_port(), SECRETS[login]
        if kind == "linphone":
            made.append(Linphone(tmp_path, login, port, typed(login, secret, registrar), auto=auto, hz=MANAGER_HZ))
        else:
            account = f"<sip:{login}@{registrar};transport=udp>;auth_user={login};auth_pass={secret};regint=120"
            made.append(Softphone(tmp_path, login, port, auto=auto, hz=MANAGER_HZ, account=account))
        return made[-1]

    yield make
    for phone in made:
        phone.close()


def registered(office: Office, count: int, user: str = "anna") -> list[Binding]:
    until(lambda: len(office.endpoint.phones_of(user)) == count, 20)
    return office.endpoint.phones_of(user)


def ring(office: Office, binding: Binding) -> Leg:
    """A call to a registered telephone, as the bridge makes it."""
    return office.endpoint.dial(
        binding.uri, caller_number="+74951234567", caller_name="Иван", codec="PCMA", address=binding.address
    )


@pytest.mark.parametrize(("kind", "device"), [("baresip", "baresip"), ("linphone", "Linphonec")])
def test_it_registers_is_rung_and_talked_to_and_leaves(
    office: Office, make_softphone: Softphones, kind: str, device: str
) -> None:
    phone = make_softphone(kind)
    (binding,) = registered(office, 1)
    assert binding.device.startswith(device)
    assert 110 <= (binding.expires_at - binding.since).total_seconds() <= 120
    leg = ring(office, binding)
    until(phone.rings, 10)
    phone.answer()
    until(lambda: Answered() in office.of(leg))
    tone = audioop.lin2alaw(hearing.samples_of(CALLER_HZ, 1).tobytes(), 2)
    leg.media.play(tone, loop=True)
    until(lambda: leg.media.counters.received > 100)
    phone.hang_up()
    until(lambda: office.of(leg)[-1] == Ended(200, "remote_bye"))
    assert office.of(leg)[:2] == [Ringing(), Answered()]
    until(lambda: hearing.seconds_of(phone.heard, CALLER_HZ) > 0.5)
    phone.close()
    registered(office, 0)


def test_all_of_a_users_softphones_ring_and_the_first_takes_it(office: Office, make_softphone: Softphones) -> None:
    phones = [make_softphone("baresip"), make_softphone("linphone")]
    bindings = registered(office, 2)
    legs = [ring(office, binding) for binding in bindings]
    for phone in phones:
        until(phone.rings, 10)
    phones[1].answer()
    (taken,) = until(lambda: [leg for leg in legs if Answered() in office.of(leg)])
    for leg in legs:
        if leg is not taken:
            leg.cancel(elsewhere=True)
    until(lambda: not phones[0].rings())
    taken.hangup()
    until(lambda: all(isinstance(office.of(leg)[-1], Ended) for leg in legs))
    assert len(office.endpoint.phones_of("anna")) == 2


@pytest.mark.parametrize("kind", ["baresip", "linphone"])
def test_one_that_vanishes_is_rung_until_its_time_is_up(office: Office, make_softphone: Softphones, kind: str) -> None:
    phone = make_softphone(kind)
    (binding,) = registered(office, 1)
    phone._process.kill()
    phone._process.wait(5)
    leg = ring(office, binding)
    until(lambda: any(isinstance(event, Ended) for event in office.of(leg)))
    assert office.of(leg)[-1].cause == "unreachable"  # type: ignore[union-attr]
    assert office.endpoint.phones_of("anna") == [binding]
    office.clock.ahead += 121
    assert office.endpoint.phones_of("anna") == []


@pytest.mark.parametrize("kind", ["baresip", "linphone"])
def test_a_restart_of_the_bridge_goes_unnoticed(
    office: Office, make_office: Callable[..., Office], make_softphone: Softphones, tmp_path: Path, kind: str
) -> None:
    phone = make_softphone(kind)
    before = registered(office, 1)
    office.endpoint.stop()
    office = make_office(port=office.endpoint.port, bindings=tmp_path / "bindings.json")
    office.endpoint.set_directory(directory())
    assert office.endpoint.phones_of("anna") == before
    leg = ring(office, before[0])
    until(phone.rings, 10)
    leg.cancel()
    phone.close()  # its proof is made for a nonce of the bridge that was
    registered(office, 0)


@pytest.mark.parametrize("kind", ["baresip", "linphone"])
def test_with_a_wrong_secret_it_stays_out(office: Office, make_softphone: Softphones, kind: str) -> None:
    office.endpoint.set_directory(directory("2", anna="another"))
    make_softphone(kind)
    until(lambda: office.endpoint.counters["wrong_proofs"], 20)
    assert office.endpoint.phones_of("anna") == []
