"""A real Linphone on its console: registers, rings, talks out of one WAV file and hears into another.

It works without a sound card only in file mode, and registers only while the machine has a network address
besides loopback: its network monitor opens no socket before.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import threading
from array import array
from pathlib import Path

from tests.e2e import hearing
from tests.e2e.installation import wait_for
from tests.ports import free_range

SETTINGS = """
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
default_proxy=0
guess_hostname=0
contact=sip:{login}@127.0.0.1
register_only_when_network_is_up=0
use_ipv6=0
bind_address=127.0.0.1

[rtp]
audio_rtp_port={rtp}-{rtp_end}

"""
TYPED = """
[auth_info_0]
username={login}
passwd={secret}

[proxy_0]
reg_proxy=<sip:{registrar}>
reg_identity=sip:{login}@{registrar}
reg_expires={expires}
reg_sendregister=1
publish=0
"""


def typed(login: str, secret: str, registrar: str, expires: int = 120) -> str:
    """An account at `registrar` (host:port) as somebody types it in."""
    return TYPED.format(login=login, secret=secret, registrar=registrar, expires=expires)


def fetched(url: str) -> str:
    """An account whose settings Linphone fetches, as after scanning a QR code."""
    return f"[misc]\nconfig-uri={url}\n"


class Linphone:
    """A manager's Linphone on `port`. `account` is `typed` or `fetched`; `auto` picks up by itself."""

    def __init__(self, folder: Path, login: str, port: int, account: str, *, auto: bool, hz: float = 1000) -> None:
        self.folder = folder / f"linphone-{login}-{port}"
        for needed in (".local/share/linphone", ".config/linphone"):  # it opens its database there or not at all
            (self.folder / needed).mkdir(parents=True)
        rtp = free_range(20)
        settings = SETTINGS.format(login=login, port=port, rtp=rtp[0], rtp_end=rtp[-1])
        (self.folder / "rc").write_text(settings + account)
        self._recording = self.folder / "heard.wav"
        tone = hearing.write_tone(self.folder / "tone.wav", hz, 60)
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            ["linphonec", *(["-a"] if auto else []), "-c", "rc", "-d", "6", "-l", "log"],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder), "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_for(lambda: "linphonec>" in self._said, told=f"Linphone of {login}")
        # Settings that it fetches undo what was said before.
        wait_for(self._knows_whether_it_is_registered, told=f"Linphone of {login} does not register")
        for command in ("soundcard use files", f"play {tone}", f"record {self._recording}"):
            self._say(command)

    def _knows_whether_it_is_registered(self) -> bool:
        log = (self.folder / "log").read_text(errors="replace")
        return "[LinphoneRegistrationOk]" in log or "[LinphoneRegistrationFailed]" in log

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while got := os.read(self._terminal, 65536):
                self._said += got.decode("utf-8", "replace")

    def _say(self, command: str) -> None:
        os.write(self._terminal, f"{command}\n".encode())

    def saw(self, words: str) -> int:
        """How often it said so on its console, such as "connected." or "ended"."""
        return self._said.count(words)

    def rings(self) -> bool:
        """True while a call rings here."""
        return self.saw("Receiving new incoming call") > self.saw("connected.") + self.saw(" ended (")

    def answer(self, call: str = "") -> None:
        """Pick up what rings; `call` is its number where there are several."""
        wait_for(self.rings, told="Linphone does not ring")
        connected = self.saw("connected.")
        self._say(f"answer {call}".strip())
        wait_for(lambda: self.saw("connected.") > connected)

    def dial(self, uri: str) -> None:
        """Call somebody; a call that goes on must be on hold."""
        self._say(f"call {uri}")

    def hold(self) -> None:
        """Put the far end on hold by its own button (re-INVITE)."""
        self._say("pause")

    def join(self, one: int, other: int) -> None:
        """Ask to bring the far ends of two calls together (REFER with Replaces)."""
        self._say(f"transfer {one} --to-call {other}")

    def hang_up(self) -> None:
        """End the talk, or decline what rings."""
        ended = self.saw(" ended (")
        self._say("terminate")
        wait_for(lambda: self.saw(" ended (") > ended)

    @property
    def heard(self) -> array[int]:
        """What its ears were given, of all calls that are over."""
        return hearing.channels(self._recording)[0]

    def close(self) -> None:
        """Quit, if it still runs; it takes its registration back."""
        if self._process.poll() is None:
            self._say("quit")
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait(10)
        self._reader.join(5)
        with contextlib.suppress(OSError):
            os.close(self._terminal)
