"""A real softphone, baresip, at the other end: dialled, calling, holding, busy with its own ideas of SIP."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipbridge.pyvoip import Answered, Dtmf, Ended, Held, Leg, Ringing, TransferAsked, Unheld
from tests.ports import free_port, free_range

from .conftest import Office, until

SPEECH = Path(__file__).parents[3] / "sipbridge" / "media" / "sounds" / "speech.en.wav"
CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{sip}
audio_source aufile,{speech}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_player aubridge,sink
audio_alert aubridge,sink2
rtp_ports {rtp}-{rtp_end}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
ring_aufile none
ringback_aufile none
"""


class Baresip:
    """One running softphone and its control socket."""

    def __init__(self, folder: Path, account: str) -> None:
        self.sip, self.control_port, rtp = free_port(), free_port(), free_range(20)
        (folder / "config").write_text(
            CONFIG.format(sip=self.sip, control=self.control_port, rtp=rtp[0], rtp_end=rtp[-1], speech=SPEECH)
        )
        (folder / "accounts").write_text(f"<sip:anna@127.0.0.1:{self.sip}>;regint=0;{account}\n")
        self.process = subprocess.Popen(
            ["baresip", "-f", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.uri = f"sip:anna@127.0.0.1:{self.sip}"
        self.control = until(self._connect, 15)

    def _connect(self) -> socket.socket | None:
        assert self.process.poll() is None, "baresip did not start"
        try:
            return socket.create_connection(("127.0.0.1", self.control_port), 3)
        except OSError:
            return None

    def command(self, command: str, params: str = "") -> None:
        text = json.dumps({"command": command, "params": params}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def stop(self) -> None:
        self.control.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def make_baresip(tmp_path: Path) -> Iterator[Callable[[str], Baresip]]:
    if shutil.which("baresip") is None:
        pytest.skip("baresip is not installed (Debian: baresip): a real softphone was left out")
    made: list[Baresip] = []

    def make(account: str) -> Baresip:
        made.append(Baresip(tmp_path, account))
        return made[-1]

    yield make
    for phone in made:
        phone.stop()


def dial(office: Office, phone: Baresip) -> Leg:
    return office.endpoint.dial(phone.uri, caller_number="+74951234567", caller_name="Анна", codec="PCMA")


def test_it_is_dialled_and_picks_up(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    leg = dial(office, make_baresip("answermode=auto"))
    until(lambda: Answered() in office.of(leg))
    until(lambda: leg.media.counters.received > 20)
    leg.hangup()
    until(lambda: office.of(leg)[-1] == Ended(200, "local"))
    assert leg.media.counters.ignored == 0


def test_it_rings_and_we_give_up(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    phone = make_baresip("answermode=manual")
    leg = dial(office, phone)
    until(lambda: office.of(leg) == [Ringing()])
    leg.cancel()
    assert office.of(leg) == [Ringing(), Ended(487, "cancelled")]
    until(lambda: not office.endpoint.sip._clients or all(t.final for t in office.endpoint.sip._clients.values()))


def test_it_refuses(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    phone = make_baresip("answermode=manual")
    leg = dial(office, phone)
    until(lambda: office.of(leg) == [Ringing()])
    phone.command("hangup")
    until(lambda: isinstance(office.of(leg)[-1], Ended))
    assert office.of(leg)[-1].cause in ("busy", "rejected")  # type: ignore[union-attr]


def test_it_calls_holds_resumes_and_hangs_up(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    def pick_up(leg: Leg) -> None:
        leg.ring()
        leg.answer()

    office.when_called = pick_up
    phone = make_baresip("answermode=manual;audio_codecs=pcmu,pcma")
    phone.command("dial", f"sip:desk@127.0.0.1:{office.endpoint.port}")
    leg = office.call()
    until(lambda: Answered() in office.of(leg))
    assert leg.caller_number == "anna" and leg.codec == "PCMU"
    until(lambda: leg.media.counters.received > 20)
    phone.command("hold")
    until(lambda: office.of(leg)[-1] == Held())
    phone.command("resume")
    until(lambda: office.of(leg)[-1] == Unheld())
    phone.command("hangup")
    until(lambda: office.of(leg)[-1] == Ended(200, "remote_bye"))


@pytest.mark.parametrize("inbound", [True, False], ids=["it called", "we called"])
def test_it_is_held_and_taken_back(office: Office, make_baresip: Callable[[str], Baresip], inbound: bool) -> None:
    leg = talking(office, make_baresip, inbound)
    for _ in range(2):
        leg.hold()
        until(lambda: leg.on_hold)
        leg.hold(music=True)
        until(lambda: leg.negotiation.hold == "sendonly")
        leg.resume()
        until(lambda: not leg.on_hold)
        heard = leg.media.counters.received
        until(lambda heard=heard: leg.media.counters.received > heard + 20)
    assert office.of(leg)[-1] == Answered()


def talking(office: Office, make_baresip: Callable[[str], Baresip], inbound: bool) -> Leg:
    if not inbound:
        leg = dial(office, make_baresip("answermode=auto"))
    else:
        office.when_called = lambda leg: leg.answer()
        make_baresip("answermode=manual;audio_codecs=pcmu,pcma").command(
            "dial", f"sip:desk@127.0.0.1:{office.endpoint.port}"
        )
        leg = office.call()
    until(lambda: Answered() in office.of(leg))
    until(lambda: leg.media.counters.received > 20)
    return leg


def test_it_presses_keys(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    phone = make_baresip("answermode=auto")
    leg = dial(office, phone)
    until(lambda: Answered() in office.of(leg))
    for key in "5#":
        phone.command("sndcode", key)
        until(lambda key=key: Dtmf(key) in office.of(leg))
    assert sum(isinstance(event, Dtmf) for event in office.of(leg)) == 2


def test_it_transfers(office: Office, make_baresip: Callable[[str], Baresip]) -> None:
    phone = make_baresip("answermode=auto")
    leg = dial(office, phone)
    until(lambda: Answered() in office.of(leg))
    phone.command("transfer", "sip:201@example.com")
    until(lambda: office.of(leg)[-1] == TransferAsked("sip:201@example.com", None))
    leg.transfer_progress(180, "Ringing")
    leg.transfer_progress(200, "OK")
    until(lambda: office.of(leg)[-1] == Ended(200, "remote_bye"))  # it hangs up when the transfer succeeded
