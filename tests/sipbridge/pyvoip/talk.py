"""A call in progress, for tests of what may befall it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sipbridge.pyvoip import Answered, Leg
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.sdp import parse

from .conftest import Office, Phone, until


class Talk:
    """A call in progress, whichever side began it, seen from the telephone."""

    def __init__(self, office: Office, phone: Phone, *, inbound: bool, headers: str = "") -> None:
        self.office, self.phone = office, phone
        if inbound:
            office.when_called = lambda leg: leg.answer()
            phone.invite(headers=headers)
            phone.expect(200)
            phone.send("ACK")
            self.leg: Leg = office.call()
            self.who: dict[str, Any] = {}
        else:
            self.leg = office.endpoint.dial(phone.address, caller_number="1", caller_name="", codec="PCMU")
            invite = phone.expect_request("INVITE")
            phone.reply(invite, 200, headers=headers, body=phone.sdp)
            phone.expect_request("ACK")
            phone.call_id = invite.call_id
            self.who = {"from_": f"{invite.header('to')};tag=phone", "to": invite.header("from")}
        until(lambda: Answered() in office.of(self.leg))
        self.cseq = 1

    def offer(self, change: str = "", method: str = "INVITE", port: int = 40000, **parts: Any) -> str:
        """Send an offer of the telephone's; its branch."""
        self.cseq += 1
        body = self.phone.sdp.replace("40000", str(port)) + change
        return self.phone.send(method, self.cseq, body=body, **self.who, **parts)

    def ack(self, branch: str | None = None) -> None:
        self.phone.send("ACK", self.cseq, **self.who, branch=branch)

    def send(self, method: str, **parts: Any) -> None:
        self.cseq += 1
        self.phone.send(method, self.cseq, **self.who, **parts)

    def reinvited(self, direction: str) -> Message:
        """The bridge's re-INVITE, which must offer this direction."""
        request = self.phone.expect_request("INVITE")
        assert parse(request.content)[0].direction == direction
        return request

    def agree(self, request: Message, direction: str, port: int = 40000) -> None:
        body = self.phone.sdp.replace("40000", str(port)) + f"a={direction}\r\n"
        self.phone.reply(request, 200, body=body)
        ack = self.phone.expect_request("ACK")
        assert ack.cseq == request.cseq and ack.vias[0].branch != request.vias[0].branch

    @property
    def events(self) -> list[Any]:
        return self.office.of(self.leg)

    def lives(self) -> None:
        """Fail unless the call is still there."""
        self.send("OPTIONS")
        self.phone.expect(200)
        assert not self.leg.ended


@contextmanager
def an_ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(5)
        yield ear
