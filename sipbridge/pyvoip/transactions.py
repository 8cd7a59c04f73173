"""Transactions over UDP (RFC 3261 17, RFC 6026): what is lost is sent again, what comes twice is done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.timers import T2, T4, TIMEOUT, Repeater, nothing

if TYPE_CHECKING:
    from sipbridge.pyvoip.client import Client

COST = 1500  # bytes that an answered request costs besides what grows with its length
TIMED_OUT = 408
UNREACHABLE = 503


class ServerTransaction:
    """One request of the far end and our answers to it.

    A non-2xx answer to INVITE is sent again until its ACK comes (timers G, H). A 2xx answer is sent again by
    the leg, which alone sees that ACK; here it serves retransmitted INVITEs. From the final answer on nothing of the
    request is kept but its `key` and its `identity`: thousands may wait for copies that never come.
    """

    def __init__(self, client: Client, request: Message) -> None:
        self.key = (request.method, *request.transaction_key)
        self.identity = (request.call_id, request.from_.tag, request.cseq)
        self._request: Message | None = request
        self.to_tag = request.to.tag or client.tag_for(request)
        self.final = 0
        self._client = client
        self._destination = wire.return_address(request)
        self._last: bytes | None = None
        self._repeater: Repeater | None = None
        self._acknowledged: Callable[[], None] | None = None

    @property
    def request(self) -> Message:
        """The request, until it is answered. Raises ValueError afterwards."""
        if self._request is None:
            raise ValueError("the request was answered and is not kept")
        return self._request

    @property
    def size(self) -> int:
        """About how many bytes the memory of it takes once it is answered."""
        return COST + 2 * len(self._last or b"")

    def respond(self, code: int, phrase: str, fields: wire.Fields = (), body: bytes = b"") -> None:
        """Send a response; after a final one nothing else is sent."""
        if self.final:
            return
        self._last = wire.response(self.request, code, phrase, self.to_tag, fields, body)
        self.resend()
        if code < 200:
            return
        self.final = code
        self._request = None
        self._client.answered(self)
        if self.key[0] != "INVITE":
            self._client.timers.after(TIMEOUT, self._forget)
        elif code >= 300:
            self._repeater = Repeater(self._client.timers, self.resend, self._forget, T2)

    def trying(self) -> None:
        """Send 100 when nothing was sent yet: the caller stops repeating and from now on relies on us."""
        if self._last is None:
            self.respond(100, "Trying")

    def repeat_until_ack(self, acknowledged: Callable[[], None], gave_up: Callable[[], None]) -> None:
        """Repeat our 2xx until ACK (RFC 3261 13.3.1.4); one of the two callbacks follows."""

        def stop() -> None:
            self._forget()
            gave_up()

        self._acknowledged = acknowledged
        self._repeater = Repeater(self._client.timers, self.resend, stop, T2)

    def resend(self) -> None:
        """Send the last response again: the request came again, or its ACK did not."""
        if self._last is not None:
            self._client.send(self._last, self._destination)

    def on_ack(self) -> None:
        """The ACK came. Repetition stops; the transaction stays a while to swallow late copies."""
        if self._repeater is None:
            return
        self._repeater.stop()
        self._repeater = None
        self._client.timers.after(TIMEOUT if self.final < 300 else T4, self._forget)
        if self._acknowledged:
            self._acknowledged()

    def _forget(self) -> None:
        if self._repeater:
            self._repeater.stop()
            self._repeater = None
        self._client.forget_server(self)


class ClientTransaction:
    """One request of ours. `on_response` gets each provisional and final response, `on_failure` a code instead.

    An INVITE's failure responses are acknowledged here; every 2xx, also a repeated or a forked one, is given
    to `on_response`, which must acknowledge it. `gate` may withhold a datagram that would be too many.
    """

    def __init__(
        self,
        client: Client,
        method: str,
        branch: str,
        data: bytes,
        destination: Address,
        on_response: Callable[[Message], None],
        on_failure: Callable[[int], None],
        ack: Callable[[Message], bytes] | None = None,
        gate: Callable[[], bool] = lambda: True,
    ) -> None:
        self.method, self.branch = method, branch
        self.final = 0
        self.proceeding = False
        self.destination = destination
        self._client, self._data = client, data
        self._on_response, self._on_failure, self._make_ack = on_response, on_failure, ack
        self._ack: bytes | None = None
        self._gate = gate
        self._identity = _identity(data)
        cap = TIMEOUT if method == "INVITE" else T2
        self._repeater = Repeater(client.timers, self._send, lambda: self.fail(TIMED_OUT), cap)
        client.add_client(self)
        self._send()  # last: the answer may come before this returns

    def _send(self) -> None:
        if self._gate():
            self._client.send(self._data, self.destination)

    def answers(self, response: Message) -> bool:
        """Whether this is an answer to our request, not to another's under the same branch."""
        return (response.call_id, response.cseq) == self._identity

    def on_response(self, response: Message) -> None:
        if self.final >= 300:
            if response.code >= 300 and self._ack:
                self._client.send(self._ack, self.destination)
            return
        if response.code < 200:
            if self.final == 0:
                self.proceeding = True
                if self.method == "INVITE":
                    self._repeater.stop()
                else:
                    self._repeater.slow_down()
                self._on_response(response)
            return
        if self.final and (self.method != "INVITE" or response.code >= 300):
            return
        first, self.final = self.final == 0, response.code
        if first:
            self._repeater.stop()
            self._client.timers.after(TIMEOUT if self.method == "INVITE" else T4, self._forget)
        if self.method == "INVITE" and response.code >= 300 and self._make_ack:
            self._ack = self._make_ack(response)
            self._client.send(self._ack, self.destination)
        self._on_response(response)

    def fail(self, code: int) -> None:
        """No answer came in time, or the network says that none will."""
        if self.final or (self.proceeding and code == UNREACHABLE):
            return
        self.final = code
        on_failure = self._on_failure
        self._repeater.stop()
        self._forget()
        on_failure(code)

    def abandon(self) -> None:
        """Stop sending; nothing is reported any more."""
        self.final = self.final or TIMED_OUT
        self._repeater.stop()
        self._forget()

    def _forget(self) -> None:
        """Also whoever wanted the answer: he may hold this transaction, and only the collector would end that."""
        self._client.forget_client(self)
        self._on_response = self._on_failure = nothing
        self._make_ack = None


def _identity(request: bytes) -> tuple[str, int]:
    """Call-ID and CSeq of a request that we wrote."""
    call_id = request.split(b"\r\nCall-ID: ", 1)[1].split(b"\r\n", 1)[0]
    cseq = request.split(b"\r\nCSeq: ", 1)[1].split(b" ", 1)[0]
    return call_id.decode("utf-8", "surrogateescape"), int(cseq)
